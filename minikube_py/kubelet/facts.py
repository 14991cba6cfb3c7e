"""What is known of a pod besides its object and its containers.

The words that plan, status and sync share.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from minikube_py.container_runtime.interface import ObservedContainer, ObservedPod, Sandbox
from minikube_py.kubelet.podspec import (
    asked_to_restart,
    asked_to_restart_at,
    bare_id,
    previous_status,
)
from minikube_py.meta.objects import Object, name_of, namespace_of, uid_of

ASKED_ANNOTATION = "restarted-at"
"""On a container: the `mk restart` of its pod that it knows of."""


@dataclass(frozen=True)
class Waiting:
    """Why a container does not run, as its status shows it."""

    reason: str
    message: str = ""


@dataclass(frozen=True)
class Health:
    """What probes and hooks say of one container; `failed` is why it must be killed, "" if it need
    not.
    """

    started: bool = True
    ready: bool = True
    failed: str = ""
    grace_seconds: float | None = None
    """The failed probe's own grace, if it has one."""


HEALTHY = Health()


@dataclass(frozen=True)
class Restart:
    """When a container that ended may start again, and the back-off that was waited, seconds."""

    at: datetime
    delay: float


@dataclass(frozen=True)
class PodFacts:
    """`health` by container id, `restarts` by container name. `gone`: the object is in the store no
    more.
    """

    health: Mapping[str, Health] = field(default_factory=dict)
    restarts: Mapping[str, Restart] = field(default_factory=dict)
    hooks_running: frozenset[str] = frozenset()
    """Ids of containers whose postStart hook has not ended."""
    gone: bool = False
    resting: float | None = None
    """The node goes down in so many seconds; None = it stays up."""
    evicted: str = ""
    """Why the pod has to leave this node at once, "" = it may stay."""
    disrupted: bool = False
    """It leaves for the node's want, not because it broke a limit of its own."""
    reclaim: bool = False
    """The node needs the room that the pod's ended containers take."""
    to_resize: frozenset[str] = frozenset()
    """Ids of containers that have to start anew to get the resources their pod asks for."""
    rejected: tuple[str, str] | None = None
    """Reason and message, where this node does not run the pod at all."""


def running_sandbox(observed: ObservedPod) -> Sandbox | None:
    """The newest sandbox, if it runs: containers of any other are history."""
    newest = max(observed.sandboxes, key=lambda s: s.attempt, default=None)
    return newest if newest is not None and newest.running else None


def attempts_of(observed: ObservedPod, name: str) -> list[ObservedContainer]:
    """All of the container's attempts that the runtime still has, newest first."""
    found = [container for container in observed.containers if container.name == name]
    return sorted(found, key=lambda c: (c.attempt, c.created_at), reverse=True)


def is_running(container: ObservedContainer) -> bool:
    return container.state in ("running", "paused")


def could_not_start(container: ObservedContainer) -> bool:
    """Created, and its start failed; one without an error was left by a daemon that died between
    the two calls.
    """
    return container.state == "created" and bool(container.error)


def is_leftover(container: ObservedContainer) -> bool:
    return container.state == "created" and not container.error


def has_ended(container: ObservedContainer) -> bool:
    return container.state == "exited" or could_not_start(container)


def exit_code(container: ObservedContainer) -> int:
    """128 for one that could not start, as containerd reports it."""
    if could_not_start(container):
        return container.exit_code or 128
    return container.exit_code


def finished_at(container: ObservedContainer) -> datetime:
    return container.finished_at or container.started_at or container.created_at


def is_asked_to_restart(pod: Object, container: ObservedContainer) -> bool:
    """By `mk restart`, after it began and by none that it was started for already: the clock that
    said when may be ahead of ours.
    """
    asked = asked_to_restart_at(pod)
    if asked is None or container.annotations.get(ASKED_ANNOTATION) == asked_to_restart(pod):
        return False
    return (container.started_at or container.created_at) < asked


def next_attempt(pod: Object, observed: ObservedPod, name: str) -> int:
    """Grows even when the containers themselves were removed by hand: the status remembers."""
    known = [c.attempt for c in attempts_of(observed, name) if not is_leftover(c)]
    reported = previous_status(pod, name)
    if was_created(reported):
        known.append(int(reported.get("restartCount", 0)))
    return max(known) + 1 if known else 0


def crash_loop(pod: Object, name: str, delay: float) -> Waiting:
    full_name = f"{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
    text = _go_duration(delay)
    return Waiting(
        "CrashLoopBackOff",
        f"back-off {text} restarting failed container={name} pod={full_name}",
    )


def _go_duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"


def was_created(reported: Mapping[str, object]) -> bool:
    """Whether a container status tells of a container that once existed."""
    return bool(bare_id(str(reported.get("containerID", ""))) or reported.get("lastState"))
