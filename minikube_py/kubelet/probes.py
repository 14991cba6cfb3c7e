"""Watches the health of running containers: one small task per probe, results by container id.

Until a startup or readiness probe has succeeded once it is also asked in between, at short and
growing intervals, so that a pod is Ready soon after it is. Those early answers never count as
failures: thresholds, delays and Events keep the meaning Kubernetes gives them.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zlib import crc32

from minikube_py.kubelet.facts import Health
from minikube_py.kubelet.podspec import probes_of
from minikube_py.kubelet.probe_actions import Outcome, ProbeActions, ProbeTarget
from minikube_py.meta.timestamps import Clock

log = logging.getLogger(__name__)

Tell = Callable[[str, str, str], None]
"""(container name, reason, message) of a Warning event."""

_EARLY_FIRST = 0.05
_EARLY_EXEC_FIRST = 0.25
_EARLY_GROWTH = 1.6


@dataclass(frozen=True)
class Timing:
    """Seconds and counts of one probe, with the API's defaults."""

    initial_delay: float
    period: float
    timeout: float
    failures: int
    successes: int

    @classmethod
    def of(cls, probe: Mapping[str, Any]) -> "Timing":
        return cls(
            initial_delay=float(probe.get("initialDelaySeconds") or 0),
            period=float(probe.get("periodSeconds") or 10),
            timeout=float(probe.get("timeoutSeconds") or 1),
            failures=int(probe.get("failureThreshold") or 3),
            successes=int(probe.get("successThreshold") or 1),
        )


@dataclass
class _Watched:
    """One container's probes. `started` and `ready` are what its status shows."""

    target: ProbeTarget
    started_at: datetime
    started: bool
    ready: bool
    failed: str = ""
    grace: float | None = None
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    startup_done: asyncio.Event = field(default_factory=asyncio.Event)


class PodProbes:
    """The probes of one pod. `changed` is called when a container's health changed; tasks live in
    the pod worker's group.
    """

    def __init__(
        self,
        actions: ProbeActions,
        clock: Clock,
        changed: Callable[[], None],
        tell: Tell,
    ) -> None:
        self._actions = actions
        self._clock = clock
        self._changed = changed
        self._tell = tell
        self._watched: dict[str, _Watched] = {}

    def health(self, container_id: str) -> Health | None:
        """None for a container that is not watched."""
        watched = self._watched.get(container_id)
        if watched is None:
            return None
        # Nothing is ready before its startup probe says so, whether or not it has another.
        ready = watched.started and watched.ready
        return Health(watched.started, ready, watched.failed, watched.grace)

    def watch(
        self,
        group: asyncio.TaskGroup,
        target: ProbeTarget,
        started_at: datetime,
        reported: Mapping[str, Any],
    ) -> None:
        """Begins to probe a running container; `reported` is its status as last written, which an
        adopted container goes on from.
        """
        if target.container_id in self._watched:
            return
        probes = dict(probes_of(target.container))
        watched = _Watched(
            target,
            started_at,
            started="startup" not in probes or bool(reported.get("started")),
            ready="readiness" not in probes or bool(reported.get("ready")),
        )
        self._watched[target.container_id] = watched
        if watched.started:
            watched.startup_done.set()
        for kind, probe in probes.items():
            if kind != "startup" or not watched.started:
                runner = _Probe(self, watched, kind, probe, pause=_spread(target, kind, reported))
                watched.tasks[kind] = group.create_task(runner.run())

    def keep_only(self, container_ids: set[str]) -> None:
        """Stops probing every other container; what is known of them stays until forget()."""
        for container_id, watched in self._watched.items():
            if container_id not in container_ids:
                for task in watched.tasks.values():
                    task.cancel()
                watched.tasks.clear()

    def keep_readiness(self) -> None:
        """For a pod that goes: nothing restarts its containers any more, but Services still ask
        whether it is ready.
        """
        for watched in self._watched.values():
            for kind in ("startup", "liveness"):
                if kind in watched.tasks:
                    watched.tasks.pop(kind).cancel()

    def forget(self, container_ids: set[str]) -> None:
        """Drops all but these."""
        self.keep_only(container_ids)
        for container_id in set(self._watched) - container_ids:
            del self._watched[container_id]

    async def check(self, watched: _Watched, probe: Mapping[str, Any], timeout: float) -> Outcome:
        return await self._actions.check(probe, watched.target, timeout)

    def age(self, watched: _Watched) -> float:
        """Seconds since the container started."""
        return max(0.0, (self._clock() - watched.started_at).total_seconds())

    def succeeded(self, watched: _Watched, kind: str) -> None:
        before = (watched.started, watched.ready)
        if kind == "startup":
            watched.started = True
            watched.startup_done.set()
        elif kind == "readiness":
            watched.ready = True
        if before != (watched.started, watched.ready):
            self._changed()

    def failed(self, watched: _Watched, kind: str, probe: Mapping[str, Any]) -> None:
        """The threshold is reached."""
        if kind == "readiness":
            if watched.ready:
                watched.ready = False
                self._changed()
            return
        name = watched.target.container["name"]
        watched.failed = f"Container {name} failed {kind} probe, will be restarted"
        grace = probe.get("terminationGracePeriodSeconds")
        watched.grace = None if grace is None else float(grace)
        self._changed()

    def tell(self, watched: _Watched, kind: str, outcome: Outcome) -> None:
        """Of a failure, or of a success that says something."""
        name, reason, what = str(watched.target.container["name"]), "Unhealthy", "failed"
        if outcome.ok:
            reason, what = "ProbeWarning", "warning"
        self._tell(name, reason, f"{kind.capitalize()} probe {what}: {outcome.message}")


