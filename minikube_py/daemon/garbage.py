"""How the daemon's memory is tidied up: Python's cycle collector runs in small portions, and what
was freed goes back to the system.

A full collection visits every object there is, some 50 ms at 10,000 Pods, and nothing else happens
meanwhile. So what outlives one collection is not visited by the next ones. Almost all of it is no
part of a cycle and goes when nobody refers to it any more; the rest (a connection that was open
then, the tasks of a pod) is found when everything is visited once: after much has come and gone,
and a few times a day.

glibc keeps what thousands of connections had: between blocks that are still in use it returns none
by itself, and the daemon would stay several times as large. Asking costs some milliseconds.
"""

import ctypes
import gc
import time
from collections.abc import Callable, Mapping
from typing import Any

_OLDEST = 2
_THRESHOLDS = (700, 4, 3)  # what survived is looked at when it is some thousands of objects
_SECONDS_BETWEEN_FULL = 6 * 3600.0
_SECONDS_AT_LEAST = 600.0
_GROWN = 0.5
"""Survivors since everything was visited, as a part of what there was then, that are worth it."""
_SECONDS_BETWEEN_TRIMS = 60.0


class Collections:
    """A callback of gc.callbacks."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        trim: Callable[[], None] = lambda: None,
        soon: Callable[[Callable[[], object]], object] = lambda work: None,
    ) -> None:
        """`soon` runs what can't be done during a collection."""
        self._monotonic = monotonic
        self._trim = trim
        self._soon = soon
        self._last_full = self._last_trim = monotonic()
        self._visited = gc.get_freeze_count()
        self._survivors = 0
        self._visits_all = False

    def __call__(self, phase: str, info: Mapping[str, Any]) -> None:
        if phase != "stop" or info["generation"] != _OLDEST:
            return
        now = self._monotonic()
        if now - self._last_trim >= _SECONDS_BETWEEN_TRIMS:
            self._last_trim = now
            self._trim()
        self._survivors += len(gc.get_objects(generation=_OLDEST))
        if self._visits_all:
            self._visits_all, self._visited, self._survivors = False, self._survivors, 0
            # Python waits with the next one for a quarter of what it visited last: of little again.
            self._soon(gc.collect)
        elif self._is_time_for_all(now - self._last_full):
            self._last_full, self._survivors, self._visits_all = now, 0, True
            gc.unfreeze()
            return
        gc.freeze()

    def _is_time_for_all(self, seconds: float) -> bool:
        """Half a second of the processor a day, more where thousands of pods come and go."""
        grown = self._survivors >= self._visited * _GROWN
        return seconds >= _SECONDS_BETWEEN_FULL or (grown and seconds >= _SECONDS_AT_LEAST)


def collect_in_small_portions(soon: Callable[[Callable[[], object]], object]) -> None:
    """From here on; what the start made stays and is not visited either. `soon` is the loop's
    call_soon.
    """
    gc.freeze()
    gc.collect()  # of nothing: Python measures the next one by what it visited last
    gc.set_threshold(*_THRESHOLDS)
    gc.callbacks.append(Collections(trim=new_trim(), soon=soon))
    gc.enable()


def new_trim() -> Callable[[], None]:
    """glibc's malloc_trim; other C libraries have no such thing, or need."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return (lambda: trim(0)) if trim is not None else (lambda: None)
