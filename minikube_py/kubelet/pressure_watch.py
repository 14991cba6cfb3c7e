"""Looks at the host every ten seconds: says on the nodes when something runs short, and then frees
some of it: what nobody runs any more goes first, then one pod after the other.

What pods use is only measured then.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from minikube_py.container_runtime.interface import RuntimeFailure
from minikube_py.container_runtime.usage import NodeUsage
from minikube_py.kubelet.host_files import FileProblem
from minikube_py.kubelet.local_storage import PodStorage
from minikube_py.kubelet.pressure import (
    Held,
    HostRoom,
    Pressures,
    Shortage,
    eviction_message,
    first_to_go,
    held_disk,
    held_memory,
    shortages,
)
from minikube_py.meta.objects import Object, uid_of
from minikube_py.meta.timestamps import Clock

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0


class Measures(Protocol):
    async def read(self) -> NodeUsage: ...


class Means(Protocol):
    """`reclaim` removes the containers of pods that have run their course, False when there are
    none; `evict` is told a uid and why.
    """

    pods: Callable[[], list[Object]]
    evict: Callable[[str, str], None]
    reclaim: Callable[[], bool]

    async def storages(self) -> list[tuple[Object, PodStorage]]: ...


class PressureWatch:
    """`attempts` is told of what is to be freed."""

    def __init__(
        self,
        read_room: Callable[[], HostRoom],
        usage: Measures,
        means: Means,
        attempts: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._read_room = read_room
        self._usage = usage
        self._means = means
        self._attempts = attempts
        self._clock = clock
        self._pressures = Pressures({})
        self._told: frozenset[str] = frozenset()
        self._walk_at: datetime | None = None

    async def run(self, tell: Callable[[frozenset[str]], None]) -> None:
        """Ends only by cancellation. `tell` hears which conditions hold now whenever that changes,
        and why.
        """
        while True:
            try:
                await self.look(tell)
            except (OSError, RuntimeFailure, FileProblem) as error:
                log.warning("the host could not be measured error=%s", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, tell: Callable[[frozenset[str]], None]) -> None:
        room = self._read_room()
        found = shortages(room)
        holds = self._pressures.hold(found, self._clock())
        if holds != self._told:
            self._told = holds
            log.warning("host pressure conditions=%s", ",".join(sorted(holds)) or "none")
            tell(holds)
        for shortage in found:
            if await self._relieve(shortage, room):
                return

    async def _relieve(self, shortage: Shortage, room: HostRoom) -> bool:
        """True when something was done: its effect is seen at the next look."""
        if shortage.condition == "DiskPressure":
            return await self._relieve_disk(shortage, one_disk=room.images is None)
        memory: dict[str, dict[str, int]] = {}
        processes: dict[str, int] = {}
        for one in (await self._usage.read()).containers:
            uid = one.stats.pod_uid
            own = memory.setdefault(uid, {})
            own[one.stats.container_name] = one.stats.memory_working_set_bytes
            processes[uid] = processes.get(uid, 0) + one.stats.processes
        pods = {uid_of(pod): pod for pod in self._means.pods() if uid_of(pod) in memory}
        if shortage.condition == "PIDPressure":
            held = [Held(pod, processes[uid]) for uid, pod in pods.items()]
            return self._evict_one(shortage, held, {})
        held = [held_memory(pod, sum(memory[uid].values())) for uid, pod in pods.items()]
        return self._evict_one(shortage, held, memory)

    async def _relieve_disk(self, shortage: Shortage, *, one_disk: bool) -> bool:
        if self._means.reclaim():
            self._attempts(shortage.resource)
            return True
        began = self._clock()
        if self._walk_at is not None and began < self._walk_at:
            return False
        measured = await self._means.storages()
        # What takes long to measure is measured less often.
        self._walk_at = self._clock() + (self._clock() - began) * 10
        held = [held_disk(shortage, pod, found, one_disk=one_disk) for pod, found in measured]
        used: dict[str, dict[str, int]] = {}
        if shortage.resource != "inodes":
            used = {uid_of(pod): _bytes(found) for pod, found in measured}
        return self._evict_one(shortage, held, used)

    def _evict_one(
        self, shortage: Shortage, held: list[Held], used: dict[str, dict[str, int]]
    ) -> bool:
        pod = first_to_go(shortage, held)
        if pod is None:
            return False
        self._attempts(shortage.resource)
        uid = uid_of(pod)
        self._means.evict(uid, eviction_message(shortage, pod, used.get(uid, {})))
        return True


def _bytes(found: PodStorage) -> dict[str, int]:
    return {name: taken.bytes for name, taken in found.containers.items()}
