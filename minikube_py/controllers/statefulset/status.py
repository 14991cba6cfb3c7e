"""What a StatefulSet says of itself. Pure."""

from collections.abc import Sequence

from minikube_py.controllers.statefulset.identity import REVISION
from minikube_py.controllers.statefulset.plan import Wanted
from minikube_py.meta.objects import Object, get_path, is_deleting, labels_of


def stateful_set_status(
    stateful_set: Object,
    wanted: Wanted,
    pods: Sequence[Object],
    ready: Sequence[Object],
    available: Sequence[Object],
) -> Object:
    """When all pods run the update, it becomes the current revision."""
    old = stateful_set.get("status") or {}
    staying = [pod for pod in pods if not is_deleting(pod)]
    updated = _count(staying, wanted.update)
    status: Object = {
        "observedGeneration": get_path(stateful_set, "metadata", "generation", default=0),
        "replicas": len(pods),
        "readyReplicas": len(ready),
        "availableReplicas": len(available),
        "currentReplicas": _count(staying, wanted.current),
        "updatedReplicas": updated,
        "currentRevision": wanted.current,
        "updateRevision": wanted.update,
        "collisionCount": old.get("collisionCount", 0),
    }
    whole = len(wanted.ordinals)
    if wanted.updates and updated == len(pods) == len(ready) == whole:
        status["currentReplicas"] = updated
        status["currentRevision"] = wanted.update
    always = ("replicas", "availableReplicas", "collisionCount")
    counts = {key: value for key, value in status.items() if value or key in always}
    others = {key: value for key, value in old.items() if key not in status}
    return {**others, **counts}


def _count(pods: Sequence[Object], revision: str) -> int:
    return sum(labels_of(pod).get(REVISION) == revision for pod in pods)
