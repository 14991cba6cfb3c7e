"""Which ReplicaSet belongs to which revision of a Deployment's template.

Pure. Revisions count up; a template that comes back (`kubectl rollout undo`) takes its old
ReplicaSet with it under a new number, and annotations tell all of that to kubectl.
"""

import copy
from collections.abc import Sequence
from typing import Any

from minikube_py.control_loop.templates import normalized, short_hash
from minikube_py.kinds.dev_annotations import SHOWN_CONTENT
from minikube_py.meta.objects import (
    Object,
    annotations_of,
    get_path,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    SHOWN_CONTENT,
    REVISION,
    REVISION_HISTORY,
    DESIRED,
    MOST,
    "deprecated.deployment.rollback.to",
}
_MAX_HISTORY = 2000  # characters


def by_age(replica_sets: Sequence[Object]) -> list[Object]:
    """Oldest first."""
    return sorted(
        replica_sets,
        key=lambda rs: (get_path(rs, "metadata", "creationTimestamp", default=""), name_of(rs)),
    )


def find_new(deployment: Object, replica_sets: Sequence[Object]) -> Object | None:
    """The oldest ReplicaSet made from the Deployment's template as it is now."""
    wanted = _without_hash(deployment["spec"]["template"])
    for replica_set in by_age(replica_sets):
        if _without_hash(replica_set["spec"]["template"]) == wanted:
            return replica_set
    return None


def revision_of(obj: Object) -> int:
    try:
        return int(annotations_of(obj).get(REVISION, "0"))
    except ValueError:
        return 0


def template_hash(template: Object, collisions: int | None) -> str:
    """Short, and the same for the same template; `collisions` makes another one."""
    return short_hash(_without_hash(template), collisions)


def new_replica_set(deployment: Object, replicas: int, revision: int, most: int) -> Object:
    """The ReplicaSet for the template as it is now."""
    collisions = get_path(deployment, "status", "collisionCount")
    digest = template_hash(deployment["spec"]["template"], collisions)
    template = copy.deepcopy(deployment["spec"]["template"])
    metadata = template.setdefault("metadata", {}) or {}
    template["metadata"] = metadata
    metadata["labels"] = {**(metadata.get("labels") or {}), HASH_LABEL: digest}
    selector = copy.deepcopy(deployment["spec"]["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: digest}
    spec: Object = {"replicas": replicas, "selector": selector, "template": template}
    if min_ready := get_path(deployment, "spec", "minReadySeconds", default=0):
        spec["minReadySeconds"] = min_ready
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name_of(deployment)}-{digest}",
            "namespace": namespace_of(deployment),
            "labels": dict(metadata["labels"]),
            "annotations": {
                **_copied_annotations(deployment),
                REVISION: str(revision),
                **size_annotations(deployment, most),
            },
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": spec,
    }


def size_annotations(deployment: Object, most: int) -> dict[str, str]:
    """What a ReplicaSet remembers of the Deployment's size, for scaling in proportion."""
    replicas = get_path(deployment, "spec", "replicas")
    return {DESIRED: str(1 if replicas is None else replicas), MOST: str(most)}


def revised_annotations(deployment: Object, replica_set: Object, revision: int) -> dict[str, str]:
    """Annotations of the new ReplicaSet when it holds `revision`, its old numbers kept as
    history.
    """
    annotations = {**annotations_of(replica_set), **_copied_annotations(deployment)}
    previous = revision_of(replica_set)
    if previous >= revision:
        return annotations
    annotations[REVISION] = str(revision)
    if previous:
        history = [part for part in annotations.get(REVISION_HISTORY, "").split(",") if part]
        history.append(str(previous))
        while len(",".join(history)) > _MAX_HISTORY:
            history.pop(0)
        annotations[REVISION_HISTORY] = ",".join(history)
    return annotations


def surplus_history(deployment: Object, old: Sequence[Object]) -> list[Object]:
    """Old, empty ReplicaSets beyond spec.revisionHistoryLimit, lowest revisions first."""
    limit = get_path(deployment, "spec", "revisionHistoryLimit")
    if limit is None:
        return []
    alive = sorted((rs for rs in old if not is_deleting(rs)), key=revision_of)
    surplus = alive[: max(0, len(alive) - limit)]
    return [rs for rs in surplus if _is_settled_and_empty(rs)]


def _is_settled_and_empty(replica_set: Object) -> bool:
    status = replica_set.get("status") or {}
    return (
        not status.get("replicas")
        and get_path(replica_set, "spec", "replicas") == 0
        and get_path(replica_set, "metadata", "generation", default=0)
        <= status.get("observedGeneration", 0)
    )


def _copied_annotations(deployment: Object) -> dict[str, str]:
    return {
        key: value for key, value in annotations_of(deployment).items() if key not in _NOT_COPIED
    }


def _without_hash(template: Object) -> Any:
    labels = {key: value for key, value in labels_of(template).items() if key != HASH_LABEL}
    metadata = {**(template.get("metadata") or {}), "labels": labels}
    return normalized({**template, "metadata": metadata})
