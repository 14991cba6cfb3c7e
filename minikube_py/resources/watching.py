"""A watch of one kind: store events as changes that fit a selector.

An object that starts to match is ADDED for this watcher, one that stops matching is DELETED with
its last matching state (the watch cache's rule in apiserver's cacher).
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Self

from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.objects import Object
from minikube_py.resources.conversion import served_bytes
from minikube_py.resources.keys import object_key
from minikube_py.resources.options import Change
from minikube_py.resources.selection import DecodedCache, Selection, digest_of
from minikube_py.store.interface import EventType, StoreEvent, Watch


class ResourceWatch:
    """`async for change in watch`, or `await watch.next_batch()`; `close()` when done.

    `revision` is the newest one seen, also of changes that did not match: what a bookmark says.
    """

    def __init__(
        self,
        watch: Watch,
        selection: Selection,
        cache: DecodedCache,
        *,
        since: int,
        only_key: str | None = None,
    ) -> None:
        self.revision = since
        self._watch = watch
        self._selection = selection
        self._cache = cache
        self._only_key = only_key
        self._closed = False
        self._rest: list[Change] = []

    async def next_batch(self) -> Sequence[Change]:
        """Waits for at least one change; empty only after close(). Raises Expired."""
        while not self._closed:
            events = await self._watch.next_batch()
            if not events:
                break
            changes = [change for event in events if (change := self._change(event)) is not None]
            self.revision = events[-1].revision
            if changes:
                return changes
            await asyncio.sleep(0)  # thousands that don't match hold up nobody
        return []

    @property
    def is_behind(self) -> bool:
        """Something newer than `revision` may be waiting to be taken."""
        return self._watch.is_behind

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        if not self._rest:
            self._rest = list(reversed(await self.next_batch()))
        if not self._rest:
            raise StopAsyncIteration
        return self._rest.pop()

    def close(self) -> None:
        self._closed = True
        self._rest = []
        self._watch.close()

    def _change(self, event: StoreEvent) -> Change | None:
        if self._only_key is not None and event.key != self._only_key:
            return None
        if self._selection.everything:
            return self._as_stored(event, event.type)
        now = self._matches(self._decoded(event))
        before = event.previous is not None and self._matches(self._previous(event))
        if event.type == "DELETED":
            return self._as_stored(event, "DELETED") if before else None
        if now:
            return self._as_stored(event, "MODIFIED" if before else "ADDED")
        return self._left(event) if before else None

    def _as_stored(self, event: StoreEvent, type_: EventType) -> Change:
        kind = self._selection.kind
        encoded = served_bytes(kind, event.value)
        key = object_key(kind, event.key)
        return Change(type_, key, encoded, event.revision, partial(self._decoded, event))

    def _left(self, event: StoreEvent) -> Change:
        """The last matching state, stamped with the revision at which it stopped to match."""
        last = self._previous(event)
        metadata = {**last["metadata"], "resourceVersion": str(event.revision)}
        obj = {**last, "metadata": metadata}
        key = object_key(self._kind, event.key)
        return Change("DELETED", key, encoding.encode(obj), event.revision, lambda: obj)

    def _matches(self, obj: Object) -> bool:
        return self._selection.matches(digest_of(self._kind, obj))

    @property
    def _kind(self) -> Kind:
        return self._selection.kind

    def _decoded(self, event: StoreEvent) -> Object:
        return self._cache.decoded(self._kind, event.key, event.revision, event.value)

    def _previous(self, event: StoreEvent) -> Object:
        assert event.previous is not None
        return self._cache.decoded(
            self._kind, event.key, event.revision, event.previous, previous=True
        )
