"""Which pods of less priority would have to go for one that found no node, and from which node.

Pure (the plugin defaultpreemption). The fewest and least important are chosen: first those whose
budgets allow it, and of what had to go for a first fit as much as possible is given back.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from minikube_py.meta.objects import (
    Object,
    find_condition,
    get_path,
    labels_of,
    name_of,
    namespace_of,
)
from minikube_py.meta.selectors import from_label_selector
from minikube_py.scheduler.reasons import Reason, Unresolvable, unavailable_message
from minikube_py.scheduler.views import NodeView, PodView

Reasons = Sequence[Reason]
Judge = Callable[[NodeView], Reasons]
"""Why the pod can't be on a node, looking at all nodes as `Judging` was given them."""
Judging = Callable[[Sequence[NodeView]], Judge]

PREEMPTED = "PreemptionByScheduler"
_NOBODY = Reason("No preemption victims found for incoming pod")
_NOT_HELPFUL = Reason("Preemption is not helpful for scheduling")


@dataclass(frozen=True)
class Preemption:
    """`node` "" means it can't help, and `message` why; `is_vain`: on no node at all."""

    node: str = ""
    victims: Sequence[PodView] = ()
    message: str = ""
    is_vain: bool = False


@dataclass(frozen=True)
class _Candidate:
    node: NodeView
    victims: Sequence[PodView]
    violations: int

    def cost(self) -> tuple[object, ...]:
        """Least first; on a tie the node whose most important victims started last."""
        priorities = [victim.priority for victim in self.victims]
        highest = max(priorities)
        started = min(v.started for v in self.victims if v.priority == highest)
        return (
            self.violations,
            highest,
            sum(priority + 2**31 for priority in priorities),
            len(priorities),
            _Latest(started),
            self.node.name,
        )


@dataclass(frozen=True)
class _Latest:
    at: str

    def __lt__(self, other: "_Latest") -> bool:
        return self.at > other.at


def plan_preemption(
    pod: PodView, nodes: Sequence[NodeView], judging: Judging, budgets: Iterable[Object]
) -> Preemption:
    """`nodes` as they are, pods that were nominated to them included."""
    judge = judging(nodes)
    before = {node.name: judge(node) for node in nodes}
    if refusal := _not_eligible(pod, nodes, before):
        return Preemption(message=refusal)
    budgets = [each for each in budgets if namespace_of(each)]
    candidates: list[_Candidate] = []
    against: dict[str, Reasons] = {}
    for node in nodes:
        if any(isinstance(reason, Unresolvable) for reason in before[node.name]):
            against[node.name] = (_NOT_HELPFUL,)
            continue
        found = _victims(pod, node, _on(nodes, judging), budgets)
        if isinstance(found, _Candidate):
            candidates.append(found)
        else:
            against[node.name] = tuple(found)
    if not candidates:
        message = unavailable_message(len(nodes), against.values())
        return Preemption(message=message, is_vain=True)
    best = min(candidates, key=_Candidate.cost)
    return Preemption(best.node.name, best.victims)


def _not_eligible(
    pod: PodView, nodes: Sequence[NodeView], before: Mapping[str, Reasons]
) -> str | None:
    if get_path(pod.pod, "spec", "preemptionPolicy") == "Never":
        return "not eligible due to preemptionPolicy=Never."
    nominated = next((node for node in nodes if node.name == pod.nominated_node), None)
    if nominated is None or any(isinstance(r, Unresolvable) for r in before[nominated.name]):
        return None
    for other in nominated.pods.values():
        if other.priority < pod.priority and _leaves_for_another(other):
            return "not eligible due to a terminating pod on the nominated node."
    return None


def _leaves_for_another(pod: PodView) -> bool:
    condition = find_condition(pod.pod, "DisruptionTarget") or {}
    return pod.is_leaving and condition.get("reason") == PREEMPTED


def _on(nodes: Sequence[NodeView], judging: Judging) -> Judge:
    """Judges a changed copy of one of the nodes among the others."""

    def judge(changed: NodeView) -> Reasons:
        those = [changed if node.name == changed.name else node for node in nodes]
        return judging(those)(changed)

    return judge


def _victims(
    pod: PodView, node: NodeView, judge: Judge, budgets: Sequence[Object]
) -> _Candidate | Reasons:
    """All that are less important go; then the most important come back while the pod still fits,
    those first whose budgets would be overdrawn.
    """
    lower = [view for view in node.pods.values() if view.priority < pod.priority]
    if not lower:
        return (_NOBODY,)
    room = node.copy()
    for view in lower:
        room.take(view.key)
    if reasons := judge(room):
        return reasons
    lower.sort(key=lambda view: (-view.priority, view.started, view.key))
    violating, others = _split_by_budgets(lower, budgets)
    victims, violations = [], 0
    for view in [*violating, *others]:
        room.place(view)
        if judge(room):
            room.take(view.key)
            victims.append(view)
            violations += view in violating
    return _Candidate(node, victims, violations) if victims else (_NOBODY,)


def _split_by_budgets(
    pods: Sequence[PodView], budgets: Sequence[Object]
) -> tuple[list[PodView], list[PodView]]:
    """(those whose going overdraws a budget, the others)"""
    spent: Counter[int] = Counter()
    violating: list[PodView] = []
    others: list[PodView] = []
    for view in pods:
        overdraws = False
        for index, budget in enumerate(budgets):
            if not _covers(budget, view):
                continue
            if name_of(view.pod) in get_path(budget, "status", "disruptedPods", default={}):
                continue
            spent[index] += 1
            allowed = get_path(budget, "status", "disruptionsAllowed", default=0)
            overdraws = overdraws or spent[index] > allowed
        (violating if overdraws else others).append(view)
    return violating, others


def _covers(budget: Object, view: PodView) -> bool:
    if namespace_of(budget) != view.namespace:
        return False
    selector = from_label_selector(get_path(budget, "spec", "selector"))
    return bool(selector and selector.requirements and selector.matches(labels_of(view.pod)))
