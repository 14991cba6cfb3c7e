"""Which of the nodes a pod may be on is best: the default scheduler's score plugins and weights.

Pure. Every score is 0…100 before its weight.
"""

from collections.abc import Callable, Mapping, Sequence

from minikube_py.control_loop.node_affinity import term_matches
from minikube_py.control_loop.taints import tolerates
from minikube_py.meta.objects import get_path
from minikube_py.meta.selectors import Selector
from minikube_py.scheduler.neighbours import NamespaceLabels, attraction
from minikube_py.scheduler.spreading import spread_scores
from minikube_py.scheduler.views import NodeView, PodView

Scores = Mapping[str, float]
_MIB = 1024 * 1024
_LEAST_IMAGE, _MOST_IMAGE = 23 * _MIB, 1000 * _MIB


def best_node(
    pod: PodView,
    feasible: Sequence[NodeView],
    everyone: Sequence[NodeView],
    namespace_labels: NamespaceLabels,
    together: Selector | None = None,
) -> NodeView:
    """The one with the highest sum; on a tie the one with fewer pods, then by name. `together`
    selects the pods that the system spreads when the pod says nothing of it.
    """
    if len(feasible) == 1:
        return feasible[0]
    weighted: list[tuple[int, Scores]] = [
        (1, _each(feasible, lambda node: _least_allocated(pod, node))),
        (1, _balanced(pod, feasible)),
        (1, _image_locality(pod, feasible, everyone)),
        (2, _preferred_labels(pod, feasible)),
        (3, _soft_taints(pod, feasible)),
        (2, _stretched(attraction(pod, feasible, everyone, namespace_labels))),
        (2, spread_scores(pod, feasible, everyone, together)),
    ]
    given = [(weight, scores) for weight, scores in weighted if scores]
    return min(
        feasible,
        key=lambda node: (
            -round(sum(weight * scores.get(node.name, 0.0) for weight, scores in given), 6),
            len(node.pods),
            node.name,
        ),
    )


def _each(nodes: Sequence[NodeView], score: Callable[[NodeView], float]) -> Scores:
    return {node.name: score(node) for node in nodes}


def _stretched(scores: Scores) -> Scores:
    """Lowest to 0, highest to 100; all the same means nobody is preferred."""
    if not scores:
        return scores
    least, most = min(scores.values()), max(scores.values())
    if least == most:
        return {}
    return {name: 100 * (value - least) / (most - least) for name, value in scores.items()}


def _of_most(scores: Scores) -> Scores:
    """Shares of the highest; nobody is preferred when that is 0."""
    most = max(scores.values())
    return {name: 100 * value / most for name, value in scores.items()} if most else {}


def _least_allocated(pod: PodView, node: NodeView) -> float:
    shares = [
        _share(node.weight.get(name, 0) + pod.weight[name], node.allocatable.get(name, 0))
        for name in ("cpu", "memory")
    ]
    return 100 * (1 - sum(shares) / len(shares))


def _balanced(pod: PodView, nodes: Sequence[NodeView]) -> Scores:
    """Nothing for a pod that asks for nothing: one node would get all of them."""
    cpu, memory = pod.requests.get("cpu", 0), pod.requests.get("memory", 0)
    if not cpu and not memory:
        return {}

    def score(node: NodeView) -> float:
        room, used = node.allocatable, node.requested
        first = _share(used.get("cpu", 0) + cpu, room.get("cpu", 0))
        second = _share(used.get("memory", 0) + memory, room.get("memory", 0))
        return 100 * (1 - abs(first - second) / 2)

    return _each(nodes, score)


def _share(used: int, room: int) -> float:
    return min(1.0, used / room) if room else 1.0


def _preferred_labels(pod: PodView, nodes: Sequence[NodeView]) -> Scores:
    preferred = get_path(
        pod.affinity, "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution", default=[]
    )
    if not preferred:
        return {}

    def score(node: NodeView) -> float:
        matching = (each for each in preferred if term_matches(each["preference"], node.object))
        return float(sum(each["weight"] for each in matching))

    return _of_most(_each(nodes, score))


def _soft_taints(pod: PodView, nodes: Sequence[NodeView]) -> Scores:
    if not any(node.offered.taints for node in nodes):
        return {}

    def score(node: NodeView) -> float:
        soft = (each for each in node.offered.taints if each.get("effect") == "PreferNoSchedule")
        return float(sum(not tolerates(pod.pod, taint) for taint in soft))

    bad = _of_most(_each(nodes, score))
    return {name: 100 - share for name, share in bad.items()}


def _image_locality(
    pod: PodView, nodes: Sequence[NodeView], everyone: Sequence[NodeView]
) -> Scores:
    """Large images that are there already count, from 23 MiB on; the more, the more nodes have
    them, so that not all pods of a new image go to the one that pulled it first.
    """
    containers = get_path(pod.pod, "spec", "containers", default=[])
    wanted = {_tagged(str(container.get("image") or "")) for container in containers}
    spread = {
        image: sum(image in node.offered.images for node in everyone) / len(everyone)
        for image in wanted
    }
    if not any(spread.values()):
        return {}
    most = _MOST_IMAGE * max(1, len(containers))

    def score(node: NodeView) -> float:
        sizes = node.offered.images
        total = sum(sizes.get(image, 0) * share for image, share in spread.items())
        return 100 * min(1.0, max(0.0, (total - _LEAST_IMAGE) / (most - _LEAST_IMAGE)))

    return _each(nodes, score)


def _tagged(image: str) -> str:
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"
