"""Looks at the host every ten seconds: says on the nodes when something runs short, and for want of
memory evicts one pod after the other.

What pods use is only measured then.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from minikube_py.container_runtime.interface import RuntimeFailure
from minikube_py.container_runtime.usage import NodeUsage
from minikube_py.kubelet.pressure import (
    HostRoom,
    Pressures,
    Shortage,
    eviction_message,
    first_to_go,
    shortages,
)
from minikube_py.meta.objects import Object, uid_of
from minikube_py.meta.timestamps import Clock

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0


class Measures(Protocol):
    async def read(self) -> NodeUsage: ...


class PressureWatch:
    """`pods` gives those that run here; `evict` is told a uid and why; `tell` hears which
    conditions hold now whenever that changes, and why.
    """

    def __init__(
        self,
        read_room: Callable[[], HostRoom],
        usage: Measures,
        pods: Callable[[], list[Object]],
        evict: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        self._read_room = read_room
        self._usage = usage
        self._pods = pods
        self._evict = evict
        self._clock = clock
        self._pressures = Pressures({})
        self._told: frozenset[str] = frozenset()

    async def run(self, tell: Callable[[frozenset[str]], None]) -> None:
        """Ends only by cancellation."""
        while True:
            try:
                await self.look(tell)
            except (OSError, RuntimeFailure) as error:
                log.warning("the host could not be measured error=%s", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, tell: Callable[[frozenset[str]], None]) -> None:
        found = shortages(self._read_room())
        holds = self._pressures.hold(found, self._clock())
        if holds != self._told:
            self._told = holds
            log.warning("host pressure conditions=%s", ",".join(sorted(holds)) or "none")
            tell(holds)
        for shortage in found:
            if shortage.condition == "MemoryPressure":
                await self._relieve(shortage)

    async def _relieve(self, shortage: Shortage) -> None:
        used: dict[str, dict[str, int]] = {}
        for one in (await self._usage.read()).containers:
            own = used.setdefault(one.stats.pod_uid, {})
            own[one.stats.container_name] = one.stats.memory_working_set_bytes
        totals = {uid: sum(own.values()) for uid, own in used.items()}
        pod = first_to_go([pod for pod in self._pods() if uid_of(pod) in totals], totals)
        if pod is not None:
            self._evict(uid_of(pod), eviction_message(shortage, pod, used[uid_of(pod)]))
