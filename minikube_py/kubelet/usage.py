"""What the node and its containers use, sampled only when someone asks: an idle cluster measures
nothing. The first answer takes a moment, since a rate needs two samples.
"""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from minikube_py.container_runtime.interface import ContainerRuntime
from minikube_py.container_runtime.usage import NodeUsage, Sample, usage_between
from minikube_py.meta.timestamps import Clock

_FIRST_WINDOW_SECONDS = 0.5
_SHORTEST = timedelta(seconds=1)
_LONGEST = timedelta(seconds=60)


class Host(Protocol):
    """CPU nanoseconds and working set of the whole machine."""

    def __call__(self) -> tuple[int, int]: ...


class UsageReader:
    """`host` None: the node is no more than its containers, as on paper."""

    def __init__(self, runtime: ContainerRuntime, clock: Clock, host: Host | None) -> None:
        self._runtime = runtime
        self._clock = clock
        self._host = host
        self._last: Sample | None = None
        self._answer: NodeUsage | None = None
        self._asking = asyncio.Lock()

    async def read(self) -> NodeUsage:
        """At most a second old. Raises RuntimeFailure."""
        async with self._asking:
            now, before = self._clock(), self._last
            if before is None or now - before.at > _LONGEST:
                before = await self._sample()
                await asyncio.sleep(_FIRST_WINDOW_SECONDS)
            elif self._answer is not None and now - before.at < _SHORTEST:
                return self._answer
            self._last = await self._sample()
            self._answer = usage_between(before, self._last)
            return self._answer

    async def _sample(self) -> Sample:
        containers = await self._runtime.stats()
        if self._host is not None:
            cpu, memory = self._host()
        else:
            cpu = sum(one.cpu_nanoseconds for one in containers)
            memory = sum(one.memory_working_set_bytes for one in containers)
        return Sample(self._clock(), cpu, memory, tuple(containers))


def this_host(proc: Path = Path("/proc")) -> tuple[int, int]:
    """From /proc: all time that was not idle, all memory that is not available."""
    user, nice, system, _idle, _wait, *more = (
        int(ticks) for ticks in (proc / "stat").read_text().split("\n", 1)[0].split()[1:8]
    )
    ticks = user + nice + system + sum(more)
    memory = {
        line.split(":")[0]: int(line.split()[1])
        for line in (proc / "meminfo").read_text().splitlines()[:3]
    }
    used = memory["MemTotal"] - memory["MemAvailable"]
    return ticks * (1_000_000_000 // os.sysconf("SC_CLK_TCK")), used * 1024
