"""A host that runs short: what its nodes say, and which pod goes first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from minikube_py.container_runtime.usage import ContainerUsage, NodeUsage, Sample, Stats
from minikube_py.kubelet import host_facts
from minikube_py.kubelet.pressure import (
    HostRoom,
    Pressures,
    Shortage,
    eviction_message,
    first_to_go,
    pressure_condition,
    shortages,
)
from minikube_py.kubelet.pressure_watch import PressureWatch
from minikube_py.meta.objects import Object, name_of
from tests.control_loop.harness import FakeClock

MIB, GIB = 2**20, 2**30
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
PLENTY = HostRoom(
    memory=8 * GIB,
    disk=50 * GIB,
    disk_total=60 * GIB,
    inodes=900,
    inodes_total=1000,
    pids=30_000,
    pids_total=32_768,
)
NO_MEMORY = replace(PLENTY, memory=50 * MIB)


def pod(
    name: str, request: str = "", priority: int = 0, annotations: dict[str, str] | None = None
) -> Object:
    resources = {"requests": {"memory": request}} if request else {}
    return {
        "metadata": {"name": name, "uid": name, "annotations": annotations or {}},
        "spec": {"priority": priority, "containers": [{"name": "app", "resources": resources}]},
    }


@pytest.mark.parametrize(
    ("room", "conditions"),
    [
        pytest.param(PLENTY, [], id="plenty of all"),
        pytest.param(NO_MEMORY, ["MemoryPressure"], id="memory"),
        pytest.param(replace(PLENTY, disk=5 * GIB), ["DiskPressure"], id="a tenth of the disk"),
        pytest.param(
            replace(PLENTY, disk=50 * GIB, disk_total=2000 * GIB), [], id="a tenth of a large disk"
        ),
        pytest.param(replace(PLENTY, inodes=40), ["DiskPressure"], id="inodes"),
        pytest.param(replace(PLENTY, inodes=0, inodes_total=0), [], id="a disk without inodes"),
        pytest.param(replace(PLENTY, pids=100), ["PIDPressure"], id="process ids"),
    ],
)
def test_what_counts_as_too_little(room: HostRoom, conditions: list[str]) -> None:
    assert [shortage.condition for shortage in shortages(room)] == conditions


def test_a_condition_stays_for_five_minutes_after_the_pressure() -> None:
    pressures = Pressures({})
    short = shortages(NO_MEMORY)

    assert pressures.hold(short, NOW) == {"MemoryPressure"}
    assert pressures.hold([], NOW + timedelta(minutes=4)) == {"MemoryPressure"}
    assert pressures.hold([], NOW + timedelta(minutes=5)) == frozenset()


def test_pods_above_their_request_go_first_then_the_less_important_then_the_largest() -> None:
    pods = [
        pod("modest", "100Mi"),
        pod("important", priority=100),
        pod("large"),
        pod("larger"),
        pod("critical", priority=2_000_000_000),
        pod("static", annotations={"kubernetes.io/config.mirror": "x"}),
    ]
    used = {
        "modest": 90 * MIB,
        "important": 500 * MIB,
        "large": 200 * MIB,
        "larger": 300 * MIB,
        "critical": 900 * MIB,
        "static": 900 * MIB,
    }

    order = []
    while (found := first_to_go(pods, used)) is not None:
        order.append(name_of(found))
        pods.remove(found)

    assert order == ["larger", "large", "important", "modest"]


def test_the_message_says_what_was_low_and_who_used_it() -> None:
    shortage = Shortage("MemoryPressure", "memory", "100Mi", "51200Ki")

    message = eviction_message(shortage, pod("a", "10Mi"), {"app": 20 * MIB})

    assert message == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 51200Ki. "
        "Container app was using 20480Ki, request is 10Mi, has larger consumption of memory. "
    )


def test_conditions_have_kubelet_s_words() -> None:
    assert pressure_condition("DiskPressure", {"DiskPressure"}) == (
        "KubeletHasDiskPressure",
        "kubelet has disk pressure",
    )
    assert pressure_condition("MemoryPressure", ()) == (
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    )


class Measured:
    async def read(self) -> NodeUsage:
        containers = [
            ContainerUsage(Stats(f"c-{uid}", uid, "app", 0, amount * MIB, NOW), 0)
            for uid, amount in (("small", 10), ("big", 90))
        ]
        return NodeUsage(Sample(NOW, 0, 0), 1.0, 0, containers)


async def test_one_pod_at_a_time_is_evicted_while_memory_is_short() -> None:
    room = [NO_MEMORY]
    told: list[frozenset[str]] = []
    evicted: list[tuple[str, str]] = []
    clock = FakeClock()
    watch = PressureWatch(
        lambda: room[0],
        Measured(),
        lambda: [pod("small"), pod("big"), pod("not running")],
        lambda uid, why: evicted.append((uid, why)),
        clock,
    )

    await watch.look(told.append)
    room[0] = PLENTY
    clock.forward(60)
    await watch.look(told.append)
    clock.forward(300)
    await watch.look(told.append)

    [(uid, why)] = evicted
    assert uid == "big"
    assert why.startswith("The node was low on resource: memory.")
    assert told == [{"MemoryPressure"}, frozenset()]


def test_this_host_can_be_measured(tmp_path: Path) -> None:
    room = host_facts.room(tmp_path / "not" / "there")

    assert room.memory > 0
    assert 0 < room.disk <= room.disk_total
    assert 0 < room.pids < room.pids_total
