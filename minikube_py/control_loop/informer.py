"""A live copy of all objects of one kind, shared by everyone who reads that kind.

Fed by one list and one watch on `resources`; what it returns is shared and must never be changed
by the reader. `observed` lets a writer wait until the copy shows its own write, which is what keeps
a controller from acting twice on a stale view (client-go counts "expectations" for this).
"""

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterable, Sequence
from itertools import count

from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import Expired
from minikube_py.meta.objects import (
    Key,
    Object,
    key_of,
    labels_of,
    make_key,
    namespace_of,
    resource_version_of,
)
from minikube_py.meta.selectors import Selector
from minikube_py.resources.options import Change
from minikube_py.resources.resources import Resources

log = logging.getLogger(__name__)

OnChange = Callable[[Object | None, Object | None], None]
"""(old, new): old is None when the object appeared, new is None when it is gone."""
_Waiting = tuple[Callable[[Object | None], bool], asyncio.Future[None]]
IndexBy = Callable[[Object], Iterable[str]]

_NAMESPACE = "namespace"
_OBSERVE_SECONDS = 10.0
_RETRY_SECONDS = 1.0


class Index:
    """Keys by what a function says of each object."""

    def __init__(self, values_of: IndexBy) -> None:
        self.values_of = values_of
        self._keys: dict[str, dict[Key, None]] = {}

    def keys(self, value: str) -> Iterable[Key]:
        return self._keys.get(value, ())

    def move(self, key: Key, old: Object | None, new: Object | None) -> None:
        for value in self.values_of(old) if old is not None else ():
            keys = self._keys.get(value)
            if keys is not None:
                keys.pop(key, None)
                if not keys:
                    del self._keys[value]
        for value in self.values_of(new) if new is not None else ():
            self._keys.setdefault(value, {})[key] = None


