"""Is what clients saw of one object possible, had every request happened at one moment between its
start and its end?

In general that question is exponential. Here the order of the states is known, a watch names them
all with their revisions, so only their moments are not: each write bounds the moment of the state
it made, each read those of the state it saw and of the next one, and what remains is to see whether
growing moments fit between the bounds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

ABSENT = ""
"""The value of an object that is not there."""
FOREVER = float("inf")


@dataclass(frozen=True)
class State:
    """What an object became: its revision, its value or ABSENT, and its incarnation."""

    revision: int
    value: str
    uid: str = ""


@dataclass(frozen=True)
class Write:
    """One request to write `value`, which no other has. `replaced` is the revision the client asked
    to replace, None = whatever is there; `outcome` is "unknown" when no answer came: it happened at
    some time, or never.
    """

    value: str
    start: float
    end: float
    outcome: Literal["done", "refused", "unknown"]
    revision: int | None = None
    replaced: int | None = None


@dataclass(frozen=True)
class Deletion:
    """An acknowledged one, of the incarnation `uid`."""

    uid: str
    start: float
    end: float


@dataclass(frozen=True)
class Read:
    """An answer that shows the object: its value and revision, None = it was not there."""

    value: str
    start: float
    end: float
    revision: int | None


@dataclass(frozen=True)
class Superseded:
    """An answer that says: this revision is not the newest any more."""

    revision: int
    end: float


@dataclass(frozen=True)
class History:
    """All that clients asked and were told of one object."""

    writes: list[Write] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    superseded: list[Superseded] = field(default_factory=list)


def problems(states: Sequence[State], history: History) -> list[str]:
    """Why the history of one object is not linearizable; empty when it is. `states` is every state
    in the order of revisions, after the first: being absent.
    """
    chain = [State(0, ABSENT), *states]
    if any(old.revision >= new.revision for old, new in pairwise(chain)):
        return [f"revisions do not grow: {[state.revision for state in chain]}"]
    bounds = _Bounds(len(chain))
    found = [
        *_place_writes(chain, history.writes, bounds),
        *_place_deletions(chain, history.deletions, bounds),
        *_place_reads(chain, history, bounds),
        *bounds.problems(chain),
    ]
    if not found:
        absences = [read for read in history.reads if read.revision is None]
        found += [f"{read} came while it was there" for read in bounds.impossible(chain, absences)]
    return found


def _place_writes(chain: Sequence[State], writes: Iterable[Write], bounds: "_Bounds") -> list[str]:
    """Finds the state that each write made, and bounds its moment."""
    made = {state.value: index for index, state in enumerate(chain) if state.value != ABSENT}
    if len(made) != sum(state.value != ABSENT for state in chain):
        return ["a write happened twice"]
    found = []
    for write in writes:
        index = made.get(write.value)
        if write.outcome == "refused":
            if index is not None:
                found.append(f"{write} was refused and happened")
        elif index is None:
            if write.outcome == "done":
                found.append(f"{write} was acknowledged and is lost")
        else:
            found += _misplaced(chain, index, write)
            bounds.written(index, write.start, write.end if write.outcome == "done" else FOREVER)
    return found


def _place_deletions(
    chain: Sequence[State], deletions: Iterable[Deletion], bounds: "_Bounds"
) -> list[str]:
    ends = {state.uid: index for index, state in enumerate(chain) if state.value == ABSENT}
    found = []
    for deletion in deletions:
        index = ends.get(deletion.uid)
        if index is None:
            found.append(f"{deletion} was acknowledged and is lost")
        else:
            bounds.written(index, deletion.start, deletion.end)
    return found


def _place_reads(chain: Sequence[State], history: History, bounds: "_Bounds") -> list[str]:
    by_revision = {state.revision: index for index, state in enumerate(chain)}
    found = []
    for read in history.reads:
        if read.revision is None:
            continue
        index = by_revision.get(read.revision)
        if index is None or chain[index].value != read.value:
            found.append(f"{read} saw a state that never was")
        else:
            bounds.seen(index, read.start, read.end)
    for answer in history.superseded:
        index = by_revision.get(answer.revision)
        if index is None or index + 1 == len(chain):
            found.append(f"{answer}, but it is the newest")
        else:
            bounds.begun(index + 1, answer.end)
    return found


def _misplaced(chain: Sequence[State], index: int, write: Write) -> list[str]:
    found = []
    if write.revision is not None and chain[index].revision != write.revision:
        found.append(f"{write} is in the log as revision {chain[index].revision}")
    if write.replaced is not None and chain[index - 1].revision != write.replaced:
        found.append(f"{write} replaced revision {chain[index - 1].revision}")
    return found


class _Bounds:
    """The earliest and the latest moment at which each state can have begun."""

    def __init__(self, count: int) -> None:
        self._earliest = [-FOREVER] * count
        self._latest = [FOREVER] * count

    def written(self, index: int, start: float, end: float) -> None:
        self._earliest[index] = max(self._earliest[index], start)
        self.begun(index, end)

    def begun(self, index: int, end: float) -> None:
        self._latest[index] = min(self._latest[index], end)

    def seen(self, index: int, start: float, end: float) -> None:
        """The state had begun before the answer, and the next one not before the question."""
        self.begun(index, end)
        if index + 1 < len(self._earliest):
            self._earliest[index + 1] = max(self._earliest[index + 1], start)

    def problems(self, chain: Sequence[State]) -> list[str]:
        """Tightens the bounds by the order of the states; names the states that have no moment."""
        for index in range(1, len(chain)):
            self._earliest[index] = max(self._earliest[index], self._earliest[index - 1])
        for index in range(len(chain) - 2, -1, -1):
            self._latest[index] = min(self._latest[index], self._latest[index + 1])
        return [
            f"{state} can't have begun before {earliest} and must have by {latest}"
            for state, earliest, latest in zip(chain, self._earliest, self._latest, strict=True)
            if earliest > latest
        ]

    def impossible(self, chain: Sequence[State], absences: Iterable[Read]) -> list[Read]:
        """Reads of an absent object that fit into no time in which it can have been absent."""
        gaps = [
            (self._earliest[index], self._end(index))
            for index, state in enumerate(chain)
            if state.value == ABSENT
        ]
        return [
            read
            for read in absences
            if not any(begin <= read.end and end >= read.start for begin, end in gaps)
        ]

    def _end(self, index: int) -> float:
        return self._latest[index + 1] if index + 1 < len(self._latest) else FOREVER
