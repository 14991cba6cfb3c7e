"""What a pod keeps on this host's disk, and when that is too much. Pure (kubelet's
localStorageEviction).

A container answers for what it wrote over its image and for its logs, the pod for all its
containers and for those volumes that are its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from minikube_py.kubelet.empty_dirs import disk_limits
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import format_quantity, parse_quantity, to_bytes
from minikube_py.resources.pod_totals import pod_totals

STORAGE = "ephemeral-storage"
_OWN = ("emptyDir", "configMap", "downwardAPI")


@dataclass(frozen=True)
class Taken:
    """Of a disk: bytes, and files and folders."""

    bytes: int = 0
    inodes: int = 0

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(self.bytes + other.bytes, self.inodes + other.inodes)


@dataclass(frozen=True)
class PodStorage:
    """By name. `unknown`: containers of which only the logs could be measured."""

    containers: Mapping[str, Taken] = field(default_factory=dict)
    volumes: Mapping[str, Taken] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()

    def total(self) -> Taken:
        return sum([*self.containers.values(), *self.volumes.values()], Taken())


def has_storage_limit(pod: Object) -> bool:
    """Of its containers; volumes' own limits aside. Asked at every look at every pod."""
    return any(_limits(pod))


def own_volumes(pod: Object) -> list[str]:
    """Names of those whose files are the pod's and on disk."""
    return [
        volume["name"]
        for volume in get_path(pod, "spec", "volumes", default=[])
        if any(source in volume for source in _OWN)
        and get_path(volume, "emptyDir", "medium", default="") != "Memory"
    ]


def measured_volumes(pod: Object) -> list[str]:
    """Names of those whose size may be held against the pod."""
    return own_volumes(pod) if has_storage_limit(pod) else list(disk_limits(pod))


def container_limits(pod: Object) -> dict[str, str]:
    """Of main containers, as kubelet counts them one by one."""
    limits = {
        container["name"]: str(_limit(container) or "0")
        for container in get_path(pod, "spec", "containers", default=[])
    }
    return {name: limit for name, limit in limits.items() if parse_quantity(limit) > 0}


def over_limit(pod: Object, storage: PodStorage) -> str:
    """Why the pod has to go, in kubelet's words; "" when it keeps its limits."""
    for name, limit in disk_limits(pod).items():
        if _exceeds(storage.volumes.get(name), limit):
            return f'Usage of EmptyDir volume "{name}" exceeds the limit "{limit}". '
    total = _pod_limit(pod)
    if total and _exceeds(storage.total(), total):
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {total}. "
    for name, limit in container_limits(pod).items():
        if _exceeds(storage.containers.get(name), limit):
            return f'Container {name} exceeded its local ephemeral storage limit "{limit}". '
    return ""


def _pod_limit(pod: Object) -> str:
    """What all containers that have a limit may use together, "" where none has: then nobody is
    held to it. Written as the first of them is.
    """
    total = pod_totals(pod, "limits").get(STORAGE)
    if total is None:
        return ""
    first = next((limit for limit in _limits(pod) if limit), "")
    return format_quantity(total, binary=first.endswith("i"))


def _limits(pod: Object) -> list[str]:
    """Of init and main containers, "" for those without."""
    return [
        str(_limit(container) or "")
        for group in ("initContainers", "containers")
        for container in get_path(pod, "spec", group, default=[])
    ]


def _limit(container: Mapping[str, Any]) -> Any:
    return get_path(container, "resources", "limits", STORAGE)


def _exceeds(taken: Taken | None, limit: str) -> bool:
    return taken is not None and taken.bytes > to_bytes(parse_quantity(limit))