class Informer:
    """`run` keeps it in step; reads are plain calls."""

    def __init__(self, resources: Resources, kind: Kind) -> None:
        self.kind = kind
        self._resources = resources
        self._objects: dict[Key, Object] = {}
        self._indexes: dict[str, Index] = {_NAMESPACE: Index(lambda obj: (namespace_of(obj),))}
        self._subscribers: list[OnChange] = []
        self._synced = asyncio.Event()
        self._revision = 0
        self._observers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._tickets = count()
        self._waiting: dict[Key, list[_Waiting]] = {}

    @property
    def synced(self) -> bool:
        """It has listed once; until then it knows nothing."""
        return self._synced.is_set()

    async def wait_synced(self) -> None:
        await self._synced.wait()

    def get(self, key: Key) -> Object | None:
        return self._objects.get(key)

    def get_named(self, namespace: str | None, name: str) -> Object | None:
        return self._objects.get(make_key(namespace, name))

    def list(self, namespace: str | None = None, selector: Selector | None = None) -> list[Object]:
        """All, or those of a namespace, whose labels match."""
        objects: Iterable[Object] = (
            self._objects.values() if namespace is None else self.by_index(_NAMESPACE, namespace)
        )
        return [obj for obj in objects if selector is None or selector.matches(labels_of(obj))]

    def add_index(self, name: str, values_of: IndexBy) -> None:
        """Adding an index that is there already changes nothing: readers share the informer.
        Another one of the same name raises ValueError.
        """
        if (known := self._indexes.get(name)) is not None:
            if known.values_of is not values_of:
                raise ValueError(f"{self.kind.resource} have another index named {name!r}")
            return
        index = self._indexes[name] = Index(values_of)
        for key, obj in self._objects.items():
            index.move(key, None, obj)

    def by_index(self, name: str, value: str) -> Sequence[Object]:
        return [self._objects[key] for key in self._indexes[name].keys(value)]

    def subscribe(self, on_change: OnChange) -> None:
        """Calls back on every change from now on, and at once for each object already here."""
        self._subscribers.append(on_change)
        for obj in list(self._objects.values()):
            _tell(on_change, None, obj)

    async def observed(self, obj: Object) -> None:
        """Waits until this copy is at least as new as `obj`, an object of this kind that was
        written. Raises TimeoutError after ten seconds.
        """
        version = resource_version_of(obj)
        if not version or int(version) <= self._revision:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._observers, (int(version), next(self._tickets), future))
        async with asyncio.timeout(_OBSERVE_SECONDS):
            await future

    async def until(
        self,
        key: Key,
        holds: Callable[[Object | None], bool],
        *,
        seconds: float = _OBSERVE_SECONDS,
    ) -> None:
        """Waits until `holds` is true of what this copy has under `key`; raises TimeoutError."""
        if holds(self.get(key)):
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (holds, future)
        self._waiting.setdefault(key, []).append(waiting)
        try:
            async with asyncio.timeout(seconds):
                await future
        finally:
            self._stop_waiting(key, waiting)

    async def run(self) -> None:
        """Ends only by cancellation. A watch that expired starts over with a list."""
        while True:
            try:
                revision = self._relist()
                await self._follow(revision)
            except Expired:
                log.debug("watch expired, listing again kind=%s", self.kind.resource)
            except Exception:
                log.exception("watch failed kind=%s", self.kind.resource)
                await asyncio.sleep(_RETRY_SECONDS)

    def _relist(self) -> int:
        page = self._resources.list(self.kind)
        listed = {key_of(obj): obj for obj in page.objects()}
        for key in [key for key in self._objects if key not in listed]:
            self._change(key, None)
        for key, obj in listed.items():
            self._change(key, obj)
        self._advance(page.revision)
        self._synced.set()
        return page.revision

    async def _follow(self, revision: int) -> None:
        watch = self._resources.watch(self.kind, since=revision)
        try:
            while True:
                self._apply(await watch.next_batch())
        finally:
            watch.close()

    def _apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._change(change.key, None if change.type == "DELETED" else change.object)
        if changes:
            self._advance(changes[-1].revision)

    def _change(self, key: Key, new: Object | None) -> None:
        old = self._objects.get(key)
        if old is None and new is None:
            return
        if (
            old is not None
            and new is not None
            and resource_version_of(old) == resource_version_of(new)
        ):
            return
        if new is None:
            del self._objects[key]
        else:
            self._objects[key] = new
        for index in self._indexes.values():
            index.move(key, old, new)
        for on_change in self._subscribers:
            _tell(on_change, old, new)
        for holds, future in self._waiting.get(key, ()):
            if not future.done() and holds(new):
                future.set_result(None)

    def _stop_waiting(self, key: Key, waiting: _Waiting) -> None:
        others = [each for each in self._waiting[key] if each is not waiting]
        if others:
            self._waiting[key] = others
        else:
            del self._waiting[key]

    def _advance(self, revision: int) -> None:
        self._revision = max(self._revision, revision)
        while self._observers and self._observers[0][0] <= self._revision:
            future = heapq.heappop(self._observers)[2]
            if not future.done():
                future.set_result(None)


class Informers:
    """One informer a kind, however many ask for it."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._informers: dict[Kind, Informer] = {}
        self._running: dict[Kind, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    @property
    def kinds(self) -> frozenset[Kind]:
        """Those that are followed: each keeps a copy of all its objects."""
        return frozenset(self._informers)

    def of(self, kind: Kind) -> Informer:
        """Starts following `kind` when the informers already run."""
        informer = self._informers.get(kind)
        if informer is None:
            informer = self._informers[kind] = Informer(self._resources, kind)
            if self._group is not None:
                self._start(self._group, informer)
        return informer

    def drop(self, kind: Kind) -> None:
        """Stops following a kind that isn't served any more."""
        self._informers.pop(kind, None)
        running = self._running.pop(kind, None)
        if running is not None:
            running.cancel()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for informer in self._informers.values():
                    self._start(group, informer)
                await asyncio.Event().wait()
            finally:
                self._group = None
                self._running.clear()

    def _start(self, group: asyncio.TaskGroup, informer: Informer) -> None:
        name = f"informer {informer.kind.resource}"
        self._running[informer.kind] = group.create_task(informer.run(), name=name)


def _tell(on_change: OnChange, old: Object | None, new: Object | None) -> None:
    # A subscriber that fails must not stop the others, nor the watch.
    try:
        on_change(old, new)
    except Exception:
        log.exception("informer subscriber failed")
