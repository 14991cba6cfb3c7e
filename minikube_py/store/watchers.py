"""Who is told about committed changes: a replay from the log first, then live events, no gap.

A watcher that is behind reads the log page by page and holds nothing. A live one has a bounded
queue; when it overflows the watcher ends with Expired and its owner lists again (kine's rule:
never wait for the slow).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from minikube_py.meta.errors import Expired
from minikube_py.store.interface import StoreEvent

QUEUE_LIMIT = 10_000
REPLAY_PAGE = 200
BATCH = 200
AWAKE_AT_ONCE = 16


@dataclass(frozen=True)
class ReplayPage:
    """`position` is where the next page continues; `caught_up` when there is nothing more."""

    events: Sequence[StoreEvent]
    position: int
    caught_up: bool


Replay = Callable[[str, int], ReplayPage]
"""(prefix, position) → the next page; raises Expired when compaction has passed the position."""


class Watcher:
    """One watch of one consumer. Satisfies store.interface.Watch."""

    def __init__(self, hub: "Watchers", prefix: str, since: int, position: int | None) -> None:
        """`position` is where the replay begins; None = live at once."""
        self.prefix = prefix
        self._hub = hub
        self._since = since
        self._position = position
        self._queue: list[StoreEvent] = []
        self._wakeup: asyncio.Future[None] | None = None
        self._closed = False
        self._expired = False

    async def next_batch(self) -> Sequence[StoreEvent]:
        """Empty only after close()."""
        while not self._closed:
            if self._expired:
                raise Expired("the watch fell too far behind; list again")
            if self._position is not None:
                page = self._hub.replay(self.prefix, self._position)
                self._position = None if page.caught_up else page.position
                if page.caught_up:
                    self._hub.go_live(self)
                if page.events:
                    return page.events
            elif self._queue:
                batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
                return batch
            else:
                await self._something_new()
        return ()

    @property
    def is_behind(self) -> bool:
        """Something committed is waiting to be taken."""
        return self._position is not None or bool(self._queue)

    async def __aiter__(self) -> AsyncIterator[StoreEvent]:
        while batch := await self.next_batch():
            for event in batch:
                yield event

    def close(self) -> None:
        self._closed = True
        self._queue = []
        self._hub.forget(self)
        self.wake()

    def push(self, events: Sequence[StoreEvent], limit: int) -> None:
        """The hub wakes it afterwards."""
        if events[0].revision <= self._since:  # it asked for a revision that was still to come
            events = [event for event in events if event.revision > self._since]
        if len(self._queue) + len(events) > limit:
            self._expired = True
            self._queue = []
            self._hub.forget(self)
        else:
            self._queue.extend(events)

    async def _something_new(self) -> None:
        self._wakeup = asyncio.get_running_loop().create_future()
        try:
            await self._wakeup
        finally:
            self._wakeup = None

    def wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)


class Watchers:
    """All watchers, grouped by prefix so that an event is compared once a prefix."""

    def __init__(self, replay: Replay, *, queue_limit: int = QUEUE_LIMIT) -> None:
        self.replay = replay
        self._queue_limit = queue_limit
        self._live: dict[str, set[Watcher]] = {}
        self._all: set[Watcher] = set()

    def add(self, prefix: str, since: int, position: int | None) -> Watcher:
        watcher = Watcher(self, prefix, since, position)
        self._all.add(watcher)
        if position is None:
            self.go_live(watcher)
        return watcher

    def go_live(self, watcher: Watcher) -> None:
        self._live.setdefault(watcher.prefix, set()).add(watcher)

    def forget(self, watcher: Watcher) -> None:
        self._all.discard(watcher)
        group = self._live.get(watcher.prefix)
        if group is not None:
            group.discard(watcher)
            if not group:
                del self._live[watcher.prefix]

    def publish(self, events: Sequence[StoreEvent]) -> None:
        told: list[Watcher] = []
        for prefix, group in list(self._live.items()):
            matching = [event for event in events if event.key.startswith(prefix)]
            if matching:
                for watcher in list(group):
                    watcher.push(matching, self._queue_limit)
                    told.append(watcher)
        _wake(told)

    def close(self) -> None:
        for watcher in list(self._all):
            watcher.close()


def _wake(watchers: Sequence[Watcher], first: int = 0) -> None:
    """Some now, the others in later turns of the loop: what a thousand of them then do would hold
    up everyone else.
    """
    for watcher in watchers[first : first + AWAKE_AT_ONCE]:
        watcher.wake()
    first += AWAKE_AT_ONCE
    if first < len(watchers):
        asyncio.get_running_loop().call_soon(_wake, watchers, first)
