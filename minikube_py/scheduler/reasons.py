"""Why a pod is not on a node, in Kubernetes' words for the FailedScheduling event, and what would
have to change before it is worth asking again. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

Change = Literal["coming", "going", "volumes"]
"""A pod came to a node; one left, or changed; claims, volumes or classes changed. Nodes that change
concern every pod.
"""
EVERY_CHANGE: frozenset[Change] = frozenset({"coming", "going", "volumes"})


class Reason(str):
    """Pods that leave may end it."""

    __slots__ = ()
    waits_for: frozenset[Change] = frozenset({"going"})


class Unresolvable(Reason):
    """It stays whichever pods leave the node: preemption can't help."""

    __slots__ = ()
    waits_for: frozenset[Change] = frozenset()


class Lonely(Unresolvable):
    """It wants to be near a pod that is not there."""

    __slots__ = ()
    waits_for: frozenset[Change] = frozenset({"coming", "going"})


class Crowded(Reason):
    """Pods are spread unevenly: others that come elsewhere help, too."""

    __slots__ = ()
    waits_for: frozenset[Change] = frozenset({"coming", "going"})


class Unbound(Unresolvable):
    """A claim is not there, not bound, or not reachable from the node."""

    __slots__ = ()
    waits_for: frozenset[Change] = frozenset({"volumes"})


def waits_for(reasons: Iterable[Sequence[Reason]]) -> frozenset[Change]:
    """What could help, of all that was said against the nodes."""
    return frozenset(change for node in reasons for reason in node for change in reason.waits_for)


def unavailable_message(total: int, reasons: Iterable[Sequence[str]]) -> str:
    """`0/3 nodes are available: 1 Too many pods, 2 Insufficient cpu.`"""
    if total == 0:
        return "no nodes available to schedule pods"
    counts = Counter(str(reason) for node in reasons for reason in node)
    listed = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
    return f"0/{total} nodes are available: {listed}."
