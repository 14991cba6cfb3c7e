"""What only Pods have: the binding to a node (registry/core/pod's BindingREST)."""

from minikube_py.kinds.catalog import POD
from minikube_py.meta.errors import Conflict
from minikube_py.meta.objects import Object, get_path, is_deleting, name_of, uid_of, with_condition


def bound_to(pod: Object, node: str, uid: str | None, now: str) -> Object:
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
    status = pod.setdefault("status", {})
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
