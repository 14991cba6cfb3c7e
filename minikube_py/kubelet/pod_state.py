"""What a worker keeps of its pod between two looks: nothing that can't be found again.

After a restart of the daemon all of this is empty and is filled from the store and the runtime.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from minikube_py.container_runtime.interface import (
    ObservedContainer,
    ObservedPod,
    PodIdentity,
    Resources,
)
from minikube_py.kubelet.facts import Waiting
from minikube_py.kubelet.probes import PodProbes
from minikube_py.kubelet.resize import UNCHANGED, ResizeState
from minikube_py.kubelet.trace import PodTrace
from minikube_py.kubelet.volumes import ReadyVolume
from minikube_py.meta.objects import Object, resource_version_of

log = logging.getLogger(__name__)

_FIRST_RETRY = 0.5
_LONGEST_RETRY = 15.0


@dataclass
class Stopping:
    """A container being stopped; `deadline` is loop time."""

    task: asyncio.Task[None]
    deadline: float


@dataclass
class Hold:
    """A start that failed and is tried again at `until`."""

    until: datetime
    delay: float


@dataclass
class PodState:
    """`stale`: the runtime may know more than `observed`. `refresh`: something the pod's files show
    may have changed. `rest_by`: loop time at which the node goes down. `address_of` is
    the sandbox `address` belongs to. `disrupted`: it was evicted through no fault of its own.
    `reclaim`: its ended containers have to make room.
    `shared` are the limits its containers have together, `shared_problem` is why they have none.
    """

    identity: PodIdentity
    pod: Object | None
    observed: ObservedPod
    probes: PodProbes
    trace: PodTrace
    gone: bool = False
    rest_by: float | None = None
    done: bool = False
    stale: bool = False
    refresh: bool = False
    released: bool = False
    address: str = ""
    address_of: str = ""
    volumes: Mapping[str, ReadyVolume] | None = None
    resize: ResizeState = UNCHANGED
    waiting: dict[str, Waiting] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    stopping: dict[str, Stopping] = field(default_factory=dict)
    hooks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    hook_failures: dict[str, str] = field(default_factory=dict)
    pulls: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    pulled: set[str] = field(default_factory=set)
    messages: dict[str, str] = field(default_factory=dict)
    failure_told: bool = False
    measure_at: datetime | None = None
    unmeasured: frozenset[str] = frozenset()
    evicted: str = ""
    disrupted: bool = False
    reclaim: bool = False
    shared: Resources | None = None
    shared_problem: str = ""
    backing_off: set[str] = field(default_factory=set)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    group: asyncio.TaskGroup | None = None
    children: set[asyncio.Task[None]] = field(default_factory=set)

    def look(self, *, stale: bool = True) -> None:
        """Asks the worker to look at the pod again, soon."""
        self.stale = self.stale or stale
        self.wake.set()

    def rest(self, seconds: float) -> None:
        """The node goes down in so many seconds."""
        self.rest_by = asyncio.get_running_loop().time() + seconds
        self.hurry.set()
        self.look(stale=False)

    def seconds_to_rest(self) -> float | None:
        if self.rest_by is None:
            return None
        return max(0.0, self.rest_by - asyncio.get_running_loop().time())

    async def pause(self, seconds: float) -> None:
        """After a failure; a pod that is to go does not wait."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.hurry.wait()
        self.hurry.clear()

    def learn(self, pod: Object) -> bool:
        """Keeps the newer of what is known and `pod`: our own write may be known before the watch
        brings an older state, or the other way round. True when `pod` was news.
        """
        known = resource_version_of(self.pod) if self.pod is not None else ""
        if int(resource_version_of(pod) or 0) <= int(known or -1):
            return False
        self.pod = pod
        return True

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """A child of the worker; its failure is logged and ends nothing else. The worker looks
        again when it is over.
        """
        assert self.group is not None
        task = self.group.create_task(self._guarded(work, name), name=name)
        self.children.add(task)
        task.add_done_callback(self.children.discard)
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except Exception:
            log.exception("pod child failed pod=%s child=%s", self.identity.name, name)
        finally:
            self.wake.set()

    def cancel_children(self) -> None:
        self.probes.keep_only(set())
        for task in list(self.children):
            task.cancel()

    def add(self, container: ObservedContainer) -> None:
        """A container made just now, as the runtime will report it."""
        others = [c for c in self.observed.containers if c.id != container.id]
        self.observed = replace(self.observed, containers=(container, *others))

    def forget_others(self, container_ids: set[str]) -> None:
        """Of containers that are no more: one that crashes for days must not fill the memory."""
        for known in (self.messages, self.hook_failures):
            for container_id in known.keys() - container_ids:
                del known[container_id]

    def hold(self, name: str, now: datetime) -> None:
        """Tries `name` again later: half a second, doubling to fifteen."""
        before = self.holds.get(name)
        delay = min(before.delay * 2, _LONGEST_RETRY) if before else _FIRST_RETRY
        self.holds[name] = Hold(now + timedelta(seconds=delay), delay)

    def is_held(self, name: str, now: datetime) -> bool:
        hold = self.holds.get(name)
        return hold is not None and hold.until > now

    def next_retry(self) -> datetime | None:
        return min((hold.until for hold in self.holds.values()), default=None)

    def succeeded(self, name: str) -> None:
        self.holds.pop(name, None)
        self.waiting.pop(name, None)
