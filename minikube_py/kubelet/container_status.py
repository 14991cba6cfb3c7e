"""One container's entry in a Pod's status, from the attempts the runtime has and what is known of
them. Pure; `status` puts the entries together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from minikube_py.container_runtime.interface import ObservedContainer, ObservedPod
from minikube_py.kubelet.facts import (
    HEALTHY,
    Health,
    Waiting,
    attempts_of,
    could_not_start,
    exit_code,
    finished_at,
    has_ended,
    is_leftover,
    is_running,
    running_sandbox,
    was_created,
)
from minikube_py.kubelet.podspec import Member, bare_id, members_of, previous_status
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import format_time

Entry = dict[str, Any]

_AMOUNTS = ("limits", "requests")
_GIVEN = ("allocatedResources", "resources")


@dataclass(frozen=True)
class ContainerFacts:
    """`waiting` by container name: why it does not run. `messages` by container id: what it left in
    its termination log. `over`: the pod ends, no container comes back. `runtime` prefixes ids.
    """

    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    health: Mapping[str, Health] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    runtime: str = "docker"
    over: bool = False
    behind: frozenset[str] = frozenset()
    """Containers that don't have yet the resources their pod asks for."""
    message_bytes: int = 4096
    """Longer messages of ended containers are cut: of one pod they fill 12 KiB at most."""


def container_entry(
    pod: Object, member: Member, observed: ObservedPod, facts: ContainerFacts
) -> Entry:
    """The v1.ContainerStatus of one container."""
    entry = _entry(pod, member, observed, facts) | _resources(pod, member, facts)
    if signal := (member.container.get("lifecycle") or {}).get("stopSignal"):
        entry["stopSignal"] = signal
    return entry


def _resources(pod: Object, member: Member, facts: ContainerFacts) -> Entry:
    """What was given to it: what it asks for, or what was said before while a resize is not done.
    Containers that ask for nothing, and debuggers, say nothing.
    """
    resources = member.container.get("resources") or {}
    asked = {field: dict(resources[field]) for field in _AMOUNTS if resources.get(field)}
    if not asked or member.role == "ephemeral":
        return {}
    reported = previous_status(pod, member.name)
    if member.name in facts.behind and "resources" in reported:
        return {field: reported[field] for field in _GIVEN if field in reported}
    return {"allocatedResources": dict(asked.get("requests") or {}), "resources": asked}


def _entry(pod: Object, member: Member, observed: ObservedPod, facts: ContainerFacts) -> Entry:
    attempts = [c for c in attempts_of(observed, member.name) if not is_leftover(c)]
    if not attempts:
        return _unseen(pod, member, facts)
    latest, previous = attempts[0], attempts[1] if len(attempts) > 1 else None
    health = facts.health.get(latest.id, HEALTHY)
    state, last = _states(pod, member, latest, previous, facts, observed)
    runs = "running" in state
    ready = runs and health.ready
    if member.role == "init":
        ready = "terminated" in state and exit_code(latest) == 0
    return {
        "name": member.name,
        "state": state,
        "lastState": last,
        "ready": ready,
        "restartCount": max(latest.attempt, _reported_restarts(pod, member.name)),
        "image": str(member.container.get("image", latest.image)),
        "imageID": f"{facts.runtime}://{latest.image_id}" if latest.image_id else "",
        "containerID": f"{facts.runtime}://{latest.id}",
        "started": runs and health.started,
    }


def _states(
    pod: Object,
    member: Member,
    latest: ObservedContainer,
    previous: ObservedContainer | None,
    facts: ContainerFacts,
    observed: ObservedPod,
) -> tuple[Entry, Entry]:
    """(state, lastState)."""
    if previous is not None:
        earlier = _terminated(previous, facts)
    else:
        earlier = _reported_last(pod, member, latest)
    if is_running(latest):
        return {"running": {"startedAt": format_time(latest.started_at or latest.created_at)}}, (
            earlier
        )
    waiting = facts.waiting.get(member.name)
    if waiting is None and _starts_over(latest, observed, facts):
        waiting = default_waiting(pod)
    if waiting is not None and not facts.over:
        return {"waiting": _waiting(waiting)}, _terminated(latest, facts)
    return _terminated(latest, facts), earlier


