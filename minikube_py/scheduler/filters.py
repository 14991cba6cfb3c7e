"""May this pod be on this node? Every no has Kubernetes' words, for the FailedScheduling event.

Pure: the default scheduler's filter plugins. Rules about the pods already there are in
`neighbours` and `spreading`, rules about claims in `volumes`.
"""

from collections.abc import Iterable, Sequence

from minikube_py.control_loop.node_affinity import pod_wants_node
from minikube_py.control_loop.taints import UNSCHEDULABLE, tolerates
from minikube_py.meta.objects import get_path
from minikube_py.scheduler.reasons import Reason, Unresolvable
from minikube_py.scheduler.requests import HostPort, ports_collide
from minikube_py.scheduler.views import NodeView, PodView

HARD_EFFECTS = ("NoSchedule", "NoExecute")
_CORDON = {"key": UNSCHEDULABLE, "effect": "NoSchedule"}
_PORTS = Reason("node(s) didn't have free ports for the requested pod ports")


def problems(pod: PodView, node: NodeView) -> Sequence[Reason]:
    """Why the pod can't be on the node, looking at these two only; empty when it can."""
    first = _name_problem(pod, node) or _taint_problem(pod, node) or _place_problem(pod, node)
    if first:
        return (first,)
    if _collide(pod.ports, (port for other in node.pods.values() for port in other.ports)):
        return (_PORTS,)
    return tuple(_missing_resources(pod, node))


class SharedHost:
    """Nodes that are played by one host have one network namespace: what a pod with hostNetwork
    listens on is taken on all of them.
    """

    def __init__(self, pod: PodView, nodes: Sequence[NodeView]) -> None:
        self._is_taken = (
            bool(pod.ports)
            and pod.uses_host_network
            and _collide(
                pod.ports,
                (
                    port
                    for node in nodes
                    if node.offered.shares_host
                    for other in node.pods.values()
                    if other.uses_host_network
                    for port in other.ports
                ),
            )
        )

    def problem(self, node: NodeView) -> Reason | None:
        return _PORTS if self._is_taken and node.offered.shares_host else None


def _name_problem(pod: PodView, node: NodeView) -> Reason | None:
    if pod.named_nodes is not None and node.name not in pod.named_nodes:
        # Such nodes are left out before anything else is looked at.
        return Unresolvable("node(s) didn't satisfy plugin(s) [NodeAffinity]")
    if get_path(node.object, "spec", "unschedulable") and not tolerates(pod.pod, _CORDON):
        return Unresolvable("node(s) were unschedulable")
    wanted = get_path(pod.pod, "spec", "nodeName")
    if wanted and wanted != node.name:
        return Unresolvable("node(s) didn't match the requested node name")
    return None


def _place_problem(pod: PodView, node: NodeView) -> Reason | None:
    if pod_wants_node(pod.pod, node.object):
        return None
    return Unresolvable("node(s) didn't match Pod's node affinity/selector")


def _taint_problem(pod: PodView, node: NodeView) -> Reason | None:
    for taint in node.offered.taints:
        if taint.get("effect") not in HARD_EFFECTS or tolerates(pod.pod, taint):
            continue
        named = f"{{{taint['key']}: {taint.get('value') or ''}}}"
        return Unresolvable(f"node(s) had untolerated taint {named}")
    return None


def _collide(wanted: Sequence[HostPort], taken: Iterable[HostPort]) -> bool:
    return bool(wanted) and any(ports_collide(one, other) for other in taken for one in wanted)


def _missing_resources(pod: PodView, node: NodeView) -> Iterable[Reason]:
    if len(node.pods) + 1 > node.allocatable.get("pods", 0):
        yield Reason("Too many pods")
    for name, wanted in pod.requests.items():
        room = node.allocatable.get(name, 0)
        if wanted > 0 and wanted > room:
            yield Unresolvable(f"Insufficient {name}")
        elif wanted > 0 and wanted > room - node.requested.get(name, 0):
            yield Reason(f"Insufficient {name}")
