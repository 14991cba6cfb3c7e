"""How the daemon's memory is tidied up: Python's cycle collector runs in small portions, and what
was freed goes back to the system.

A full collection visits every object there is, some 50 ms at 10,000 Pods, and nothing else happens
meanwhile. So what outlives one collection is not visited by the next ones. Almost all of it is no
part of a cycle and goes when nobody refers to it any more; the rest (a connection that was open
then) is found a few times a day, when everything is visited once.

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
_SECONDS_BETWEEN_TRIMS = 60.0


class Collections:
    """A callback of gc.callbacks."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        trim: Callable[[], None] = lambda: None,
    ) -> None:
        self._monotonic = monotonic
        self._trim = trim
        self._last_full = self._last_trim = monotonic()

    def __call__(self, phase: str, info: Mapping[str, Any]) -> None:
        if phase != "stop" or info["generation"] != _OLDEST:
            return
        now = self._monotonic()
        if now - self._last_trim >= _SECONDS_BETWEEN_TRIMS:
            self._last_trim = now
            self._trim()
        if now - self._last_full >= _SECONDS_BETWEEN_FULL:
            self._last_full = now
            gc.unfreeze()  # the next one visits everything
        else:
            gc.freeze()


def collect_in_small_portions() -> None:
    """From here on; what the start made stays and is not visited either."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.callbacks.append(Collections(trim=new_trim()))
    gc.enable()


def new_trim() -> Callable[[], None]:
    """glibc's malloc_trim; other C libraries have no such thing, or need."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return (lambda: trim(0)) if trim is not None else (lambda: None)
