"""Which of the nodes a pod may be on is best: the default scheduler's score plugins and weights.

Pure. Every score is 0…100 before its weight.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from minikube_py.control_loop.node_affinity import term_matches
from minikube_py.control_loop.taints import taints_of, tolerates
from minikube_py.meta.objects import get_path
from minikube_py.scheduler.cluster import NodeView, PodView
from minikube_py.scheduler.neighbours import NamespaceLabels, Spreading, preferred_weight

Scores = Mapping[str, float]
_MIB = 1024 * 1024
_LEAST_IMAGE, _MOST_IMAGE = 23 * _MIB, 1000 * _MIB


def best_node(
    pod: PodView,
    feasible: Sequence[NodeView],
    everyone: Sequence[NodeView],
    spreading: Spreading,
    namespace_labels: NamespaceLabels,
) -> NodeView:
    """The one with the highest sum; on a tie the one with fewer pods, then by name."""
    if len(feasible) == 1:
        return feasible[0]
    weighted: list[tuple[int, Scores]] = [
        (1, _each(feasible, lambda node: _least_allocated(pod, node))),
        (1, _each(feasible, lambda node: _balanced(pod, node))),
        (1, _each(feasible, lambda node: _image_locality(pod, node))),
        (2, _stretched(_each(feasible, lambda node: _preferred_labels(pod, node)))),
        (3, _stretched(_each(feasible, lambda node: -_soft_taints(pod, node)))),
        (
            2,
            _stretched(
                _each(
                    feasible, lambda node: preferred_weight(pod, node, everyone, namespace_labels)
                )
            ),
        ),
        (2, _stretched(_each(feasible, lambda node: -spreading.cost(node)))),
    ]
    return min(
        feasible,
        key=lambda node: (
            -round(sum(weight * scores[node.name] for weight, scores in weighted), 6),
            len(node.pods),
            node.name,
        ),
    )


def _each(nodes: Sequence[NodeView], score: Callable[[NodeView], float]) -> Scores:
    return {node.name: score(node) for node in nodes}


def _stretched(scores: Scores) -> Scores:
    """Lowest to 0, highest to 100; all the same means nobody is preferred."""
    least, most = min(scores.values()), max(scores.values())
    if least == most:
        return dict.fromkeys(scores, 0.0)
    return {name: 100 * (value - least) / (most - least) for name, value in scores.items()}


def _shares(pod: PodView, node: NodeView) -> list[float]:
    """CPU and memory in use with the pod there, 0…1."""
    shares = []
    for name in ("cpu", "memory"):
        room = node.allocatable.get(name, 0)
        used = node.weight.get(name, 0) + pod.weight[name]
        shares.append(min(1.0, used / room) if room else 1.0)
    return shares


def _least_allocated(pod: PodView, node: NodeView) -> float:
    shares = _shares(pod, node)
    return 100 * (1 - sum(shares) / len(shares))


def _balanced(pod: PodView, node: NodeView) -> float:
    shares = _shares(pod, node)
    mean = sum(shares) / len(shares)
    deviation = math.sqrt(sum((share - mean) ** 2 for share in shares) / len(shares))
    return 100 * (1 - deviation)


def _preferred_labels(pod: PodView, node: NodeView) -> float:
    preferred = get_path(
        pod.pod,
        "spec",
        "affinity",
        "nodeAffinity",
        "preferredDuringSchedulingIgnoredDuringExecution",
        default=[],
    )
    return float(
        sum(each["weight"] for each in preferred if term_matches(each["preference"], node.object))
    )


def _soft_taints(pod: PodView, node: NodeView) -> float:
    return float(
        sum(
            taint.get("effect") == "PreferNoSchedule" and not tolerates(pod.pod, taint)
            for taint in taints_of(node.object)
        )
    )


def _image_locality(pod: PodView, node: NodeView) -> float:
    """Large images that are there already count, from 23 MiB on."""
    sizes = {
        name: image.get("sizeBytes", 0)
        for image in get_path(node.object, "status", "images", default=[])
        for name in image.get("names") or []
    }
    containers = get_path(pod.pod, "spec", "containers", default=[])
    total: int = sum(sizes.get(container.get("image", ""), 0) for container in containers)
    most = _MOST_IMAGE * max(1, len(containers))
    return 100 * min(1.0, max(0.0, (total - _LEAST_IMAGE) / (most - _LEAST_IMAGE)))
