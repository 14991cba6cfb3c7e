"""A host that runs short: what its nodes say, and which pod goes first."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from minikube_py.container_runtime.usage import ContainerUsage, NodeUsage, Sample, Stats
from minikube_py.kubelet import host_facts
from minikube_py.kubelet.local_storage import PodStorage, Taken
from minikube_py.kubelet.pressure import (
    DiskRoom,
    Held,
    HostRoom,
    Pressures,
    Shortage,
    eviction_message,
    first_to_go,
    held_disk,
    held_memory,
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
    disk=DiskRoom(free=50 * GIB, total=60 * GIB, inodes=900, inodes_total=1000),
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


def disk(**changed: int) -> HostRoom:
    return replace(PLENTY, disk=replace(PLENTY.disk, **changed))


def images(**changed: int) -> HostRoom:
    return replace(PLENTY, images=replace(PLENTY.disk, **changed))


@pytest.mark.parametrize(
    ("room", "found"),
    [
        pytest.param(PLENTY, [], id="plenty of all"),
        pytest.param(NO_MEMORY, [("MemoryPressure", "")], id="memory"),
        pytest.param(
            disk(free=GIB, total=15 * GIB), [("DiskPressure", "nodefs")], id="a tenth of the disk"
        ),
        pytest.param(disk(free=3 * GIB, total=2000 * GIB), [], id="a tenth of a large disk"),
        pytest.param(disk(inodes=40), [("DiskPressure", "nodefs")], id="inodes"),
        pytest.param(disk(inodes=0, inodes_total=0), [], id="a disk without inodes"),
        pytest.param(images(), [], id="room for the engine's files"),
        pytest.param(
            images(free=GIB, total=8 * GIB),
            [("DiskPressure", "imagefs")],
            id="15 % of the engine's disk",
        ),
        pytest.param(replace(PLENTY, pids=100), [("PIDPressure", "")], id="process ids"),
    ],
)
def test_what_counts_as_too_little(room: HostRoom, found: list[tuple[str, str]]) -> None:
    assert [(one.condition, one.disk) for one in shortages(room)] == found


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

    held = [held_memory(one, used[name_of(one)]) for one in pods]

    order = eviction_order(shortages(NO_MEMORY)[0], held)

    assert order == ["larger", "large", "important", "modest"]


def eviction_order(shortage: Shortage, held: list[Held]) -> list[str]:
    order = []
    while (found := first_to_go(shortage, held)) is not None:
        order.append(name_of(found))
        held = [one for one in held if one.pod is not found]
    return order


def test_of_a_disk_those_go_whose_going_helps() -> None:
    """Two GiB are missing: who holds less than a hundredth of that stays."""
    [shortage] = shortages(disk(free=0))
    held = [
        Held(pod("asked for it"), 5 * GIB, asked=6 * GIB),
        Held(pod("little"), 10 * MIB),
        Held(pod("much"), GIB),
        Held(pod("important", priority=1), 3 * GIB),
    ]

    assert eviction_order(shortage, held) == ["much", "important", "asked for it"]


def test_of_process_ids_the_least_important_goes_first() -> None:
    [shortage] = shortages(replace(PLENTY, pids=100))
    held = [Held(pod("important", priority=1), 9000), Held(pod("few"), 3), Held(pod("many"), 900)]

    assert eviction_order(shortage, held) == ["many", "few", "important"]


@pytest.mark.parametrize(
    ("room", "one_disk", "amount", "asked"),
    [
        pytest.param(disk(free=0), True, 111, MIB, id="all on one disk"),
        pytest.param(disk(free=0), False, 1, MIB, id="volumes are on the pods' disk"),
        pytest.param(images(free=0), False, 110, MIB, id="layers and logs on the engine's"),
        pytest.param(disk(inodes=0), True, 33, 0, id="inodes"),
    ],
)
def test_what_counts_is_on_the_disk_that_is_short(
    room: HostRoom, one_disk: bool, amount: int, asked: int
) -> None:
    obj = pod("a")
    obj["spec"]["containers"][0]["resources"] = {"requests": {"ephemeral-storage": "1Mi"}}
    found = PodStorage({"app": Taken(10, 10), "b": Taken(100, 20)}, {"v": Taken(1, 3)})

    [shortage] = shortages(room)

    assert held_disk(shortage, obj, found, one_disk=one_disk) == Held(obj, amount, asked)


@pytest.mark.parametrize("resource", ["memory", "ephemeral-storage"])
def test_the_message_says_what_was_low_and_who_used_it(resource: str) -> None:
    shortage = Shortage("SomePressure", resource, "100Mi", "51200Ki")
    obj = pod("a")
    obj["spec"]["containers"][0]["resources"] = {"requests": {resource: "10Mi"}}

    message = eviction_message(shortage, obj, {"app": 20 * MIB})

    assert message == (
        f"The node was low on resource: {resource}. Threshold quantity: 100Mi, available: 51200Ki. "
        "Container app was using 20480Ki, request is 10Mi, has larger consumption of "
        f"{resource}. "
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
            ContainerUsage(Stats(f"c-{uid}", uid, "app", 0, amount * MIB, NOW, amount), 0)
            for uid, amount in (("small", 10), ("big", 90))
        ]
        return NodeUsage(Sample(NOW, 0, 0), 1.0, 0, containers)


class FakeMeans:
    """Two pods that run; `dead` are the containers of those that don't."""

    def __init__(self, dead: int = 0) -> None:
        self.dead = dead
        self.walked = 0
        self.evicted: list[tuple[str, str]] = []
        self.pods = lambda: [pod("small"), pod("big"), pod("not running")]
        self.evict = lambda uid, why: self.evicted.append((uid, why))
        self.reclaim = self._reclaim

    def _reclaim(self) -> bool:
        had, self.dead = self.dead, 0
        return bool(had)

    async def storages(self) -> list[tuple[Object, PodStorage]]:
        self.walked += 1
        sizes = {"small": 1, "big": 9}
        return [(pod(name), PodStorage({"app": Taken(n * GIB)})) for name, n in sizes.items()]


