"""Which node a pod goes to, or why to none. Pure: filters, then scores."""

from collections.abc import Sequence
from dataclasses import dataclass

from minikube_py.meta.objects import Object
from minikube_py.scheduler.cluster import NodeView, PodView
from minikube_py.scheduler.filters import problems, unavailable_message
from minikube_py.scheduler.neighbours import NamespaceLabels, Neighbours, Spreading
from minikube_py.scheduler.scores import best_node
from minikube_py.scheduler.volumes import PodVolumes, VolumeLookup, pod_volumes, volume_problem


@dataclass(frozen=True)
class Decision:
    """`node` "" means none, and `message` why. `waiting` are claims to be bound on that node."""

    node: str = ""
    message: str = ""
    waiting: Sequence[Object] = ()


def decide(
    pod: PodView,
    nodes: Sequence[NodeView],
    volume_lookup: VolumeLookup,
    namespace_labels: NamespaceLabels,
) -> Decision:
    if not nodes:
        return Decision(message=unavailable_message(0, ()))
    volumes = pod_volumes(pod, volume_lookup)
    if volumes.problem:
        return Decision(message=f"0/{len(nodes)} nodes are available: {volumes.problem}.")
    neighbours = Neighbours(pod, nodes, namespace_labels)
    spreading = Spreading(pod, nodes)

    def reasons_against(node: NodeView) -> Sequence[str]:
        if found := problems(pod, node):
            return found
        first = (
            _volume_problem(volumes, node, volume_lookup)
            or spreading.problem(node)
            or neighbours.problem(node)
        )
        return (first,) if first else ()

    against = {node.name: reasons_against(node) for node in nodes}
    feasible = [node for node in nodes if not against[node.name]]
    if not feasible:
        return Decision(message=unavailable_message(len(nodes), against.values()))
    best = best_node(pod, feasible, nodes, spreading, namespace_labels)
    return Decision(node=best.name, waiting=volumes.waiting)


def _volume_problem(volumes: PodVolumes, node: NodeView, lookup: VolumeLookup) -> str | None:
    if not volumes.bound and not volumes.waiting:
        return None
    return volume_problem(volumes, node, lookup)