def _spread(target: ProbeTarget, kind: str, reported: Mapping[str, Any]) -> float:
    """0 for a new container. After a restart of the daemon all probes begin at once: each gets its
    own place in its period, as kubelet's do.
    """
    if not reported:
        return 0.0
    return crc32(f"{target.container_id}/{kind}".encode()) / 2**32


class _Probe:
    """The life of one probe of one container."""

    def __init__(
        self,
        pod: PodProbes,
        watched: _Watched,
        kind: str,
        probe: Mapping[str, Any],
        *,
        pause: float,
    ) -> None:
        """`pause`: the part of a period to wait before the first question."""
        self._pod = pod
        self._watched = watched
        self._kind = kind
        self._probe = probe
        self._timing = Timing.of(probe)
        self._pause = pause * self._timing.period
        self._succeeded_once = kind == "readiness" and watched.ready
        self._row_ok = 0
        self._row_failed = 0

    async def run(self) -> None:
        try:
            await self._run()
        except Exception:
            # One probe's fault must not end the pod's worker.
            log.exception("probe ended kind=%s", self._kind)

    async def _run(self) -> None:
        if self._kind != "startup":
            await self._watched.startup_done.wait()
        delay = self._timing.initial_delay - self._pod.age(self._watched)
        wait = max(delay, 0.0 if self._watches_start() else self._pause)
        if wait > 0:
            await asyncio.sleep(wait)
        while not self._watched.failed:
            outcome = await self._check()
            self._count(outcome)
            if self._kind == "startup" and self._watched.started:
                return
            await self._until_next()

    def _watches_start(self) -> bool:
        """The pod is not Ready before this has answered: no reason to wait."""
        return self._kind != "liveness" and not self._succeeded_once

    async def _until_next(self) -> None:
        """Sleeps one period; asks early in between while it has never succeeded."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._timing.period
        pause = _EARLY_EXEC_FIRST if "exec" in self._probe else _EARLY_FIRST
        while self._watches_start():
            if loop.time() + pause >= end:
                break
            await asyncio.sleep(pause)
            pause *= _EARLY_GROWTH
            outcome = await self._check()
            if outcome.ok:
                self._count(outcome)
                return
        await asyncio.sleep(max(0.0, end - loop.time()))

    async def _check(self) -> Outcome:
        return await self._pod.check(self._watched, self._probe, self._timing.timeout)

    def _count(self, outcome: Outcome) -> None:
        if outcome.ok:
            if outcome.message:
                self._pod.tell(self._watched, self._kind, outcome)
            self._succeeded_once = True
            self._row_ok, self._row_failed = self._row_ok + 1, 0
            if self._row_ok >= self._timing.successes:
                self._pod.succeeded(self._watched, self._kind)
            return
        self._row_ok, self._row_failed = 0, self._row_failed + 1
        self._pod.tell(self._watched, self._kind, outcome)
        if self._row_failed >= self._timing.failures:
            self._pod.failed(self._watched, self._kind, self._probe)
