"""A Pod's status from its object, the runtime's containers and what probes and plans know.

Pure: the same input gives the same status. Rules are kubelet's generateAPIPodStatus and getPhase.
Transition times and what others wrote into the status (readiness gates, scheduling) are taken from
the status as it stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from minikube_py.container_runtime.interface import ObservedPod
from minikube_py.kubelet.container_status import ContainerFacts, Entry, container_entry
from minikube_py.kubelet.facts import Health, Waiting, running_sandbox
from minikube_py.kubelet.pod_plan import Failure
from minikube_py.kubelet.podspec import (
    comes_back_after,
    is_finished,
    members_of,
    phase_of,
    qos_class,
    uses_host_network,
)
from minikube_py.kubelet.resize import RESIZE_CONDITIONS, UNCHANGED, ResizeState
from minikube_py.kubelet.restart_all import CONDITION as RESTARTING
from minikube_py.kubelet.restart_all import restart_condition
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.timestamps import format_time

_OWN_CONDITIONS = (
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
)

_POD_MESSAGE_BYTES = 12 << 10
"""What the termination messages of one pod may take together (kubelet's normalizeStatus)."""


@dataclass(frozen=True)
class StatusFacts:
    """`over`: nothing of the pod will run again. `failure`: of the whole pod."""

    host_ip: str
    pod_ip: str = ""
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    health: Mapping[str, Health] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    runtime: str = "docker"
    over: bool = False
    failure: Failure | None = None
    resize: ResizeState = UNCHANGED


def pod_status(pod: Object, observed: ObservedPod, now: datetime, facts: StatusFacts) -> Object:
    """The whole new v1.PodStatus. A pod that has succeeded or failed keeps its phase."""
    before = pod.get("status") or {}
    entries = _entries(pod, observed, facts)
    restart = restart_condition(pod, observed)
    phase = _phase(pod, entries, facts, restarting=restart is not None and restart[0])
    status: Object = {
        key: value for key, value in before.items() if key not in ("conditions", *entries)
    }
    status["phase"] = phase
    if facts.failure and phase == "Failed":
        status["reason"], status["message"] = facts.failure.reason, facts.failure.message
    status["observedGeneration"] = get_path(pod, "metadata", "generation", default=1)
    status["hostIP"] = facts.host_ip
    status["hostIPs"] = [{"ip": facts.host_ip}]
    _set_address(status, facts.host_ip if uses_host_network(pod) else facts.pod_ip)
    status.setdefault("startTime", format_time(now))
    status["qosClass"] = qos_class(pod)
    networked = not facts.over and _has_network(pod, observed, status)
    status["conditions"] = _conditions(pod, networked, status, entries, format_time(now))
    _tell_resize(pod, status, facts.resize, format_time(now))
    if restart is not None:
        _tell_restart(pod, status, restart, format_time(now))
    if facts.failure and facts.failure.disrupted:
        _add_disruption(status, facts.failure.message, format_time(now))
    for name, values in entries.items():
        if values or name == "containerStatuses":
            status[name] = values
    return status


def _entries(pod: Object, observed: ObservedPod, facts: StatusFacts) -> dict[str, list[Entry]]:
    known = ContainerFacts(
        waiting=facts.waiting,
        health=facts.health,
        messages=facts.messages,
        runtime=facts.runtime,
        over=facts.over,
        behind=facts.resize.behind,
        message_bytes=_POD_MESSAGE_BYTES // len(members_of(pod, "init", "sidecar", "main")),
    )

    def of(*roles: Any) -> list[Entry]:
        return [container_entry(pod, member, observed, known) for member in members_of(pod, *roles)]

    return {
        "initContainerStatuses": of("init", "sidecar"),
        "containerStatuses": of("main"),
        "ephemeralContainerStatuses": of("ephemeral"),
    }


def _set_address(status: Object, ip: str) -> None:
    if ip:
        status["podIP"] = ip
        status["podIPs"] = [{"ip": ip}]


# -- phase ---------------------------------------------------------------------------------------


def _phase(
    pod: Object, entries: dict[str, list[Entry]], facts: StatusFacts, *, restarting: bool
) -> str:
    if is_finished(pod):
        return phase_of(pod)
    if facts.over and facts.failure:
        return "Failed"
    if not restarting and _init_failed(pod, entries["initContainerStatuses"]):
        return "Failed" if facts.over else "Pending"
    if facts.over:
        return _final_phase(entries["containerStatuses"])
    if restarting:
        return "Pending"
    return _living_phase(pod, entries)


def _init_failed(pod: Object, entries: list[Entry]) -> bool:
    codes = {entry["name"]: _exit_code(entry) for entry in entries}
    return any(
        code and not comes_back_after(pod, member.container, code)
        for member in members_of(pod, "init")
        for code in (codes.get(member.name),)
    )


def _final_phase(entries: list[Entry]) -> str:
    return "Succeeded" if all(_exit_code(entry) == 0 for entry in entries) else "Failed"


def _living_phase(pod: Object, entries: dict[str, list[Entry]]) -> str:
    mains = entries["containerStatuses"]
    if any(_never_ran(entry) for entry in mains):
        return "Pending"
    if any("running" in entry["state"] for entry in mains):
        return "Running"
    if any("running" in entry["state"] for entry in entries["initContainerStatuses"]):
        return "Running"
    containers = {member.name: member.container for member in members_of(pod, "main")}
    codes = {entry["name"]: _exit_code(entry) for entry in mains}
    if any(
        code is None or comes_back_after(pod, containers[name], code)
        for name, code in codes.items()
    ):
        return "Running"
    return "Failed" if any(codes.values()) else "Succeeded"


def _never_ran(entry: Entry) -> bool:
    return "waiting" in entry["state"] and "terminated" not in entry["lastState"]


def _exit_code(entry: Entry) -> int | None:
    code = get_path(entry, "state", "terminated", "exitCode")
    return None if code is None else int(code)


# -- conditions ----------------------------------------------------------------------------------


def _conditions(
    pod: Object, networked: bool, status: Object, entries: dict[str, list[Entry]], now: str
) -> list[Object]:
    phase = status["phase"]
    old = {c.get("type"): c for c in get_path(pod, "status", "conditions", default=[])}
    containers_ready = _containers_ready(pod, phase, entries)
    own = {
        "PodReadyToStartContainers": (networked, "", ""),
        "Initialized": _initialized(pod, phase, entries),
        "Ready": _ready(pod, containers_ready, old),
        "ContainersReady": containers_ready,
        "PodScheduled": (True, "", ""),
    }
    result = [_condition(type_, *own[type_], old.get(type_), now) for type_ in _OWN_CONDITIONS]
    for condition in result:
        condition["observedGeneration"] = status["observedGeneration"]
    return [*(c for type_, c in old.items() if type_ not in own), *result]


def _add_disruption(status: Object, message: str, now: str) -> None:
    """What tells a Job's podFailurePolicy that the pod itself is not to blame (KEP-3329)."""
    old = {condition["type"]: condition for condition in status["conditions"]}
    reason = "TerminationByKubelet"
    found = _condition("DisruptionTarget", True, reason, message, old.get("DisruptionTarget"), now)
    found["observedGeneration"] = status["observedGeneration"]
    others = [one for type_, one in old.items() if type_ != "DisruptionTarget"]
    status["conditions"] = [found, *others]


def _tell_resize(pod: Object, status: Object, resize: ResizeState, now: str) -> None:
    """The condition that holds, and neither when all have what they ask for (KEP-1287)."""
    old = {c.get("type"): c for c in get_path(pod, "status", "conditions", default=[])}
    kept = [c for c in status["conditions"] if c.get("type") not in RESIZE_CONDITIONS]
    if resize.condition is not None and not is_finished(pod):
        type_, reason, message = resize.condition
        found = _condition(type_, True, reason, message, old.get(type_), now)
        found["observedGeneration"] = status["observedGeneration"]
        kept.append(found)
    status["conditions"] = kept


def _tell_restart(pod: Object, status: Object, restart: tuple[bool, str, str], now: str) -> None:
    """Whether all containers are being restarted, for a pod that may do it."""
    old = {c.get("type"): c for c in get_path(pod, "status", "conditions", default=[])}
    holds = restart[0] and status["phase"] == "Pending"
    told = restart[1:] if holds else ("", "")
    found = _condition(RESTARTING, holds, *told, old.get(RESTARTING), now)
    found["observedGeneration"] = status["observedGeneration"]
    kept = [c for c in status["conditions"] if c.get("type") != RESTARTING]
    status["conditions"] = [*kept, found]


def _condition(
    type_: str, holds: bool, reason: str, message: str, old: Mapping[str, Any] | None, now: str
) -> Object:
    value = "True" if holds else "False"
    changed = now if old is None or old.get("status") != value else old.get("lastTransitionTime")
    condition: Object = {
        "type": type_,
        "status": value,
        "lastTransitionTime": changed or now,
    }
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition


def _has_network(pod: Object, observed: ObservedPod, status: Object) -> bool:
    sandbox = running_sandbox(observed)
    return sandbox is not None and bool(status.get("podIP") or uses_host_network(pod))


def _initialized(pod: Object, phase: str, entries: dict[str, list[Entry]]) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return True, "PodCompleted", ""
    sidecars = {member.name for member in members_of(pod, "sidecar")}
    missing = [
        entry["name"]
        for entry in entries["initContainerStatuses"]
        if not (entry["started"] if entry["name"] in sidecars else _exit_code(entry) == 0)
    ]
    # Once a main container has run, a sidecar that restarts undoes nothing.
    ran = any("waiting" not in entry["state"] for entry in entries["containerStatuses"])
    if missing and not ran:
        names = " ".join(missing)
        return False, "ContainersNotInitialized", f"containers with incomplete status: [{names}]"
    return True, "", ""


def _containers_ready(
    pod: Object, phase: str, entries: dict[str, list[Entry]]
) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return False, "PodCompleted", ""
    if phase == "Failed":
        return False, "PodFailed", ""
    sidecars = {member.name for member in members_of(pod, "sidecar")}
    counted = [e for e in entries["initContainerStatuses"] if e["name"] in sidecars]
    counted += entries["containerStatuses"]
    unready = [entry["name"] for entry in counted if not entry["ready"]]
    if unready:
        message = f"containers with unready status: [{' '.join(unready)}]"
        return False, "ContainersNotReady", message
    return True, "", ""


def _ready(
    pod: Object, containers_ready: tuple[bool, str, str], conditions: Mapping[str, Any]
) -> tuple[bool, str, str]:
    if not containers_ready[0]:
        return containers_ready
    for gate in get_path(pod, "spec", "readinessGates", default=[]):
        type_ = gate["conditionType"]
        if (conditions.get(type_) or {}).get("status") != "True":
            message = f'corresponding condition of pod readiness gate "{type_}" does not exist.'
            if type_ in conditions:
                message = f'the status of pod readiness gate "{type_}" is not "True"'
            return False, "ReadinessGatesNotReady", message
    return True, "", ""
