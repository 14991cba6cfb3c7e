"""The loop every controller runs in: keys from watches, a few workers, one failure boundary.

`reconcile(key)` reads the world, writes the difference and may ask to be called again. Whatever it
raises stops here: it is logged once, the key backs off and is tried again, siblings go on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from minikube_py.control_loop.informer import Informer
from minikube_py.control_loop.workqueue import WorkQueue
from minikube_py.meta.errors import ApiError, Conflict
from minikube_py.meta.objects import Key, Object, key_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Requeue:
    """Reconcile again after so many seconds, though nothing failed."""

    after: float


Reconcile = Callable[[Key], Awaitable[Requeue | None]]
MapToKeys = Callable[[Object], Iterable[Key]]


def own_key(obj: Object) -> Iterable[Key]:
    return (key_of(obj),)


class Controller:
    """`timeout` bounds one reconcile; all times are seconds."""

    def __init__(
        self,
        name: str,
        reconcile: Reconcile,
        *,
        workers: int = 2,
        base_delay: float = 0.005,
        max_delay: float = 30.0,
        timeout: float = 300.0,
    ) -> None:
        self.name = name
        self._reconcile = reconcile
        self._workers = workers
        self._timeout = timeout
        self._queue: WorkQueue[Key] = WorkQueue(base_delay=base_delay, max_delay=max_delay)
        self._informers: list[Informer] = []
        self._told: dict[Key, str] = {}

    def enqueue(self, key: Key) -> None:
        self._queue.add(key)

    def enqueue_after(self, key: Key, seconds: float) -> None:
        self._queue.add_after(key, seconds)

    def watches(self, informer: Informer, map_to_keys: MapToKeys = own_key) -> None:
        """Every change enqueues the keys of the old and of the new object."""

        def on_change(old: Object | None, new: Object | None) -> None:
            for obj in (old, new):
                if obj is not None:
                    for key in map_to_keys(obj):
                        self._queue.add(key)

        self.reads(informer)
        informer.subscribe(on_change)

    def reads(self, *informers: Informer) -> None:
        """Work begins when these have listed once, too."""
        self._informers.extend(informers)

    async def run(self) -> None:
        """Ends only by cancellation."""
        for informer in self._informers:
            await informer.wait_synced()
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(), name=f"{self.name} worker {number}")

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._process(key)
            finally:
                self._queue.done(key)

    async def _process(self, key: Key) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                requeue = await self._reconcile(key)
        except Exception as error:
            self._log_failure(key, error)
            self._queue.add_rate_limited(key)
            return
        self._queue.forget(key)
        self._told.pop(key, None)
        if requeue is not None:
            self._queue.add_after(key, requeue.after)

    def _log_failure(self, key: Key, error: Exception) -> None:
        """A lost race is nothing to tell; a key that keeps failing the same way tells so once."""
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, Conflict) or self._told.get(key) == said:
            log.debug("reconcile failed controller=%s key=%s error=%s", self.name, key, error)
            return
        self._told[key] = said
        stack = None if isinstance(error, ApiError) else error
        log.warning(
            "reconcile failed controller=%s key=%s error=%s", self.name, key, said, exc_info=stack
        )
