"""What the store promises. It keeps bytes under keys with one global revision and knows no kinds.

Before it: `resources`, which gives keys and encoded objects their meaning. Behind it: SQLite, or a
model in tests.
Reads are plain calls on memory; only writes wait, until the transaction that holds them is on disk.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Encode = Callable[[int], bytes]
"""Given the revision this write gets, the bytes to keep: an object carries its own
resourceVersion.
"""

EventType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class Item:
    key: str
    value: bytes
    create_revision: int
    revision: int


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """One committed change. `value` of DELETED is the last state, stamped with the deletion's
    revision.

    `previous` is the value before the change (None for ADDED): a watcher with a selector needs
    both.
    """

    type: EventType
    key: str
    value: bytes
    previous: bytes | None
    revision: int


@dataclass(frozen=True)
class Put:
    """`expected`: 0 = the key must not exist; n = its revision must be n; None = don't care."""

    key: str
    encode: Encode
    expected: int | None = None


@dataclass(frozen=True)
class Delete:
    """`encode` makes the last state that DELETED events carry; `expected` as in Put (0 makes no
    sense).
    """

    key: str
    encode: Encode
    expected: int | None = None


@dataclass(frozen=True)
class Page:
    """`items` in key order; `next_key` is where the next page starts, None at the end; `remaining`
    counts the rest, None where counting would mean to read it (the past).
    """

    items: Sequence[Item]
    revision: int
    next_key: str | None
    remaining: int | None


class WriteConflict(Exception):
    """An `expected` did not hold. `actual` is the item as it stands, None when there is none."""

    def __init__(self, key: str, actual: Item | None) -> None:
        super().__init__(key)
        self.key = key
        self.actual = actual


class StoreUnavailable(Exception):
    """The write was not kept (disk full, I/O error); the message says what to do."""


class StoreCannotOpen(Exception):
    """The database can't be used as it is (damaged, in use, wrong key, too new); the message says
    what to do.
    """


class Cipher(Protocol):
    """Seals values on their way to disk and opens them on the way back. Memory always holds plain
    bytes.
    """

    def covers(self, key: str) -> bool: ...

    def seal(self, key: str, plain: bytes) -> bytes: ...

    def open(self, key: str, sealed: bytes) -> bytes: ...


class Watch(Protocol):
    """Committed events in revision order, each once. Ends with meta.errors.Expired when the
    watcher was too slow.
    """

    def __aiter__(self) -> AsyncIterator[StoreEvent]: ...

    async def next_batch(self) -> Sequence[StoreEvent]:
        """Waits for at least one event, then returns what is there, some hundreds at most."""
        ...

    @property
    def is_behind(self) -> bool:
        """Something committed may be waiting to be taken."""
        ...

    def close(self) -> None: ...


class Store(Protocol):
    @property
    def revision(self) -> int:
        """The last committed revision: grows with every write, also over restarts."""
        ...

    @property
    def compacted_revision(self) -> int:
        """Changes at or below this revision are no longer readable; the state as of it still is."""
        ...

    def get(self, key: str) -> Item | None: ...

    def range(
        self,
        prefix: str,
        *,
        start_key: str | None = None,
        limit: int | None = None,
        revision: int | None = None,
    ) -> Page:
        """Items whose key starts with `prefix`, from `start_key` on, as they stood at `revision`
        (default: now).

        A revision that was not reached yet reads as now.
        Raises meta.errors.Expired when `revision` is below the compacted revision.
        """
        ...

    def count(self, prefix: str) -> int: ...

    async def write(self, *operations: Put | Delete) -> int:
        """All or nothing, durable when it returns; gives the revision (one for the whole call).

        Raises WriteConflict (nothing written) or StoreUnavailable. Deleting a missing key is a
        WriteConflict.
        Preconditions are checked in call order, also against writes still on their way to disk.
        """
        ...

    async def settled(self) -> None:
        """Until every write that had begun before is durable: then a WriteConflict met on the way
        is true for everyone. Raises StoreUnavailable when one of them was not kept.
        """
        ...

    def watch(self, prefix: str, since: int) -> Watch:
        """Events after `since` under `prefix`: history from the change log, then live, without gap
        or double.

        Raises meta.errors.Expired when `since` is below the compacted revision.
        """
        ...

    async def compact(self, revision: int) -> None:
        """Forget history at or below `revision`; live items stay."""
        ...

    async def run(self) -> None:
        """Background work (periodic compaction); ends by cancellation."""
        ...

    async def close(self) -> None:
        """Waits for pending writes and releases the files."""
        ...
