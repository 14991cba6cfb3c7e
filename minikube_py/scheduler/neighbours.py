"""Where a pod may be because of the pods that are there: affinity, anti-affinity, spreading.

Pure (the scheduler plugins interpodaffinity and podtopologyspread). Each rule looks at the whole
cluster once for a pod and then answers for every node.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minikube_py.control_loop.node_affinity import pod_wants_node
from minikube_py.control_loop.taints import taints_of, tolerates
from minikube_py.meta.objects import Object, get_path, labels_of
from minikube_py.meta.selectors import Requirement, Selector, from_label_selector
from minikube_py.scheduler.cluster import NodeView, PodView
from minikube_py.scheduler.filters import HARD_EFFECTS, Unresolvable

NamespaceLabels = Callable[[str], Mapping[str, str]]
"""The labels of a namespace by name."""

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
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

    def matches(self, pod: PodView, namespace_labels: NamespaceLabels) -> bool:
        if self.selector is None or not self.selector.matches(labels_of(pod.pod)):
            return False
        if pod.namespace in self.namespaces:
            return True
        wanted = self.namespace_selector
        return wanted is not None and wanted.matches(namespace_labels(pod.namespace))


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
        affinity = get_path(pod.pod, "spec", "affinity", default={})
        self._near = _terms(affinity, "podAffinity", pod)
        self._far = [parse_term(term, pod) for term in pod.keeps_away_from]
        self._near_places = [self._places(term, nodes) for term in self._near]
        self._far_places = [self._places(term, nodes) for term in self._far]
        self._closed = self._closed_places(nodes)

    def problem(self, node: NodeView) -> str | None:
        """Why the pod can't be on `node`, None when it can."""
        if not self._is_near(node):
            return Unresolvable("node(s) didn't match pod affinity rules")
        for term, places in zip(self._far, self._far_places, strict=True):
            if (term.topology_key, node.labels.get(term.topology_key)) in places:
                return "node(s) didn't match pod anti-affinity rules"
        if any((key, node.labels.get(key)) in self._closed for key in _keys(self._closed)):
            return "node(s) didn't satisfy existing pods anti-affinity rules"
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
            term.matches(self._pod, self._labels_of_namespace) for term in self._near
        )

    def _places(self, term: Term, nodes: Sequence[NodeView]) -> set[Place]:
        return {
            (term.topology_key, node.labels[term.topology_key])
            for node in nodes
            if term.topology_key in node.labels
            and any(term.matches(other, self._labels_of_namespace) for other in node.pods.values())
        }

    def _closed_places(self, nodes: Sequence[NodeView]) -> set[Place]:
        """Where pods are that keep away from this one."""
        closed: set[Place] = set()
        for node in nodes:
            for other in node.pods.values():
                for raw in other.keeps_away_from:
                    term = parse_term(raw, other)
                    if term.topology_key in node.labels and term.matches(
                        self._pod, self._labels_of_namespace
                    ):
                        closed.add((term.topology_key, node.labels[term.topology_key]))
        return closed


@dataclass(frozen=True)
class _Spread:
    topology_key: str
    max_skew: int
    min_domains: int
    selector: Selector | None
    counts: Mapping[str, int]
    counts_itself: bool

    def problem(self, node: NodeView) -> str | None:
        value = node.labels.get(self.topology_key)
        if value is None:
            return Unresolvable(
                "node(s) didn't match pod topology spread constraints (missing required label)"
            )
        fewest = min(self.counts.values(), default=0)
        if len(self.counts) < self.min_domains:
            fewest = 0
        here = self.counts.get(value, 0) + self.counts_itself
        if here - fewest > self.max_skew:
            return "node(s) didn't match pod topology spread constraints"
        return None


class Spreading:
    """spec.topologySpreadConstraints of one pod: hard ones refuse, soft ones give a cost."""

    def __init__(self, pod: PodView, nodes: Sequence[NodeView]) -> None:
        constraints = get_path(pod.pod, "spec", "topologySpreadConstraints", default=[])
        keys = [each["topologyKey"] for each in constraints]
        labeled = [node for node in nodes if all(key in node.labels for key in keys)]
        spreads = [
            (each, _spread(each, pod, [node for node in labeled if _counts(each, pod, node)]))
            for each in constraints
        ]
        self._hard = [
            spread
            for each, spread in spreads
            if each.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"
        ]
        self._soft = [
            spread for each, spread in spreads if each.get("whenUnsatisfiable") == "ScheduleAnyway"
        ]

    def problem(self, node: NodeView) -> str | None:
        return next((found for spread in self._hard if (found := spread.problem(node))), None)

    def cost(self, node: NodeView) -> int:
        """How many matching pods are near already."""
        return sum(
            spread.counts.get(node.labels.get(spread.topology_key, ""), 0) for spread in self._soft
        )


def preferred_weight(
    pod: PodView, node: NodeView, nodes: Sequence[NodeView], namespace_labels: NamespaceLabels
) -> int:
    """What the pod's own preferences for and against neighbours add up to on `node`."""
    affinity = get_path(pod.pod, "spec", "affinity", default={})
    total = 0
    for name, sign in (("podAffinity", 1), ("podAntiAffinity", -1)):
        for each in get_path(
            affinity, name, "preferredDuringSchedulingIgnoredDuringExecution", default=[]
        ):
            term = parse_term(each["podAffinityTerm"], pod)
            value = node.labels.get(term.topology_key)
            if value is None:
                continue
            near = (other for other in nodes if other.labels.get(term.topology_key) == value)
            matching = sum(
                term.matches(view, namespace_labels)
                for other in near
                for view in other.pods.values()
            )
            total += sign * int(each["weight"]) * matching
    return total


def _counts(constraint: Mapping[str, Any], pod: PodView, node: NodeView) -> bool:
    """Whether the pods on this node are looked at for the constraint."""
    if constraint.get("nodeAffinityPolicy", "Honor") == "Honor" and not pod_wants_node(
        pod.pod, node.object
    ):
        return False
    return constraint.get("nodeTaintsPolicy", "Ignore") == "Ignore" or not any(
        taint.get("effect") in HARD_EFFECTS and not tolerates(pod.pod, taint)
        for taint in taints_of(node.object)
    )


def _spread(constraint: Mapping[str, Any], pod: PodView, nodes: Iterable[NodeView]) -> _Spread:
    key = constraint["topologyKey"]
    selector = from_label_selector(constraint.get("labelSelector"))
    if selector is not None:
        extra = [
            Requirement(name, "=", frozenset([labels_of(pod.pod)[name]]))
            for name in constraint.get("matchLabelKeys") or []
            if name in labels_of(pod.pod)
        ]
        selector = Selector((*selector.requirements, *extra))
    counts: Counter[str] = Counter()
    for node in nodes:
        counts[node.labels[key]] += sum(
            other.namespace == pod.namespace
            and not other.is_leaving
            and selector is not None
            and selector.matches(labels_of(other.pod))
            for other in node.pods.values()
        )
    return _Spread(
        topology_key=key,
        max_skew=constraint.get("maxSkew", 1),
        min_domains=constraint.get("minDomains") or 1,
        selector=selector,
        counts=counts,
        counts_itself=selector is not None and selector.matches(labels_of(pod.pod)),
    )


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


def _terms(affinity: Object, name: str, owner: PodView) -> list[Term]:
    return [parse_term(term, owner) for term in get_path(affinity, name, REQUIRED, default=[])]


def _keys(places: Iterable[Place]) -> set[str]:
    return {key for key, _ in places}
