"""When the host runs short of something, and which pod goes first. Pure (kubelet's eviction
manager, with its default thresholds).

A part of a large disk is a lot, and a laptop's is often nearly full: no more than 2 GiB have to
stay free (kind and minikube switch this off altogether). A disk that others have filled is none of
the pods' doing: only one that holds a noticeable part of what is missing goes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from minikube_py.kubelet.local_storage import STORAGE, PodStorage, Taken
from minikube_py.meta.objects import Object, annotations_of, get_path, is_deleting
from minikube_py.meta.quantity import parse_quantity, to_bytes
from minikube_py.resources.pod_totals import pod_totals

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
_MOST_DISK = 2 * 2**30
_PARTS = {"nodefs": 0.1, "imagefs": 0.15}
_INODES = 0.05
_PIDS = 0.02
_NOTICEABLE = 0.01
_CRITICAL = 2_000_000_000
_MIRROR = "kubernetes.io/config.mirror"

Disk = Literal["", "nodefs", "imagefs"]
"""nodefs: the one with pods' volumes. imagefs: the one with the engine's layers and logs."""


@dataclass(frozen=True)
class DiskRoom:
    """Bytes and inodes: free, and of how much."""

    free: int
    total: int
    inodes: int
    inodes_total: int


@dataclass(frozen=True)
class HostRoom:
    """What is free, and of how much: bytes, process ids. `images` None: the engine's files are on
    the same disk as the pods'.
    """

    memory: int
    disk: DiskRoom
    pids: int
    pids_total: int
    images: DiskRoom | None = None


@dataclass(frozen=True)
class Shortage:
    """`condition` is the Node's; `threshold` and `available` as kubelet writes them. `missing` is
    how much more has to be free.
    """

    condition: str
    resource: str
    threshold: str
    available: str
    missing: int = 0
    disk: Disk = ""


@dataclass(frozen=True)
class Held:
    """What one pod has of what is short, and what it asked for."""

    pod: Object
    amount: int
    asked: int = 0


def shortages(room: HostRoom) -> list[Shortage]:
    found = []
    if room.memory < _MEMORY:
        missing = _MEMORY - room.memory
        found.append(Shortage("MemoryPressure", "memory", "100Mi", _kibi(room.memory), missing))
    found += _short_of_disk("nodefs", room.disk)
    if room.images is not None:
        found += _short_of_disk("imagefs", room.images)
    least = int(room.pids_total * _PIDS)
    if room.pids < least:
        missing = least - room.pids
        found.append(Shortage("PIDPressure", "pids", str(least), str(room.pids), missing))
    return found


def _short_of_disk(disk: Disk, room: DiskRoom) -> list[Shortage]:
    least = min(int(room.total * _PARTS[disk]), _MOST_DISK)
    if room.free < least:
        said = (STORAGE, _kibi(least), _kibi(room.free))
        return [Shortage("DiskPressure", *said, least - room.free, disk)]
    least = int(room.inodes_total * _INODES)
    if room.inodes < least:
        said = ("inodes", str(least), str(room.inodes))
        return [Shortage("DiskPressure", *said, least - room.inodes, disk)]
    return []


@dataclass
class Pressures:
    """The conditions that hold, each until it has been well for `TRANSITION`."""

    seen: dict[str, datetime]

    def hold(self, found: Sequence[Shortage], now: datetime) -> frozenset[str]:
        self.seen |= {shortage.condition: now for shortage in found}
        return frozenset(type_ for type_, at in self.seen.items() if now - at < TRANSITION)


def first_to_go(shortage: Shortage, held: Sequence[Held]) -> Object | None:
    """Those above what they asked for first, then the less important, then the ones furthest
    above. Process ids are nobody's to ask for: there importance comes first.
    """
    candidates = [
        one
        for one in held
        if not is_deleting(one.pod) and not is_critical(one.pod) and _helps(shortage, one)
    ]

    def rank(one: Held) -> tuple[bool, int, int]:
        above = one.amount - one.asked
        modest = above <= 0 and shortage.resource != "pids"
        return (modest, get_path(one.pod, "spec", "priority", default=0), -above)

    first = min(candidates, key=rank, default=None)
    return first.pod if first is not None else None


def _helps(shortage: Shortage, one: Held) -> bool:
    return not shortage.disk or one.amount >= max(1, shortage.missing * _NOTICEABLE)


def held_memory(pod: Object, used: int) -> Held:
    return Held(pod, used, _asked(pod, "memory"))


def held_disk(shortage: Shortage, pod: Object, storage: PodStorage, *, one_disk: bool) -> Held:
    """`one_disk`: the engine's files are on the same one as the pods'."""
    if one_disk:
        taken = storage.total()
    else:
        parts = storage.volumes if shortage.disk == "nodefs" else storage.containers
        taken = sum(parts.values(), Taken())
    if shortage.resource == "inodes":
        return Held(pod, taken.inodes)
    return Held(pod, taken.bytes, _asked(pod, STORAGE))


def eviction_message(shortage: Shortage, pod: Object, used: Mapping[str, int]) -> str:
    """`used` is bytes by container name, of memory or of disk."""
    message = (
        f"The node was low on resource: {shortage.resource}. Threshold quantity: "
        f"{shortage.threshold}, available: {shortage.available}. "
    )
    for container in get_path(pod, "spec", "containers", default=[]):
        asked = get_path(container, "resources", "requests", shortage.resource, default="0")
        have = used.get(container["name"], 0)
        if have > to_bytes(parse_quantity(asked)):
            message += (
                f"Container {container['name']} was using {_kibi(have)}, request is {asked}, "
                f"has larger consumption of {shortage.resource}. "
            )
    return message


def pressure_condition(type_: str, holding: Collection[str]) -> tuple[str, str]:
    """(reason, message) of a Node's condition."""
    (reason, message) = PRESSURES[type_][type_ in holding]
    return f"Kubelet{reason}", f"kubelet {message}"


def _asked(pod: Object, resource: str) -> int:
    return to_bytes(pod_totals(pod, "requests").get(resource, Decimal(0)))


def is_critical(pod: Object) -> bool:
    """Those are never evicted."""
    return bool(
        get_path(pod, "spec", "priority", default=0) >= _CRITICAL or _MIRROR in annotations_of(pod)
    )


def _kibi(amount: int) -> str:
    return f"{amount // 1024}Ki"
