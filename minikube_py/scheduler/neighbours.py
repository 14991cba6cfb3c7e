"""Where a pod may be, and would rather be, because of the pods that are there: affinity and
anti-affinity.

Pure (the scheduler plugin interpodaffinity). Each rule looks at the whole cluster once for a pod
and then answers for every node; pods of the same labels are looked at once.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minikube_py.meta.objects import Object, get_path, labels_of
from minikube_py.meta.selectors import Requirement, Selector, from_label_selector
from minikube_py.scheduler.reasons import Lonely, Reason
from minikube_py.scheduler.views import REQUIRED, Group, NodeView, PodView

NamespaceLabels = Callable[[str], Mapping[str, str]]
"""The labels of a namespace by name."""

_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_SIGNS = {"podAffinity": 1, "podAntiAffinity": -1}
_REQUIRED_WEIGHT = 1
"""What a pod's required affinity counts for those that it wants to be near."""
Place = tuple[str, str]
"""(topology key, value)"""


@dataclass(frozen=True)
class Term:
    """One pod affinity term with its selectors parsed. `namespaces` None: any that `in_labels`
    selects.
    """

    topology_key: str
    selector: Selector | None
    namespaces: frozenset[str]
    namespace_selector: Selector | None

    def matches(self, pods: Group, namespace_labels: NamespaceLabels) -> bool:
        if self.selector is None or not self.selector.matches(dict(pods.labels)):
            return False
        if pods.namespace in self.namespaces:
            return True
        wanted = self.namespace_selector
        return wanted is not None and wanted.matches(namespace_labels(pods.namespace))


def parse_term(term: Mapping[str, Any], owner: PodView) -> Term:
    namespaces = term.get("namespaces") or []
    namespace_selector = from_label_selector(term.get("namespaceSelector"))
    if not namespaces and namespace_selector is None:
        namespaces = [owner.namespace]
    selector = from_label_selector(term.get("labelSelector"))
    if selector is not None:
        selector = Selector((*selector.requirements, *_label_keys(term, owner)))
    return Term(term["topologyKey"], selector, frozenset(namespaces), namespace_selector)


class Neighbours:
    """The hard rules for one pod."""

    def __init__(
        self, pod: PodView, nodes: Sequence[NodeView], namespace_labels: NamespaceLabels
    ) -> None:
        self._pod = pod
        self._labels_of_namespace = namespace_labels
        self._near = [
            parse_term(term, pod)
            for term in get_path(pod.affinity, "podAffinity", REQUIRED, default=[])
        ]
        self._far = [parse_term(term, pod) for term in pod.keeps_away_from]
        self._near_places = [self._places(term, nodes) for term in self._near]
        self._far_places = [self._places(term, nodes) for term in self._far]
        self._closed = self._closed_places(nodes)

    def problem(self, node: NodeView) -> Reason | None:
        """Why the pod can't be on `node`, None when it can."""
        if not self._is_near(node):
            return Lonely("node(s) didn't match pod affinity rules")
        for term, places in zip(self._far, self._far_places, strict=True):
            if (term.topology_key, node.labels.get(term.topology_key)) in places:
                return Reason("node(s) didn't match pod anti-affinity rules")
        if any((key, node.labels.get(key)) in self._closed for key in _keys(self._closed)):
            return Reason("node(s) didn't satisfy existing pods anti-affinity rules")
        return None

    def _is_near(self, node: NodeView) -> bool:
        if not self._near:
            return True
        if any(term.topology_key not in node.labels for term in self._near):
            return False
        if all(
            (term.topology_key, node.labels[term.topology_key]) in places
            for term, places in zip(self._near, self._near_places, strict=True)
        ):
            return True
        # The first of a group that wants to be together has nobody to be with yet.
        nobody = not any(self._near_places)
        return nobody and all(
            term.matches(self._pod.group, self._labels_of_namespace) for term in self._near
        )

    def _places(self, term: Term, nodes: Sequence[NodeView]) -> set[Place]:
        return {
            (term.topology_key, node.labels[term.topology_key])
            for node in nodes
            if term.topology_key in node.labels
            and any(term.matches(group, self._labels_of_namespace) for group in node.groups)
        }

    def _closed_places(self, nodes: Sequence[NodeView]) -> set[Place]:
        """Where pods are that keep away from this one."""
        closed: set[Place] = set()
        for node in nodes:
            for other in node.attached.values():
                for raw in other.keeps_away_from:
                    term = parse_term(raw, other)
                    if term.topology_key in node.labels and term.matches(
                        self._pod.group, self._labels_of_namespace
                    ):
                        closed.add((term.topology_key, node.labels[term.topology_key]))
        return closed


def attraction(
    pod: PodView,
    feasible: Sequence[NodeView],
    everyone: Sequence[NodeView],
    namespace_labels: NamespaceLabels,
) -> Mapping[str, float]:
    """By node, what the pod's own wishes and those of the pods that are there add up to; empty when
    nobody has any.
    """
    places: Counter[Place] = Counter()
    own = [(weight, parse_term(raw, pod)) for weight, raw in _wishes(pod)]
    for node in everyone:
        for weight, term in own:
            if term.topology_key in node.labels:
                near = sum(n for g, n in node.groups.items() if term.matches(g, namespace_labels))
                places[term.topology_key, node.labels[term.topology_key]] += weight * near
        for other in node.attached.values():
            for weight, raw in (*_wishes(other), *_needs(other)):
                term = parse_term(raw, other)
                if term.topology_key in node.labels and term.matches(pod.group, namespace_labels):
                    places[term.topology_key, node.labels[term.topology_key]] += weight
    if not places:
        return {}
    return {
        node.name: float(sum(n for (key, at), n in places.items() if node.labels.get(key) == at))
        for node in feasible
    }


def _wishes(pod: PodView) -> Iterator[tuple[int, Object]]:
    for name, sign in _SIGNS.items():
        for each in get_path(pod.affinity, name, _PREFERRED, default=[]):
            yield sign * int(each["weight"]), each["podAffinityTerm"]


def _needs(pod: PodView) -> Iterator[tuple[int, Object]]:
    for term in get_path(pod.affinity, "podAffinity", REQUIRED, default=[]):
        yield _REQUIRED_WEIGHT, term


def _label_keys(term: Mapping[str, Any], owner: PodView) -> list[Requirement]:
    labels = labels_of(owner.pod)
    same = [
        Requirement(key, "in", frozenset([labels[key]]))
        for key in term.get("matchLabelKeys") or []
        if key in labels
    ]
    other = [
        Requirement(key, "notin", frozenset([labels[key]]))
        for key in term.get("mismatchLabelKeys") or []
        if key in labels
    ]
    return [*same, *other]


def _keys(places: Iterable[Place]) -> set[str]:
    return {key for key, _ in places}
