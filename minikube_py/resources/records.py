"""One object as the store keeps it: its key, its head state, and its writes.

The only place that encodes objects on their way in. Everything between `head` and `put`/`remove`
happens without waiting, and the write names the revision it was made from, so that nobody's update
is lost.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.errors import Conflict, NotFound
from minikube_py.meta.objects import Object
from minikube_py.resources.conversion import from_stored, to_stored
from minikube_py.resources.keys import store_key
from minikube_py.resources.selection import Digests
from minikube_py.store.interface import Delete, Item, Put, Store, WriteConflict

_MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)
MAX_ATTEMPTS = 64
"""How often a write is tried again on the newer state that came in between."""


class Reservation(Protocol):
    """What a write takes from an allocator; exactly one of the two is called."""

    def commit(self) -> None: ...

    def undo(self) -> None: ...


@dataclass(frozen=True)
class Target:
    """The object a request names."""

    kind: Kind
    namespace: str | None
    name: str

    @property
    def key(self) -> str:
        return store_key(self.kind, self.namespace, self.name)

    def missing(self) -> NotFound:
        return NotFound.of(self.kind.group, self.kind.plural, self.name)

    def conflict(self, why: str) -> Conflict:
        return Conflict.of(self.kind.group, self.kind.plural, self.name, why)

    def modified(self) -> Conflict:
        return self.conflict(_MODIFIED)


@dataclass(frozen=True)
class Head:
    """A stored state; `obj` is the reader's own copy."""

    obj: Object
    revision: int


class Records:
    """`on_staged` hears of each write when it gets its revision, before it is stored."""

    def __init__(
        self, store: Store, digests: Digests, on_staged: Callable[["Target", int], None]
    ) -> None:
        self._store = store
        self._digests = digests
        self._on_staged = on_staged

    def head(self, target: Target, conflict: WriteConflict | None = None) -> Head | None:
        """What a write starts from: the state that `conflict` met, else the committed one."""
        item = conflict.actual if conflict is not None else self._store.get(target.key)
        return self.decoded(target.kind, item) if item is not None else None

    def decoded(self, kind: Kind, item: Item) -> Head:
        return Head(from_stored(kind, encoding.decode(item.value)), item.revision)

    async def put(
        self,
        target: Target,
        obj: Object,
        *,
        expected: int,
        reservation: Reservation | None = None,
    ) -> None:
        """Writes `obj` and stamps it with its resourceVersion; `expected` 0 = must be new."""

        await self._write(self._putting(target, obj, expected), reservation)

    async def create_together(
        self, target: Target, obj: Object, companions: Sequence[tuple[Target, Object]]
    ) -> None:
        """Writes a new object and new ones that belong to it: nobody ever sees the one alone."""
        every = [(target, obj), *companions]
        await self._store.write(*(self._putting(place, made, 0) for place, made in every))

    async def remove(
        self,
        target: Target,
        last: Object,
        *,
        expected: int,
        reservation: Reservation | None = None,
    ) -> None:
        """Removes the object; `last` is what watchers see of it."""

        def encode(revision: int) -> bytes:
            self._digests.forget(target.kind, target.key)
            self._on_staged(target, revision)
            return self._stamped(target.kind, last, revision)

        await self._write(Delete(target.key, encode, expected), reservation)

    def _putting(self, target: Target, obj: Object, expected: int | None) -> Put:
        def encode(revision: int) -> bytes:
            encoded = self._stamped(target.kind, obj, revision)
            self._digests.remember(target.kind, target.key, revision, obj)
            self._on_staged(target, revision)
            return encoded

        return Put(target.key, encode, expected)

    def _stamped(self, kind: Kind, obj: Object, revision: int) -> bytes:
        obj["metadata"]["resourceVersion"] = str(revision)
        return encoding.encode(to_stored(kind, obj))

    async def _write(self, operation: Put | Delete, reservation: Reservation | None) -> None:
        if reservation is None:
            await self._store.write(operation)
            return
        # A cancelled caller does not take its write back, so the reservation waits for the write.
        write = asyncio.ensure_future(self._store.write(operation))
        write.add_done_callback(lambda done: _settle(done, reservation))
        await asyncio.shield(write)


def _settle(write: "asyncio.Future[int]", reservation: Reservation) -> None:
    if write.cancelled() or write.exception() is not None:
        reservation.undo()
    else:
        reservation.commit()
