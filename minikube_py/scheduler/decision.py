"""Which node a pod goes to, or why to none, and whom else it would displace. Pure: filters, then
scores, then preemption.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from minikube_py.meta.objects import Object
from minikube_py.scheduler.cluster import ClusterView
from minikube_py.scheduler.filters import SharedHost, problems
from minikube_py.scheduler.neighbours import NamespaceLabels, Neighbours
from minikube_py.scheduler.owners import NOBODY, Owners, default_selector
from minikube_py.scheduler.preemption import Judge, Preemption, Reasons, plan_preemption
from minikube_py.scheduler.reasons import (
    EVERY_CHANGE,
    Change,
    Reason,
    Unbound,
    unavailable_message,
    waits_for,
)
from minikube_py.scheduler.scores import best_node
from minikube_py.scheduler.spreading import Spreading
from minikube_py.scheduler.views import NodeView, PodView
from minikube_py.scheduler.volumes import (
    PodVolumes,
    VolumeLookup,
    pod_volumes,
    volume_problem,
    volumes_in_use,
)


@dataclass(frozen=True)
class Decision:
    """`node` "" means none, `message` why, and `waits_for` what may help beside changed nodes.
    `waiting` are claims to be bound on that node.
    """

    node: str = ""
    message: str = ""
    waiting: Sequence[Object] = ()
    waits_for: frozenset[Change] = EVERY_CHANGE
    preemption: Preemption = field(default_factory=Preemption)


@dataclass(frozen=True)
class Surroundings:
    """What beside the nodes a decision looks at."""

    volumes: VolumeLookup
    namespace_labels: NamespaceLabels
    budgets: Callable[[], Iterable[Object]] = tuple
    owners: Owners = NOBODY


def decide(pod: PodView, cluster: ClusterView, around: Surroundings) -> Decision:
    nodes = cluster.nodes()
    if not nodes:
        return Decision(message=unavailable_message(0, ()))
    volumes = pod_volumes(pod, around.volumes)

    def judging(those: Sequence[NodeView]) -> Judge:
        return _judge(pod, those, volumes, around)

    promised = cluster.nodes_as_promised(pod)
    against = _reasons(nodes, promised, judging)
    feasible = [node for node in nodes if not against[node.name]]
    if feasible:
        return _choice(pod, cluster, feasible, volumes, around)
    if volumes.problem:
        refused = Decision(message=f"0/{len(nodes)} nodes are available: {volumes.problem}.")
    else:
        refused = Decision(message=unavailable_message(len(nodes), against.values()))
    refused = replace(refused, waits_for=waits_for(against.values()))
    help_ = plan_preemption(pod, promised or nodes, judging, around.budgets())
    if not help_.node:
        refused = replace(refused, message=f"{refused.message} preemption: {help_.message}")
    return replace(refused, preemption=help_)


def _reasons(
    nodes: Sequence[NodeView],
    promised: Sequence[NodeView] | None,
    judging: Callable[[Sequence[NodeView]], Judge],
) -> Mapping[str, Reasons]:
    """It must fit whether or not the pods come that were promised room."""
    judge = judging(nodes)
    against = {node.name: judge(node) for node in nodes}
    if promised is not None:
        judge = judging(promised)
        against = {node.name: judge(node) or against[node.name] for node in promised}
    return against


def _choice(
    pod: PodView,
    cluster: ClusterView,
    feasible: Sequence[NodeView],
    volumes: PodVolumes,
    around: Surroundings,
) -> Decision:
    nodes = cluster.nodes()
    promised = cluster.nominated_node(pod.key)
    if any(node.name == promised for node in feasible):
        return Decision(node=promised, waiting=volumes.waiting)
    if len(feasible) == 1:
        return Decision(node=feasible[0].name, waiting=volumes.waiting)
    together = default_selector(pod, around.owners)
    best = best_node(pod, feasible, nodes, around.namespace_labels, together)
    return Decision(node=best.name, waiting=volumes.waiting)


def _judge(
    pod: PodView, nodes: Sequence[NodeView], volumes: PodVolumes, around: Surroundings
) -> Judge:
    neighbours = Neighbours(pod, nodes, around.namespace_labels)
    spreading = Spreading(pod, nodes)
    shared = SharedHost(pod, nodes)
    in_use = volumes_in_use(volumes, nodes)

    def reasons_against(node: NodeView) -> Reasons:
        if volumes.problem:
            return (Unbound(volumes.problem),)
        if found := problems(pod, node):
            return found
        first = (
            shared.problem(node)
            or in_use
            or _volume_problem(volumes, node, around.volumes)
            or spreading.problem(node)
            or neighbours.problem(node)
        )
        return (first,) if first else ()

    return reasons_against


def _volume_problem(volumes: PodVolumes, node: NodeView, lookup: VolumeLookup) -> Reason | None:
    if not volumes.bound and not volumes.waiting:
        return None
    return volume_problem(volumes, node, lookup)
