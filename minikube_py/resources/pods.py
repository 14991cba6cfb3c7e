"""What only Pods have: the binding to a node (registry/core/pod's BindingREST)."""

from collections.abc import Mapping

from minikube_py.kinds.catalog import POD
from minikube_py.meta.errors import Conflict
from minikube_py.meta.objects import (
    Object,
    get_path,
    is_deleting,
    labels_of,
    name_of,
    uid_of,
    with_condition,
)

_TOPOLOGY = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


def topology_of(node: Object | None) -> Mapping[str, str]:
    """What of the node's labels its pods get, so that they can tell where they are (the admission
    plugin podtopologylabels).
    """
    labels = labels_of(node) if node else {}
    return {label: labels[label] for label in _TOPOLOGY if label in labels}


def bound_to(
    pod: Object, node: str, uid: str | None, now: str, labels: Mapping[str, str] | None = None
) -> Object:
    """`pod`, changed in place; raises Conflict when it can't be bound (any more)."""
    name = name_of(pod)
    if uid is not None and uid != uid_of(pod):
        raise _conflict(
            name,
            f"Precondition failed: UID in precondition: {uid}, UID in object meta: {uid_of(pod)}",
        )
    if is_deleting(pod):
        raise _conflict(name, f"pod {name} is being deleted, cannot be assigned to a host")
    assigned = get_path(pod, "spec", "nodeName")
    if assigned:
        raise _conflict(name, f'pod {name} is already assigned to node "{assigned}"')
    if get_path(pod, "spec", "schedulingGates"):
        raise _conflict(name, f"pod {name} has non-empty .spec.schedulingGates")
    pod.setdefault("spec", {})["nodeName"] = node
    if labels:
        pod["metadata"]["labels"] = {**labels_of(pod), **labels}
    status = pod.setdefault("status", {})
    status.pop("nominatedNodeName", None)  # the room is taken now
    scheduled = {"type": "PodScheduled", "status": "True"}
    conditions = [
        {field: value for field, value in condition.items() if field not in ("reason", "message")}
        if condition.get("type") == "PodScheduled"
        else condition
        for condition in status.get("conditions") or []
    ]
    status["conditions"] = with_condition(conditions, scheduled, now=now)
    return pod


def _conflict(name: str, why: str) -> Conflict:
    return Conflict.of(POD.group, POD.plural, name, why)