def _starts_over(latest: ObservedContainer, observed: ObservedPod, facts: ContainerFacts) -> bool:
    """Its sandbox is gone and another takes its place: it waits for its turn again."""
    sandbox = running_sandbox(observed)
    return not facts.over and sandbox is not None and latest.sandbox_id != sandbox.id


def _unseen(pod: Object, member: Member, facts: ContainerFacts) -> Entry:
    """The runtime has none: not made yet, or removed by hand since the last status."""
    reported = previous_status(pod, member.name)
    last = _lost(reported)
    waiting = facts.waiting.get(member.name) or default_waiting(pod)
    state: Entry = {"waiting": _waiting(waiting)}
    if facts.over and last:
        state, last = last, dict(reported.get("lastState") or {})
    return {
        "name": member.name,
        "state": state,
        "lastState": last,
        "ready": False,
        "restartCount": _reported_restarts(pod, member.name),
        "image": str(member.container.get("image", "")),
        "imageID": str(reported.get("imageID", "")),
        "containerID": str(reported.get("containerID", "")),
        "started": False,
    }


def _lost(reported: Mapping[str, Any]) -> Entry:
    """What became of a container that status knows and the runtime does not."""
    if not was_created(reported):
        return {}
    state = reported.get("state") or {}
    if "terminated" in state:
        return dict(state)
    if "running" not in state:
        return dict(reported.get("lastState") or {})
    return {
        "terminated": {
            "exitCode": 137,
            "reason": "ContainerStatusUnknown",
            "message": "The container could not be located: it was removed from outside",
            "containerID": reported.get("containerID", ""),
        }
    }


def default_waiting(pod: Object) -> Waiting:
    has_init = bool(members_of(pod, "init", "sidecar"))
    return Waiting("PodInitializing" if has_init else "ContainerCreating")


def _waiting(waiting: Waiting) -> Entry:
    entry = {"reason": waiting.reason}
    if waiting.message:
        entry["message"] = waiting.message
    return entry


def _terminated(container: ObservedContainer, facts: ContainerFacts) -> Entry:
    if not has_ended(container):
        return {}
    code = exit_code(container)
    entry: Entry = {"exitCode": code, "reason": _reason(container)}
    message = _cut(facts.messages.get(container.id) or container.error, facts.message_bytes)
    if message:
        entry["message"] = message
    started = container.started_at or container.created_at
    entry["startedAt"] = format_time(started)
    entry["finishedAt"] = format_time(finished_at(container))
    entry["containerID"] = f"{facts.runtime}://{container.id}"
    return {"terminated": entry}


def _cut(message: str, most_bytes: int) -> str:
    return message.encode()[:most_bytes].decode(errors="ignore")


def _reason(container: ObservedContainer) -> str:
    if container.oom_killed:
        return "OOMKilled"
    if could_not_start(container):
        return "StartError"
    return "Completed" if exit_code(container) == 0 else "Error"


def _reported_restarts(pod: Object, name: str) -> int:
    return int(previous_status(pod, name).get("restartCount", 0))


def _reported_last(pod: Object, member: Member, latest: ObservedContainer) -> Entry:
    """What was before the latest attempt, for one whose container was removed meanwhile."""
    reported = previous_status(pod, member.name)
    if bare_id(str(reported.get("containerID", ""))) != latest.id:
        return _lost(reported)
    last = reported.get("lastState") or {}
    last_id = bare_id(str((last.get("terminated") or {}).get("containerID", "")))
    return {} if last_id == latest.id else dict(last)
