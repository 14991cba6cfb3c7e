"""How evenly pods lie over nodes, zones or whatever a label tells apart: topology spread.

Pure (the scheduler plugin podtopologyspread). Hard constraints refuse nodes, soft ones give scores;
a pod of a Service or a controller that says nothing of spread gets the system's soft ones.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minikube_py.control_loop.node_affinity import pod_wants_node
from minikube_py.control_loop.taints import tolerates
from minikube_py.meta.objects import get_path, labels_of
from minikube_py.meta.selectors import Requirement, Selector, from_label_selector
from minikube_py.scheduler.filters import HARD_EFFECTS
from minikube_py.scheduler.reasons import Crowded, Reason, Unresolvable
from minikube_py.scheduler.views import Group, NodeView, PodView

_MISMATCH = "node(s) didn't match pod topology spread constraints"
_DEFAULTS = (("kubernetes.io/hostname", 3), ("topology.kubernetes.io/zone", 5))
"""The system's own constraints: topology key and maxSkew, ScheduleAnyway."""


class _Tally:
    """How many pods of a namespace a selector means, by node; none that are leaving."""

    def __init__(self, namespace: str, selector: Selector | None) -> None:
        self.selector = selector
        self._namespace = namespace
        self._selects: dict[Group, bool] = {}
        self._counts: dict[str, int] = {}

    def on(self, node: NodeView) -> int:
        known = self._counts.get(node.name)
        if known is None:
            known = sum(number for group, number in node.groups.items() if self._means(group))
            self._counts[node.name] = known
        return known

    def _means(self, group: Group) -> bool:
        known = self._selects.get(group)
        if known is None:
            known = (
                group.namespace == self._namespace
                and not group.leaving
                and self.selector is not None
                and self.selector.matches(dict(group.labels))
            )
            self._selects[group] = known
        return known


@dataclass(frozen=True)
class _Constraint:
    topology_key: str
    max_skew: int
    tally: _Tally
    min_domains: int = 1
    honors_affinity: bool = True
    honors_taints: bool = False

    def looks_at(self, pod: PodView, node: NodeView) -> bool:
        """Whether the pods on this node count."""
        if self.honors_affinity and not pod_wants_node(pod.pod, node.object):
            return False
        return not self.honors_taints or not any(
            taint.get("effect") in HARD_EFFECTS and not tolerates(pod.pod, taint)
            for taint in node.offered.taints
        )

    def counts(self, pod: PodView, nodes: Iterable[NodeView]) -> Counter[str]:
        """Pods like this one by topology value; a value without any is there with 0."""
        found: Counter[str] = Counter()
        for node in nodes:
            value = node.labels.get(self.topology_key)
            if value is not None and self.looks_at(pod, node):
                found[value] += self.tally.on(node)
        return found


@dataclass(frozen=True)
class _Spread:
    rule: _Constraint
    counts: Mapping[str, int]
    counts_itself: bool

    def problem(self, node: NodeView) -> Reason | None:
        value = node.labels.get(self.rule.topology_key)
        if value is None:
            return Unresolvable(f"{_MISMATCH} (missing required label)")
        fewest = min(self.counts.values(), default=0)
        if len(self.counts) < self.rule.min_domains:
            fewest = 0
        here = self.counts.get(value, 0) + self.counts_itself
        return Crowded(_MISMATCH) if here - fewest > self.rule.max_skew else None


class Spreading:
    """The hard constraints of one pod."""

    def __init__(self, pod: PodView, nodes: Sequence[NodeView]) -> None:
        rules = _own(pod, "DoNotSchedule")
        labeled = [node for node in nodes if _has_all(node, rules)]
        self._spreads = [
            _Spread(
                rule,
                rule.counts(pod, labeled),
                _means_itself(rule.tally.selector, pod),
            )
            for rule in rules
        ]

    def problem(self, node: NodeView) -> Reason | None:
        return next((found for one in self._spreads if (found := one.problem(node))), None)


def spread_scores(
    pod: PodView,
    feasible: Sequence[NodeView],
    everyone: Sequence[NodeView],
    default: Selector | None,
) -> Mapping[str, float]:
    """0…100 by node, most where the fewest pods like this one are; empty without any constraint.
    `default` selects the pods that the system's own constraints are about.
    """
    has_own = bool(get_path(pod.pod, "spec", "topologySpreadConstraints"))
    rules = _own(pod, "ScheduleAnyway") if has_own else _systems(pod, feasible, default)
    if not rules:
        return {}
    counted = [node for node in everyone if not has_own or _has_all(node, rules)]
    scored = [node for node in feasible if not has_own or _has_all(node, rules)]
    costs = dict.fromkeys((node.name for node in scored), 0.0)
    for rule in rules:
        _add_costs(costs, rule, rule.counts(pod, counted), scored)
    return _as_scores({name: round(cost) for name, cost in costs.items()})


def _add_costs(
    costs: dict[str, float], rule: _Constraint, counts: Mapping[str, int], nodes: list[NodeView]
) -> None:
    """The more places there are, the more a pod in one of them weighs."""
    key = rule.topology_key
    weight = math.log(len({node.labels.get(key) for node in nodes}) + 2)
    for node in nodes:
        if (value := node.labels.get(key)) is not None:
            costs[node.name] += counts.get(value, 0) * weight + rule.max_skew - 1


def _as_scores(costs: Mapping[str, int]) -> Mapping[str, float]:
    most, least = max(costs.values(), default=0), min(costs.values(), default=0)
    return {
        name: 100 * (most + least - cost) / most if most else 100.0 for name, cost in costs.items()
    }


def _systems(
    pod: PodView, nodes: Iterable[NodeView], default: Selector | None
) -> list[_Constraint]:
    """Both are about the same pods. A label that no node has would tell nothing apart."""
    if not default:
        return []
    tally = _Tally(pod.namespace, default)
    there = {key for key, _ in _DEFAULTS if any(key in node.labels for node in nodes)}
    return [_Constraint(key, skew, tally) for key, skew in _DEFAULTS if key in there]


def _means_itself(selector: Selector | None, pod: PodView) -> bool:
    return selector is not None and selector.matches(labels_of(pod.pod))


def _own(pod: PodView, action: str) -> list[_Constraint]:
    listed = get_path(pod.pod, "spec", "topologySpreadConstraints", default=[])
    return [
        _Constraint(
            topology_key=each["topologyKey"],
            max_skew=each.get("maxSkew", 1),
            tally=_Tally(pod.namespace, _selector(each, pod)),
            min_domains=each.get("minDomains") or 1,
            honors_affinity=each.get("nodeAffinityPolicy", "Honor") == "Honor",
            honors_taints=each.get("nodeTaintsPolicy", "Ignore") == "Honor",
        )
        for each in listed
        if each.get("whenUnsatisfiable", "DoNotSchedule") == action
    ]


def _selector(constraint: Mapping[str, Any], pod: PodView) -> Selector | None:
    selector = from_label_selector(constraint.get("labelSelector"))
    if selector is None:
        return None
    labels = labels_of(pod.pod)
    same = [
        Requirement(name, "=", frozenset([labels[name]]))
        for name in constraint.get("matchLabelKeys") or []
        if name in labels
    ]
    return Selector((*selector.requirements, *same))


def _has_all(node: NodeView, rules: Iterable[_Constraint]) -> bool:
    return all(rule.topology_key in node.labels for rule in rules)
