"""May this pod be on this node? Every no has Kubernetes' words, for the FailedScheduling event.

Pure: the default scheduler's filter plugins. Rules about the pods already there are in
`neighbours`, rules about claims in `volumes`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from minikube_py.control_loop.node_affinity import pod_wants_node
from minikube_py.control_loop.taints import UNSCHEDULABLE, taints_of, tolerates
from minikube_py.meta.objects import get_path
from minikube_py.scheduler.cluster import NodeView, PodView
from minikube_py.scheduler.requests import ports_collide

HARD_EFFECTS = ("NoSchedule", "NoExecute")
_CORDON = {"key": UNSCHEDULABLE, "effect": "NoSchedule"}


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
    if get_path(node.object, "spec", "unschedulable") and not tolerates(pod.pod, _CORDON):
        return Unresolvable("node(s) were unschedulable")
    for taint in taints_of(node.object):
        if taint.get("effect") not in HARD_EFFECTS or tolerates(pod.pod, taint):
            continue
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
