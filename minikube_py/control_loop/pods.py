"""What workloads ask of pods: who counts, who is ready since when, who is missed least, and how a
new one comes out of a template.

The order of deletion is Kubernetes' ActivePodsWithRanks. Pure.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from minikube_py.meta.objects import (
    Object,
    annotations_of,
    find_condition,
    get_path,
    is_condition_true,
    is_deleting,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from minikube_py.meta.timestamps import parse_time

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASE_RANK = {"Pending": 0, "Unknown": 1, "Running": 2}


def pod_from_template(template: Mapping[str, Any], owner: Object) -> Object:
    """A pod `owner` controls, nameless but for generateName `<owner>-`."""
    metadata = template.get("metadata") or {}
    pod_metadata: Object = {
        "generateName": f"{name_of(owner)}-",
        "namespace": namespace_of(owner),
        "ownerReferences": [owner_reference(owner)],
    }
    for field in ("labels", "annotations", "finalizers"):
        if metadata.get(field):
            pod_metadata[field] = copy.deepcopy(metadata[field])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": pod_metadata,
        "spec": copy.deepcopy(template.get("spec") or {}),
    }


def is_active(pod: Mapping[str, Any]) -> bool:
    """It runs, or will: neither finished nor on its way out."""
    phase = get_path(pod, "status", "phase")
    return phase not in ("Succeeded", "Failed") and not is_deleting(pod)


def is_ready(pod: Mapping[str, Any]) -> bool:
    return is_condition_true(pod, "Ready")


def ready_since(pod: Mapping[str, Any]) -> float | None:
    """POSIX seconds, None when not ready."""
    condition = find_condition(pod, "Ready")
    if condition is None or condition.get("status") != "True":
        return None
    moment = condition.get("lastTransitionTime")
    return parse_time(moment).timestamp() if moment else 0.0


def seconds_until_available(
    pod: Mapping[str, Any], min_ready_seconds: int, now: float
) -> float | None:
    """0 when available, None when not ready, else how long it still has to stay ready."""
    since = ready_since(pod)
    if since is None:
        return None
    if min_ready_seconds == 0:
        return 0.0
    return max(0.0, since + min_ready_seconds - now)


def sort_for_deletion(pods: Sequence[Object], related: Sequence[Object] = ()) -> list[Object]:
    """Those that are missed least come first. `related` (default: `pods`) are the pods of the
    same workload, to tell which node is crowded.
    """
    per_node: dict[str, int] = {}
    for pod in related or pods:
        if is_active(pod) and (node := get_path(pod, "spec", "nodeName", default="")):
            per_node[node] = per_node.get(node, 0) + 1
    return sorted(pods, key=lambda pod: _importance(pod, per_node))


def _importance(pod: Object, per_node: Mapping[str, int]) -> tuple[Any, ...]:
    node = get_path(pod, "spec", "nodeName", default="")
    created = get_path(pod, "metadata", "creationTimestamp")
    return (
        bool(node),
        _PHASE_RANK.get(get_path(pod, "status", "phase", default="Pending"), 1),
        is_ready(pod),
        _deletion_cost(pod),
        -per_node.get(node, 0),
        -(ready_since(pod) or 0.0),
        -_restarts(pod),
        -(parse_time(created).timestamp() if created else float("inf")),
        uid_of(pod),
    )


def _deletion_cost(pod: Object) -> int:
    try:
        return int(annotations_of(pod).get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _restarts(pod: Object) -> int:
    statuses = get_path(pod, "status", "containerStatuses", default=[])
    return max((status.get("restartCount", 0) for status in statuses), default=0)
