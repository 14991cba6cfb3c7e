"""Probes in virtual time: what they ask, when, and what they make of it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from minikube_py.kubelet.facts import Health
from minikube_py.kubelet.probe_actions import Outcome, ProbeActions, ProbeTarget
from minikube_py.kubelet.probes import PodProbes

pytestmark = pytest.mark.looptime

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def clock() -> datetime:
    return BEGAN + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass
class Scripted:
    """Answers checks as `healthy(seconds)` says, and remembers when it was asked."""

    healthy: Callable[[float], bool]
    warning: str = ""
    asked: list[float] = field(default_factory=list)

    async def check(
        self, action: Mapping[str, Any], target: ProbeTarget, timeout: float
    ) -> Outcome:
        now = asyncio.get_running_loop().time()
        self.asked.append(round(now, 2))
        return Outcome(True, self.warning) if self.healthy(now) else Outcome(False, "down")


@dataclass
class Bench:
    """One container under probes."""

    healthy: Callable[[float], bool]
    container: dict[str, Any]
    reported: dict[str, Any] = field(default_factory=dict)
    warning: str = ""
    unhealthy: list[str] = field(default_factory=list)
    changes: list[tuple[float, bool, bool]] = field(default_factory=list)

    async def run(self, seconds: float) -> Health:
        self.actions = Scripted(self.healthy, self.warning)
        probes = PodProbes(
            cast(ProbeActions, self.actions),
            clock,
            lambda: self._note(probes),
            lambda _name, reason, message: self.unhealthy.append(f"{reason}: {message}"),
        )
        target = ProbeTarget("c0", {"name": "app", **self.container}, "10.244.0.9")
        async with asyncio.TaskGroup() as group:
            probes.watch(group, target, clock(), self.reported)
            await asyncio.sleep(seconds)
            health = probes.health("c0")
            probes.keep_only(set())
        assert health is not None
        return health

    def _note(self, probes: PodProbes) -> None:
        health = probes.health("c0")
        assert health is not None
        now = round(asyncio.get_running_loop().time(), 2)
        self.changes.append((now, health.started, health.ready))


PROBE = {"tcpSocket": {"port": 80}}


async def test_a_container_without_probes_is_started_and_ready() -> None:
    assert await Bench(lambda _: True, {}).run(1) == Health(started=True, ready=True)


async def test_a_container_is_ready_as_soon_as_it_answers() -> None:
    bench = Bench(lambda now: now >= 0.5, {"readinessProbe": PROBE})

    health = await bench.run(5)

    assert health.ready
    assert 0.5 <= bench.changes[0][0] < 1.0


async def test_nothing_is_ready_before_its_startup_probe_says_so() -> None:
    bench = Bench(lambda now: now >= 3, {"startupProbe": {**PROBE, "failureThreshold": 9}})

    before = await bench.run(2.5)
    after = await bench.run(5)

    assert before == Health(started=False, ready=False)
    assert after == Health(started=True, ready=True)


async def test_early_questions_are_no_failures() -> None:
    bench = Bench(lambda _: False, {"startupProbe": {**PROBE, "failureThreshold": 3}})

    before = await bench.run(19)
    after = await bench.run(21)

    assert before.failed == ""
    assert after.failed == "Container app failed startup probe, will be restarted"
    assert len(bench.unhealthy) == 2 + 3


async def test_readiness_is_lost_after_the_threshold_and_found_again() -> None:
    probe = {**PROBE, "periodSeconds": 1, "failureThreshold": 3}
    bench = Bench(lambda now: not 10 <= now < 20, {"readinessProbe": probe})

    await bench.run(30)

    assert [(started, ready) for _, started, ready in bench.changes] == [
        (True, True),
        (True, False),
        (True, True),
    ]
    assert 12 <= bench.changes[1][0] <= 13


async def test_liveness_waits_for_the_startup_probe() -> None:
    bench = Bench(
        lambda now: now >= 25,
        {
            "startupProbe": {**PROBE, "failureThreshold": 30},
            "livenessProbe": {**PROBE, "periodSeconds": 1, "failureThreshold": 1},
        },
    )

    health = await bench.run(60)

    assert health == Health(started=True, ready=True)


async def test_liveness_that_fails_asks_for_a_restart_with_its_own_grace() -> None:
    probe = {**PROBE, "periodSeconds": 5, "terminationGracePeriodSeconds": 7}
    bench = Bench(lambda now: now < 12, {"livenessProbe": probe})

    health = await bench.run(40)

    assert health.failed == "Container app failed liveness probe, will be restarted"
    assert health.grace_seconds == 7
    assert bench.unhealthy == ["Unhealthy: Liveness probe failed: down"] * 3
    assert bench.actions.asked[-1] == 25


async def test_the_first_question_waits_for_the_initial_delay() -> None:
    bench = Bench(lambda _: True, {"readinessProbe": {**PROBE, "initialDelaySeconds": 4}})

    await bench.run(5)

    assert bench.actions.asked == [4.0]


async def test_successes_are_counted_a_period_apart() -> None:
    probe = {**PROBE, "periodSeconds": 2, "successThreshold": 3}
    bench = Bench(lambda _: True, {"readinessProbe": probe})

    await bench.run(10)

    assert bench.changes[0] == (4.0, True, True)


async def test_an_adopted_container_stays_ready_until_it_fails() -> None:
    bench = Bench(
        lambda _: True,
        {"readinessProbe": PROBE, "startupProbe": PROBE},
        reported={"started": True, "ready": True},
    )

    health = await bench.run(0.01)

    assert health == Health(started=True, ready=True)
    assert bench.changes == []


async def test_a_success_with_something_to_say_is_a_warning() -> None:
    bench = Bench(lambda _: True, {"readinessProbe": PROBE}, warning="Probe terminated redirects")

    assert (await bench.run(1)).ready
    assert bench.unhealthy == ["ProbeWarning: Readiness probe warning: Probe terminated redirects"]


async def test_probes_of_adopted_containers_are_spread_over_their_period() -> None:
    bench = Bench(
        lambda _: True,
        {"livenessProbe": PROBE, "readinessProbe": PROBE},
        reported={"started": True, "ready": True},
    )

    await bench.run(10)

    first, second = bench.actions.asked
    assert 0 < first < second < 10


async def test_of_a_pod_that_goes_only_readiness_is_asked() -> None:
    actions = Scripted(lambda now: now < 3)
    told: list[str] = []
    probes = PodProbes(
        cast(ProbeActions, actions), clock, lambda: None, lambda _c, _r, text: told.append(text)
    )
    probe = {**PROBE, "periodSeconds": 2, "failureThreshold": 1}
    both = {"name": "app", "livenessProbe": probe, "readinessProbe": probe}
    async with asyncio.TaskGroup() as group:
        probes.watch(group, ProbeTarget("c0", both, ""), clock(), {})
        await asyncio.sleep(1)
        probes.keep_readiness()
        await asyncio.sleep(6)
        health = probes.health("c0")
        probes.keep_only(set())

    assert health == Health(started=True, ready=False)
    assert {text.split()[0] for text in told} == {"Readiness"}
