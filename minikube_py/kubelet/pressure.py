"""When the host runs short of something, and which pod goes first. Pure (kubelet's eviction
manager, with its default thresholds).

A tenth of a large disk is a lot: no more than 10 GiB have to stay free. Nothing is evicted for want
of disk, since what a pod's going would free there isn't known; the node only takes no new pods.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from minikube_py.meta.objects import Object, annotations_of, get_path, is_deleting
from minikube_py.meta.quantity import parse_quantity, to_bytes

TRANSITION = timedelta(minutes=5)
"""How long a condition stays after the pressure went: it must not flap."""
PRESSURES = {
    "MemoryPressure": (
        ("HasSufficientMemory", "has sufficient memory available"),
        ("HasInsufficientMemory", "has insufficient memory available"),
    ),
    "DiskPressure": (
        ("HasNoDiskPressure", "has no disk pressure"),
        ("HasDiskPressure", "has disk pressure"),
    ),
    "PIDPressure": (
        ("HasSufficientPID", "has sufficient PID available"),
        ("HasInsufficientPID", "has insufficient PID available"),
    ),
}
"""Conditions: (reason, message) when it does not hold, and when it does."""
_MEMORY = 100 * 2**20
_MOST_DISK = 10 * 2**30
_PIDS = 0.02
_CRITICAL = 2_000_000_000
_MIRROR = "kubernetes.io/config.mirror"


@dataclass(frozen=True)
class HostRoom:
    """What is free, and of how much. Bytes, inodes, process ids."""

    memory: int
    disk: int
    disk_total: int
    inodes: int
    inodes_total: int
    pids: int
    pids_total: int


@dataclass(frozen=True)
class Shortage:
    """`condition` is the Node's; `threshold` and `available` as kubelet writes them."""

    condition: str
    resource: str
    threshold: str
    available: str


def shortages(room: HostRoom) -> list[Shortage]:
    found = []
    if room.memory < _MEMORY:
        found.append(Shortage("MemoryPressure", "memory", "100Mi", _kibi(room.memory)))
    disk = min(room.disk_total // 10, _MOST_DISK)
    if room.disk < disk:
        found.append(Shortage("DiskPressure", "ephemeral-storage", _kibi(disk), _kibi(room.disk)))
    elif room.inodes_total and room.inodes < room.inodes_total // 20:
        least = str(room.inodes_total // 20)
        found.append(Shortage("DiskPressure", "inodes", least, str(room.inodes)))
    if room.pids < room.pids_total * _PIDS:
        least = str(int(room.pids_total * _PIDS))
        found.append(Shortage("PIDPressure", "pids", least, str(room.pids)))
    return found


@dataclass
class Pressures:
    """The conditions that hold, each until it has been well for `TRANSITION`."""

    seen: dict[str, datetime]

    def hold(self, found: Sequence[Shortage], now: datetime) -> frozenset[str]:
        self.seen |= {shortage.condition: now for shortage in found}
        return frozenset(type_ for type_, at in self.seen.items() if now - at < TRANSITION)


def first_to_go(pods: Sequence[Object], used: Mapping[str, int]) -> Object | None:
    """By memory: those above what they asked for first, then the less important, then the ones
    furthest above. `used` is bytes by pod uid.
    """
    candidates = [pod for pod in pods if not is_deleting(pod) and not is_critical(pod)]

    def rank(pod: Object) -> tuple[bool, int, int]:
        above = used.get(pod["metadata"]["uid"], 0) - _request(pod)
        return (above <= 0, get_path(pod, "spec", "priority", default=0), -above)

    return min(candidates, key=rank, default=None)


def eviction_message(shortage: Shortage, pod: Object, used: Mapping[str, int]) -> str:
    """`used` is bytes by container name."""
    message = (
        f"The node was low on resource: {shortage.resource}. Threshold quantity: "
        f"{shortage.threshold}, available: {shortage.available}. "
    )
    for container in get_path(pod, "spec", "containers", default=[]):
        asked = get_path(container, "resources", "requests", "memory", default="0")
        have = used.get(container["name"], 0)
        if have > to_bytes(parse_quantity(asked)):
            message += (
                f"Container {container['name']} was using {_kibi(have)}, request is {asked}, "
                "has larger consumption of memory. "
            )
    return message


def pressure_condition(type_: str, holding: Collection[str]) -> tuple[str, str]:
    """(reason, message) of a Node's condition."""
    (reason, message) = PRESSURES[type_][type_ in holding]
    return f"Kubelet{reason}", f"kubelet {message}"


def _request(pod: Object) -> int:
    return sum(
        to_bytes(
            parse_quantity(get_path(container, "resources", "requests", "memory", default="0"))
        )
        for container in get_path(pod, "spec", "containers", default=[])
    )


def is_critical(pod: Object) -> bool:
    """Those are never evicted."""
    return bool(
        get_path(pod, "spec", "priority", default=0) >= _CRITICAL or _MIRROR in annotations_of(pod)
    )


def _kibi(amount: int) -> str:
    return f"{amount // 1024}Ki"
