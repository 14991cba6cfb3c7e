"""The queue of keys between watches and workers, with client-go's promises.

A key is handed to one worker at a time; adding it while it runs is remembered and runs it once
more; adding it twice before it runs is adding it once. So the queue never holds more than there
are objects. Time is the event loop's: tests turn it by hand.
"""

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class QueueShutDown(Exception):
    """The queue takes and gives no more keys."""


class WorkQueue(Generic[K]):
    """`base_delay` doubles with every failure of a key, up to `max_delay` (seconds)."""

    def __init__(self, *, base_delay: float = 0.005, max_delay: float = 60.0) -> None:
        self._base_delay = base_delay
        self._max_delay = max_delay
        self._ready: deque[K] = deque()
        self._dirty: set[K] = set()
        self._processing: set[K] = set()
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()
        self._shut_down = False

    def __len__(self) -> int:
        """Keys ready to run now."""
        return len(self._ready)

    def add(self, key: K) -> None:
        if self._shut_down or key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._processing:
            self._make_ready(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Adds later; of several waits for one key the earliest holds."""
        if self._shut_down:
            return
        if seconds <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        pending = self._timers.get(key)
        if pending is not None:
            if pending.when() <= due:
                return
            pending.cancel()
        self._timers[key] = loop.call_at(due, self._fire, key)

    def add_rate_limited(self, key: K) -> float:
        """Adds after the key's own back-off and counts a failure; gives the delay in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # The exponent is capped before the power is taken: failures can be many.
        delay = min(self._base_delay * 2.0 ** min(failures, 50), self._max_delay)
        self.add_after(key, delay)
        return delay

    def forget(self, key: K) -> None:
        """The key is well again: its next failure waits `base_delay`."""
        self._failures.pop(key, None)

    def failures(self, key: K) -> int:
        return self._failures.get(key, 0)

    async def get(self) -> K:
        """The next key, which the caller must give back with done(); raises QueueShutDown."""
        while not self._ready:
            if self._shut_down:
                raise QueueShutDown
            self._wake.clear()
            await self._wake.wait()
        key = self._ready.popleft()
        self._dirty.discard(key)
        self._processing.add(key)
        return key

    def done(self, key: K) -> None:
        self._processing.discard(key)
        if key in self._dirty:
            self._make_ready(key)

    def shut_down(self) -> None:
        """Keys that are ready are still given out; waiting ones and later adds are dropped."""
        self._shut_down = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._wake.set()

    def _fire(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _make_ready(self, key: K) -> None:
        self._ready.append(key)
        self._wake.set()
