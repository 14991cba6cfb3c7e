"""How Python's cycle collector runs in the daemon: in small portions.

A full collection visits every object there is, some 50 ms at 10,000 Pods, and nothing else happens
meanwhile. So what outlives one collection is not visited by the next ones. Almost all of it is no
part of a cycle and goes when nobody refers to it any more; the rest (a connection that was open
then) is found a few times a day, when everything is visited once.
"""

import gc
import time
from collections.abc import Callable, Mapping
from typing import Any

_OLDEST = 2
_THRESHOLDS = (700, 4, 3)  # what survived is looked at when it is some thousands of objects
_SECONDS_BETWEEN_FULL = 6 * 3600.0


class Collections:
    """A callback of gc.callbacks."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last_full = monotonic()

    def __call__(self, phase: str, info: Mapping[str, Any]) -> None:
        if phase != "stop" or info["generation"] != _OLDEST:
            return
        now = self._monotonic()
        if now - self._last_full >= _SECONDS_BETWEEN_FULL:
            self._last_full = now
            gc.unfreeze()  # the next one visits everything
        else:
            gc.freeze()


def collect_in_small_portions() -> None:
    """From here on; what the start made stays and is not visited either."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.callbacks.append(Collections())
    gc.enable()
