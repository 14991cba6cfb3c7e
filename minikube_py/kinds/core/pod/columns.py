"""The columns of `kubectl get pods` (printers/internalversion: printPod)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from minikube_py.kinds.columns import AGE, NAME, NONE, age_of, from_object, from_path
from minikube_py.kinds.kind import Column
from minikube_py.meta.objects import Object, get_path, is_condition_true, is_deleting

_TERMINAL = ("Succeeded", "Failed")


@dataclass
class _Summary:
    """What READY, STATUS and RESTARTS show; built up container by container."""

    reason: str
    total: int
    ready: int = 0
    restarts: int = 0
    last_restart: str = ""

    def count_restarts(self, status: Mapping[str, Any]) -> None:
        self.restarts += status.get("restartCount") or 0
        finished = get_path(status, "lastState", "terminated", "finishedAt", default="")
        self.last_restart = max(self.last_restart, finished)


def _summarize(pod: Object) -> _Summary:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    sidecars = _sidecar_names(spec)
    summary = _Summary(
        reason=status.get("reason") or status.get("phase") or "",
        total=len(spec.get("containers") or []) + len(sidecars),
    )
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            summary.reason = "SchedulingGated"
    sidecar_counts = _Summary(reason="", total=0)
    initializing = _add_init_containers(pod, summary, sidecar_counts, sidecars)
    if not initializing or is_condition_true(pod, "Initialized"):
        summary.restarts = sidecar_counts.restarts
        summary.last_restart = sidecar_counts.last_restart
        _add_containers(pod, summary)
    if is_deleting(pod) and status.get("reason") == "NodeLost":
        summary.reason = "Unknown"
    elif is_deleting(pod) and status.get("phase") not in _TERMINAL:
        summary.reason = "Terminating"
    return summary


def _sidecar_names(spec: Mapping[str, Any]) -> set[str]:
    containers = spec.get("initContainers") or []
    return {one.get("name") or "" for one in containers if one.get("restartPolicy") == "Always"}


def _add_init_containers(
    pod: Object, summary: _Summary, sidecar_counts: _Summary, sidecars: set[str]
) -> bool:
    """Adds them up to the first unfinished one; returns whether there is one."""
    total = len(get_path(pod, "spec", "initContainers", default=[]))
    for index, status in enumerate(get_path(pod, "status", "initContainerStatuses", default=[])):
        summary.count_restarts(status)
        is_sidecar = status.get("name") in sidecars
        if is_sidecar:
            sidecar_counts.count_restarts(status)
        if get_path(status, "state", "terminated", "exitCode") == 0:
            continue
        if is_sidecar and status.get("started"):
            summary.ready += bool(status.get("ready"))
            continue
        summary.reason = f"Init:{_init_reason(status, index, total)}"
        return True
    return False


def _init_reason(status: Mapping[str, Any], index: int, total: int) -> str:
    state = status.get("state") or {}
    if state.get("terminated"):
        return _terminated_reason(state["terminated"])
    waiting = get_path(state, "waiting", "reason", default="")
    if waiting and waiting != "PodInitializing":
        return str(waiting)
    return f"{index}/{total}"


def _terminated_reason(terminated: Mapping[str, Any]) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _add_containers(pod: Object, summary: _Summary) -> None:
    has_running = False
    for status in reversed(get_path(pod, "status", "containerStatuses", default=[])):
        summary.count_restarts(status)
        state = status.get("state") or {}
        waiting = get_path(state, "waiting", "reason")
        if waiting:
            summary.reason = waiting
        elif state.get("terminated"):
            summary.reason = _terminated_reason(state["terminated"])
        elif status.get("ready") and state.get("running") is not None:
            has_running = True
            summary.ready += 1
    if summary.reason == "Completed" and has_running:
        summary.reason = "Running" if is_condition_true(pod, "Ready") else "NotReady"


def _ready(pod: Object) -> str:
    summary = _summarize(pod)
    return f"{summary.ready}/{summary.total}"


def _status(pod: Object) -> str:
    return _summarize(pod).reason


def _restarts(pod: Object, now: datetime) -> str:
    summary = _summarize(pod)
    if summary.restarts and summary.last_restart:
        return f"{summary.restarts} ({age_of(summary.last_restart, now)} ago)"
    return str(summary.restarts)


def _readiness_gates(pod: Object) -> str:
    gates = get_path(pod, "spec", "readinessGates", default=[])
    if not gates:
        return NONE
    met = sum(is_condition_true(pod, gate.get("conditionType", "")) for gate in gates)
    return f"{met}/{len(gates)}"


def _pod_ip(pod: Object) -> str:
    first = get_path(pod, "status", "podIPs", 0, "ip")
    return str(first or get_path(pod, "status", "podIP", default=NONE))


COLUMNS = (
    NAME,
    Column(
        "Ready",
        from_object(_ready),
        description="The aggregate readiness state of this pod for accepting traffic.",
    ),
    Column(
        "Status",
        from_object(_status),
        description="The aggregate status of the containers in this pod.",
    ),
    Column(
        "Restarts",
        _restarts,
        description="How often the containers in this pod have been restarted, and when last.",
    ),
    AGE,
    Column("IP", from_object(_pod_ip), priority=1, description="Address of the pod."),
    Column(
        "Node",
        from_path("spec", "nodeName", default=NONE),
        priority=1,
        description="Name of the node that the pod runs on.",
    ),
    Column(
        "Nominated Node",
        from_path("status", "nominatedNodeName", default=NONE),
        priority=1,
        description="The node that others are evicted from to make room for the pod.",
    ),
    Column(
        "Readiness Gates",
        from_object(_readiness_gates),
        priority=1,
        description="How many of the pod's readiness gates are met.",
    ),
)
