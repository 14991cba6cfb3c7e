"""Which running containers have other resources than their pod asks for by now (KEP-1287), and
whether this node can give them. Pure; `resizer` carries it out.

Nothing is remembered: what a container has, the runtime says; what it had before a resize that is
not done yet, its status says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from minikube_py.container_runtime.interface import ObservedContainer, ObservedPod, Resources
from minikube_py.kubelet.container_resources import HostFacts, container_resources
from minikube_py.kubelet.facts import attempts_of, is_running
from minikube_py.kubelet.podspec import is_finished, members_of
from minikube_py.meta.objects import Object, get_path, uid_of
from minikube_py.meta.quantity import parse_quantity
from minikube_py.resources.pod_totals import Quantities, add, parsed, pod_totals

PENDING, IN_PROGRESS = "PodResizePending", "PodResizeInProgress"
RESIZE_CONDITIONS = (PENDING, IN_PROGRESS)
_RESIZED = ("cpu", "memory")


@dataclass(frozen=True)
class Resize:
    """One container's; `restart`: it has to start anew, as its resizePolicy says."""

    container_id: str
    name: str
    resources: Resources
    restart: bool
    shrinks_memory: bool = False


@dataclass(frozen=True)
class ResizeState:
    """`behind`: names of containers that don't have yet what they ask for. `condition`: its type,
    reason and message, None when there is nothing to say.
    """

    behind: frozenset[str] = frozenset()
    condition: tuple[str, str, str] | None = None
    resizes: tuple[Resize, ...] = field(default=(), compare=False)

    @property
    def to_restart(self) -> frozenset[str]:
        """Container ids."""
        return frozenset(one.container_id for one in self.resizes if one.restart)


UNCHANGED = ResizeState()


def was_ever_changed(pod: Object) -> bool:
    return int(get_path(pod, "metadata", "generation", default=1)) > 1


def wanted_resizes(pod: Object, observed: ObservedPod, host: HostFacts) -> tuple[Resize, ...]:
    found = []
    for member in members_of(pod, "main", "sidecar"):
        latest = next(iter(attempts_of(observed, member.name)), None)
        if latest is None or latest.resources is None:
            continue
        wanted = container_resources(pod, member.container, host)
        if changed := _changed(latest.resources, wanted):
            restart = any(_policy(member.container, name) == "RestartContainer" for name in changed)
            if is_running(latest) or restart:
                found.append(_resize(latest, latest.resources, wanted, restart))
    return tuple(found)


def _resize(
    latest: ObservedContainer, before: Resources, wanted: Resources, restart: bool
) -> Resize:
    shrinks = 0 < wanted.memory_bytes < (before.memory_bytes or wanted.memory_bytes + 1)
    return Resize(latest.id, latest.name, wanted, restart, shrinks)


def _changed(before: Resources, wanted: Resources) -> list[str]:
    """Of cpu and memory."""
    found = []
    if (before.cpu_shares, before.cpu_quota_us) != (wanted.cpu_shares, wanted.cpu_quota_us):
        found.append("cpu")
    if before.memory_bytes != wanted.memory_bytes:
        found.append("memory")
    return found


def _policy(container: Mapping[str, Any], resource: str) -> str:
    for entry in container.get("resizePolicy") or []:
        if entry.get("resourceName") == resource:
            return str(entry.get("restartPolicy"))
    return "NotRequired"


def obstacle(
    pod: Object, others: Iterable[Object], allocatable: Mapping[str, str]
) -> tuple[str, str] | None:
    """(reason, message) where the node can't give it: never (Infeasible) or not now (Deferred)."""
    own, room = pod_totals(pod, "requests"), parsed(allocatable)
    for name in _RESIZED:
        if own.get(name, 0) > room.get(name, 0):
            message = f"Node didn't have enough capacity: {name}, requested: "
            message += f"{_said(own, name)}, capacity: {_said(room, name)}"
            return "Infeasible", message
    taken: Quantities = dict(own)
    for other in others:
        if uid_of(other) != uid_of(pod) and not is_finished(other):
            add(taken, pod_totals(other, "requests"))
    for name in _RESIZED:
        if taken.get(name, 0) > room.get(name, 0):
            return "Deferred", f"Node didn't have enough resource: {name}"
    return None


def _said(amounts: Quantities, name: str) -> str:
    """cpu in thousandths, as kubelet counts."""
    return str(int(amounts.get(name, parse_quantity("0")) * (1000 if name == "cpu" else 1)))
