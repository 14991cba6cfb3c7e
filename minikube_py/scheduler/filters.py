"""May this pod be on this node? Every no has Kubernetes' words, for the FailedScheduling event.

Pure: the default scheduler's filter plugins. Rules about the pods already there are in
`neighbours`, rules about claims in `volumes`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minikube_py.control_loop.node_affinity import pod_wants_node
from minikube_py.meta.objects import Object, find_condition, get_path
from minikube_py.scheduler.cluster import NodeView, PodView
from minikube_py.scheduler.requests import ports_collide

Taint = Mapping[str, Any]
HARD_EFFECTS = ("NoSchedule", "NoExecute")


class Unresolvable(str):
    """A reason that stays whichever pods leave the node: preemption can't help."""

    __slots__ = ()


def problems(pod: PodView, node: NodeView) -> Sequence[str]:
    """Why the pod can't be on the node, looking at these two only; empty when it can."""
    first = _name_problem(pod, node) or _place_problem(pod, node) or _taint_problem(pod, node)
    if first:
        return (first,)
    if _ports_taken(pod, node):
        return ("node(s) didn't have free ports for the requested pod ports",)
    return tuple(_missing_resources(pod, node))


def unavailable_message(total: int, reasons: Iterable[Sequence[str]]) -> str:
    """`0/3 nodes are available: 1 Too many pods, 2 Insufficient cpu.`"""
    if total == 0:
        return "no nodes available to schedule pods"
    counts = Counter(reason for node in reasons for reason in node)
    listed = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
    return f"0/{total} nodes are available: {listed}."


def taints_of(node: Object) -> list[Taint]:
    """Those in its spec, and those its state means until somebody writes them there."""
    taints: list[Taint] = list(get_path(node, "spec", "taints", default=[]))
    have = {taint.get("key") for taint in taints}
    return taints + [taint for taint in _implied_taints(node) if taint["key"] not in have]


def tolerates(pod: Object, taint: Taint) -> bool:
    return any(
        _toleration_covers(toleration, taint)
        for toleration in get_path(pod, "spec", "tolerations", default=[])
    )


def _implied_taints(node: Object) -> list[Taint]:
    implied = []
    if get_path(node, "spec", "unschedulable"):
        implied.append("node.kubernetes.io/unschedulable")
    ready = find_condition(node, "Ready")
    status = ready.get("status") if ready else None
    if status == "Unknown":
        implied.append("node.kubernetes.io/unreachable")
    elif status != "True":
        implied.append("node.kubernetes.io/not-ready")
    return [{"key": key, "effect": "NoSchedule"} for key in implied]


def _toleration_covers(toleration: Mapping[str, Any], taint: Taint) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    key = toleration.get("key") or ""
    if key and key != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(key) and (toleration.get("value") or "") == (taint.get("value") or "")


def _name_problem(pod: PodView, node: NodeView) -> str | None:
    wanted = get_path(pod.pod, "spec", "nodeName")
    if wanted and wanted != node.name:
        return Unresolvable("node(s) didn't match the requested node name")
    return None


def _place_problem(pod: PodView, node: NodeView) -> str | None:
    if pod_wants_node(pod.pod, node.object):
        return None
    return Unresolvable("node(s) didn't match Pod's node affinity/selector")


def _taint_problem(pod: PodView, node: NodeView) -> str | None:
    for taint in taints_of(node.object):
        if taint.get("effect") not in HARD_EFFECTS or tolerates(pod.pod, taint):
            continue
        if taint["key"] == "node.kubernetes.io/unschedulable":
            return Unresolvable("node(s) were unschedulable")
        named = f"{{{taint['key']}: {taint.get('value') or ''}}}"
        return Unresolvable(f"node(s) had untolerated taint {named}")
    return None


def _ports_taken(pod: PodView, node: NodeView) -> bool:
    return bool(pod.ports) and any(
        ports_collide(wanted, taken)
        for other in node.pods.values()
        for taken in other.ports
        for wanted in pod.ports
    )


def _missing_resources(pod: PodView, node: NodeView) -> Iterable[str]:
    if len(node.pods) + 1 > node.allocatable.get("pods", 0):
        yield "Too many pods"
    for name, wanted in pod.requests.items():
        room = node.allocatable.get(name, 0)
        if wanted > 0 and wanted > room:
            yield Unresolvable(f"Insufficient {name}")
        elif wanted > 0 and wanted > room - node.requested.get(name, 0):
            yield f"Insufficient {name}"
