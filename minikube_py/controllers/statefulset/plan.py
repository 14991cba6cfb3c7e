"""Which pods of a StatefulSet to make and which to remove next.

Pure; Kubernetes' stateful_set_control.go. Ordered sets take one step at a time and none while a
pod is unwell; parallel ones do all at once, except updates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Member:
    """One pod that exists. `healthy`: running, ready for long enough, and staying."""

    ordinal: int
    revision: str
    healthy: bool
    leaving: bool = False
    ended: bool = False


@dataclass(frozen=True)
class Wanted:
    """`ordinals` is what spec asks for; pods below ordinal `update_from` keep the current
    revision.
    """

    ordinals: range
    current: str
    update: str
    ordered: bool = True
    updates: bool = True
    update_from: int = 0
    max_unavailable: int = 1

    def revision_for(self, ordinal: int) -> str:
        keeps = self.updates and ordinal < self.update_from
        return self.current if keeps else self.update


@dataclass
class Plan:
    """Ordinals to make (with the revision) and to remove."""

    create: list[tuple[int, str]] = field(default_factory=list)
    delete: list[int] = field(default_factory=list)


def plan_pods(wanted: Wanted, members: Sequence[Member]) -> Plan:
    plan = Plan()
    by_ordinal = {member.ordinal: member for member in members}
    may_go_on = (
        _fill(plan, wanted, by_ordinal) and _shrink(plan, wanted, members) and wanted.updates
    )
    if may_go_on:
        _update(plan, wanted, by_ordinal)
    return plan


def _fill(plan: Plan, wanted: Wanted, by_ordinal: Mapping[int, Member]) -> bool:
    """True when the later steps may come in the same go."""
    for ordinal in wanted.ordinals:
        member = by_ordinal.get(ordinal)
        if member is None:
            plan.create.append((ordinal, wanted.revision_for(ordinal)))
        elif member.ended and not member.leaving:
            plan.delete.append(ordinal)
        if wanted.ordered and (member is None or not member.healthy):
            return False
    return True


def _shrink(plan: Plan, wanted: Wanted, members: Sequence[Member]) -> bool:
    """Highest number first. Another pod that is unwell stops an ordered set here."""
    unwell = [member.ordinal for member in members if not member.healthy]
    condemned = [member for member in members if member.ordinal not in wanted.ordinals]
    for member in sorted(condemned, key=lambda each: -each.ordinal):
        if member.leaving:
            if wanted.ordered:
                return False
            continue
        if wanted.ordered and not member.healthy and member.ordinal != min(unwell):
            return False
        plan.delete.append(member.ordinal)
        if wanted.ordered:
            return False
    return True


def _update(plan: Plan, wanted: Wanted, by_ordinal: Mapping[int, Member]) -> None:
    """Highest number first, and on to the next only when that one is well."""
    missing = 0
    for ordinal in reversed(wanted.ordinals):
        if ordinal < wanted.update_from:
            return
        member = by_ordinal.get(ordinal)
        if member is not None and member.revision != wanted.update and not member.leaving:
            if ordinal not in plan.delete:
                plan.delete.append(ordinal)
            missing += 1
        elif member is None or not member.healthy:
            missing += 1
        if missing >= wanted.max_unavailable:
            return
