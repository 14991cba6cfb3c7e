"""Pods that want a node: the most important first, those that found none parked until the cluster
changes.

A parked pod comes back when `wake` says something changed, but not before its own back-off, which
doubles with every attempt; and after five minutes in any case, should a change have been missed.
Time is the event loop's.
"""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from minikube_py.meta.objects import Key

_PATIENCE_SECONDS = 300.0


class SchedulingQueue:
    """`base_delay` and `max_delay` in seconds."""

    def __init__(self, *, base_delay: float = 0.01, max_delay: float = 10.0) -> None:
        self._base_delay = base_delay
        self._max_delay = max_delay
        self._heap: list[tuple[int, int, Key]] = []
        self._active: dict[Key, int] = {}
        self._parked: dict[Key, tuple[int, float]] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._attempts: dict[Key, int] = {}
        self._order = count()
        self._wake = asyncio.Event()

    def add(self, key: Key, priority: int) -> None:
        """At once, whatever waited before."""
        self._unpark(key)
        if key in self._active:
            return
        ticket = next(self._order)
        self._active[key] = ticket
        heapq.heappush(self._heap, (-priority, ticket, key))
        self._wake.set()

    async def get(self) -> Key:
        """The most important pod, the one that waits longest among equals."""
        while True:
            while self._heap:
                _, ticket, key = heapq.heappop(self._heap)
                if self._active.get(key) == ticket:
                    del self._active[key]
                    return key
            self._wake.clear()
            await self._wake.wait()

    def park(self, key: Key, priority: int) -> None:
        """Nothing fits now: wait for wake()."""
        loop = asyncio.get_running_loop()
        self._unpark(key)
        self._parked[key] = (priority, loop.time() + self._next_delay(key))
        self._timers[key] = loop.call_later(_PATIENCE_SECONDS, self.add, key, priority)

    def retry(self, key: Key, priority: int) -> None:
        """It failed for no fault of the cluster's: again after the back-off."""
        self.park(key, priority)
        self._schedule(key)

    def wake(self, concerns: Callable[[Key], bool] = lambda _key: True) -> None:
        """Something changed: parked pods it concerns try again."""
        for key in [key for key in self._parked if concerns(key)]:
            self._schedule(key)

    def forget(self, key: Key) -> None:
        """It has a node, or is gone."""
        self._unpark(key)
        self._active.pop(key, None)
        self._attempts.pop(key, None)

    def _schedule(self, key: Key) -> None:
        priority, due = self._parked[key]
        loop = asyncio.get_running_loop()
        if due <= loop.time():
            self.add(key, priority)
        elif self._timers[key].when() > due:
            self._timers[key].cancel()
            self._timers[key] = loop.call_at(due, self.add, key, priority)

    def _unpark(self, key: Key) -> None:
        self._parked.pop(key, None)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _next_delay(self, key: Key) -> float:
        attempts = self._attempts.get(key, 0)
        self._attempts[key] = attempts + 1
        return min(self._base_delay * 2.0 ** min(attempts, 30), self._max_delay)