@dataclass
class Scene:
    room: HostRoom
    means: FakeMeans = field(default_factory=FakeMeans)
    clock: FakeClock = field(default_factory=FakeClock)
    told: list[frozenset[str]] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._watch = PressureWatch(
            lambda: self.room, Measured(), self.means, self.attempts.append, self.clock
        )

    async def look(self) -> None:
        await self._watch.look(self.told.append)


async def test_one_pod_at_a_time_is_evicted_while_memory_is_short() -> None:
    scene = Scene(NO_MEMORY)

    await scene.look()
    scene.room = PLENTY
    scene.clock.forward(60)
    await scene.look()
    scene.clock.forward(300)
    await scene.look()

    [(uid, why)] = scene.means.evicted
    assert uid == "big"
    assert why.startswith("The node was low on resource: memory.")
    assert scene.told == [{"MemoryPressure"}, frozenset()]
    assert scene.attempts == ["memory"]


async def test_what_nobody_runs_any_more_makes_room_on_the_disk_before_a_pod_has_to() -> None:
    scene = Scene(disk(free=GIB), FakeMeans(dead=3))

    await scene.look()
    assert (scene.means.evicted, scene.means.walked) == ([], 0)
    await scene.look()

    [(uid, why)] = scene.means.evicted
    assert uid == "big"
    assert why == (
        "The node was low on resource: ephemeral-storage. Threshold quantity: 2097152Ki, "
        "available: 1048576Ki. Container app was using 9437184Ki, request is 0, has larger "
        "consumption of ephemeral-storage. "
    )
    assert scene.attempts == ["ephemeral-storage"] * 2


async def test_nobody_s_files_are_walked_while_there_is_room() -> None:
    scene = Scene(PLENTY)

    await scene.look()

    assert (scene.means.walked, scene.told) == (0, [])


async def test_the_pod_with_most_processes_is_evicted_while_ids_are_short() -> None:
    scene = Scene(replace(PLENTY, pids=100))

    await scene.look()

    [(uid, why)] = scene.means.evicted
    assert uid == "big"
    assert why == "The node was low on resource: pids. Threshold quantity: 655, available: 100. "
    assert scene.told == [{"PIDPressure"}]


def test_this_host_can_be_measured(tmp_path: Path) -> None:
    room = host_facts.room(tmp_path / "not" / "there", tmp_path)

    assert room.memory > 0
    assert 0 < room.disk.free <= room.disk.total
    assert room.images is None
    assert 0 < room.pids < room.pids_total
