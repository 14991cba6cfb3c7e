"""Sandboxes started before their pods are known: most of a pod's start is its network namespace.

A pod takes one by renaming it, so the engine itself remembers who owns which; whoever dies between
the two steps leaves either a pool member or a pod's sandbox, never something in between. The pool
fills up again when pods have stopped arriving, so that a burst has the processors to itself. It is
as large as bursts have lately been: who applies ten replicas is about to apply them again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from minikube_py.container_runtime import labels, names, netns, translate
from minikube_py.container_runtime.engine_calls import Call
from minikube_py.container_runtime.interface import RuntimeFailure
from minikube_py.container_runtime.sandbox_image import SandboxImage
from minikube_py.meta.timestamps import parse_time

_LOG = logging.getLogger(__name__)
_QUIET_SECONDS = 0.5
_RETRY_SECONDS = 5.0
_DEMAND_SECONDS = 600.0
_MOST = 4  # times the least: what a burst leaves behind is memory that nobody may come for


@dataclass(frozen=True)
class WarmSandbox:
    """`etc` are the host's files behind its /etc/hostname and /etc/hosts."""

    id: str
    pid: int
    created_at: datetime
    hostname_path: Path
    hosts_path: Path

    @property
    def is_alive(self) -> bool:
        """Without asking the engine; a reused pid belongs to another control group."""
        try:
            return self.id in Path(f"/proc/{self.pid}/cgroup").read_text()
        except OSError:
            return False


@dataclass
class Demand:
    """How many sandboxes to keep: `least` always, as many as one burst took for ten minutes after
    it, `most` never more. Seconds are a clock's that only goes forward. Pure.
    """

    least: int
    most: int
    _lately: int = 0
    _until: float = 0.0

    def took(self, many: int, now: float) -> None:
        """One burst did."""
        if many >= self.size(now):
            self._lately, self._until = many, now + _DEMAND_SECONDS

    def size(self, now: float) -> int:
        lately = self._lately if now < self._until else 0
        return min(max(self.least, lately), self.most)

    def holds(self, now: float) -> float | None:
        """For so many seconds without a burst; None = for ever."""
        return self._until - now if self.size(now) > self.least else None


class WarmPool:
    def __init__(self, call: Call, cluster: str, image: SandboxImage, size: int) -> None:
        self._call = call
        self._cluster = cluster
        self._image = image
        self._demand = Demand(size, size * _MOST)
        self._ready: deque[WarmSandbox] = deque()
        self._taken = asyncio.Event()
        self._burst = 0

    def take(self) -> WarmSandbox | None:
        """One that runs, None when there is none just now."""
        self._taken.set()
        self._burst += 1
        while self._ready:
            warm = self._ready.popleft()
            if warm.is_alive:
                return warm
        return None

    @property
    def ready(self) -> int:
        return len(self._ready)

    async def run(self) -> None:
        """Endless: adopts what an earlier daemon left, then keeps the pool full."""
        adopted = False
        while True:
            try:
                if not adopted:
                    await self._adopt()
                    adopted = True
                await self._fill()
            except RuntimeFailure as failure:
                _LOG.warning("warm pool: %s; again in %.0f s", failure, _RETRY_SECONDS)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._demand.holds(_now())):
                    await self._taken.wait()
            await self._quiet()

    async def _quiet(self) -> None:
        while self._taken.is_set():
            self._taken.clear()
            await asyncio.sleep(_QUIET_SECONDS)
        self._demand.took(self._burst, _now())
        self._burst = 0

    async def _adopt(self) -> None:
        filters = {"label": [f"{labels.CLUSTER}={self._cluster}", labels.POOL]}
        for entry in await self._call(lambda api: api.containers(all=True, filters=filters)):
            if not all(names.is_pool_name(name) for name in entry["Names"]):
                continue  # a pod has taken it
            container = entry["Id"]
            usable = entry["State"] == "running" and entry["Image"] == self._image.tag
            if usable and len(self._ready) < self._demand.least:
                self._ready.append(await self._look(container))
            else:
                await self._discard(container)

    async def _discard(self, container: str) -> None:
        await self._call(lambda api: api.remove_container(container, v=True, force=True))

    async def _fill(self) -> None:
        self._ready = deque(warm for warm in self._ready if warm.is_alive)
        size = self._demand.size(_now())
        while len(self._ready) > size:
            await self._discard(self._ready.popleft().id)
        while len(self._ready) < size and not self._taken.is_set():
            self._ready.append(await self._make())

    async def _make(self) -> WarmSandbox:
        payload = translate.pool_payload(self._image, self._cluster)
        name = names.pool_name(self._cluster)
        made = await self._call(lambda api: api.create_container_from_config(payload, name))
        container = made["Id"]
        try:
            await self._call(lambda api: api.start(container))
        except RuntimeFailure:
            await self._discard(container)
            raise
        return await self._look(container)

    async def _look(self, container: str) -> WarmSandbox:
        inspected = await self._call(lambda api: api.inspect_container(container))
        if self._image.unshares:
            await netns.own(int(inspected["State"]["Pid"]))
        return warm_from(inspected)


def _now() -> float:
    return asyncio.get_running_loop().time()


def warm_from(inspected: Mapping[str, Any]) -> WarmSandbox:
    return WarmSandbox(
        id=inspected["Id"],
        pid=int(inspected["State"]["Pid"]),
        created_at=parse_time(inspected["Created"]),
        hostname_path=Path(inspected["HostnamePath"]),
        hosts_path=Path(inspected["HostsPath"]),
    )
