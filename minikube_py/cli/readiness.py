"""When an object is done, and what it waits for. Pure: `apply --wait`, `rollout status`, `status`.

Rules are those kubectl's `rollout status` and `wait` use; kinds without a rule are done at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minikube_py.meta.objects import Object, find_condition, get_path, is_deleting

_HOPELESS_WAITS = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "CrashLoopBackOff",
    "RunContainerError",
}


@dataclass(frozen=True)
class Readiness:
    """`why` says what is awaited, or what is reached; `failed` = waiting longer is no use."""

    ready: bool
    why: str
    failed: bool = False


def readiness(obj: Object) -> Readiness:
    rule = _RULES.get(str(obj.get("kind")))
    return rule(obj) if rule else Readiness(True, "exists")


def pod_state(pod: Object) -> str:
    """kubectl's STATUS column: the reason a person looks for first."""
    status = pod.get("status") or {}
    reason = status.get("reason") or status.get("phase") or "Unknown"
    for container in status.get("initContainerStatuses") or []:
        state = container.get("state") or {}
        ended = state.get("terminated") or {}
        if (ended and ended.get("exitCode") == 0) or (
            state.get("running") and container.get("ready")
        ):
            continue
        word = ended.get("reason") or get_path(state, "waiting", "reason", default="")
        if word and word != "PodInitializing":
            return f"Init:{word}"
        if not ended and status.get("phase") == "Pending":
            return "Init"
    for container in status.get("containerStatuses") or []:
        state = container.get("state") or {}
        word = get_path(state, "waiting", "reason") or get_path(state, "terminated", "reason")
        if word and not (reason == "Running" and word == "Completed"):
            reason = word
    return "Terminating" if is_deleting(pod) else str(reason)


def pod_problem(pod: Object) -> str | None:
    """Why a Pod is not ready, with the message behind the state; None for one that is fine."""
    if get_path(pod, "status", "phase") == "Succeeded" or is_deleting(pod):
        return None
    ready = find_condition(pod, "Ready")
    if ready and ready.get("status") == "True":
        return None
    state = pod_state(pod)
    message = _waiting_message(pod)
    if not message:
        scheduled = find_condition(pod, "PodScheduled")
        if scheduled and scheduled.get("status") == "False":
            message = scheduled.get("message", "")
    if not message and state == "Running":
        message = (ready or {}).get("message") or "not ready yet"
    return f"{state}: {message}" if message else state


def _waiting_message(pod: Object) -> str:
    status = pod.get("status") or {}
    for group in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(group) or []:
            message = get_path(container, "state", "waiting", "message") or get_path(
                container, "state", "terminated", "message"
            )
            if message:
                return f"{container.get('name')}: {message}"
    return str(status.get("message") or "")


def _pod(pod: Object) -> Readiness:
    problem = pod_problem(pod)
    if problem is None:
        return Readiness(True, pod_state(pod))
    state = pod_state(pod)
    phase = get_path(pod, "status", "phase")
    return Readiness(False, problem, failed=phase == "Failed" or state == "InvalidImageName")


def is_hopeless(state: str) -> bool:
    """States that seldom heal by waiting; worth showing while a workload is not ready."""
    return state.removeprefix("Init:") in _HOPELESS_WAITS


def _observed(obj: Object) -> bool:
    generation = int(get_path(obj, "metadata", "generation", default=0))
    return int(get_path(obj, "status", "observedGeneration", default=0)) >= generation


def _number(obj: Object, *path: str, default: int = 0) -> int:
    return int(get_path(obj, *path, default=default))


def _deployment(obj: Object) -> Readiness:
    if not _observed(obj):
        return Readiness(False, "waiting for the spec to be observed")
    progressing = find_condition(obj, "Progressing")
    if progressing and progressing.get("reason") == "ProgressDeadlineExceeded":
        return Readiness(False, "exceeded its progress deadline", failed=True)
    wanted = _number(obj, "spec", "replicas", default=1)
    updated = _number(obj, "status", "updatedReplicas")
    total = _number(obj, "status", "replicas")
    available = _number(obj, "status", "availableReplicas")
    if updated < wanted:
        return Readiness(False, f"{updated} out of {wanted} new replicas have been updated")
    if total > updated:
        return Readiness(False, f"{total - updated} old replicas are pending termination")
    if available < updated:
        return Readiness(False, f"{available} of {updated} updated replicas are available")
    return Readiness(True, f"{available} of {wanted} replicas available")


def _stateful_set(obj: Object) -> Readiness:
    if not _observed(obj):
        return Readiness(False, "waiting for the spec to be observed")
    wanted = _number(obj, "spec", "replicas", default=1)
    ready = _number(obj, "status", "readyReplicas")
    if ready < wanted:
        return Readiness(False, f"{ready} of {wanted} pods are ready")
    if get_path(obj, "spec", "updateStrategy", "type") == "OnDelete":
        return Readiness(True, f"{ready} of {wanted} pods ready")
    partition = _number(obj, "spec", "updateStrategy", "rollingUpdate", "partition")
    updated = _number(obj, "status", "updatedReplicas")
    status = obj.get("status") or {}
    revisions = {status.get("updateRevision"), status.get("currentRevision")}
    if updated < wanted - partition or (not partition and len(revisions) > 1):
        return Readiness(False, f"{updated} of {wanted - partition} pods are updated")
    return Readiness(True, f"{ready} of {wanted} pods ready")


def _replica_set(obj: Object) -> Readiness:
    wanted = _number(obj, "spec", "replicas", default=1)
    ready = _number(obj, "status", "readyReplicas")
    return Readiness(_observed(obj) and ready >= wanted, f"{ready} of {wanted} pods are ready")


def _daemon_set(obj: Object) -> Readiness:
    if not _observed(obj):
        return Readiness(False, "waiting for the spec to be observed")
    wanted = _number(obj, "status", "desiredNumberScheduled")
    updated = _number(obj, "status", "updatedNumberScheduled")
    available = _number(obj, "status", "numberAvailable")
    done = updated >= wanted and available >= wanted
    return Readiness(done, f"{available} of {wanted} updated pods are available")


def _job(obj: Object) -> Readiness:
    failed = find_condition(obj, "Failed")
    if failed and failed.get("status") == "True":
        return Readiness(False, f"failed: {failed.get('message', '')}", failed=True)
    complete = find_condition(obj, "Complete")
    done = _number(obj, "status", "succeeded")
    wanted = _number(obj, "spec", "completions", default=1)
    ready = complete is not None and complete.get("status") == "True"
    return Readiness(ready, f"{done} of {wanted} completed")


def _phase(good: str) -> Callable[[Object], Readiness]:
    def rule(obj: Object) -> Readiness:
        phase = str(get_path(obj, "status", "phase", default="Pending"))
        return Readiness(phase == good, phase, failed=phase in ("Lost", "Failed"))

    return rule


def _claim(obj: Object) -> Readiness:
    """An unbound claim may wait for its first Pod; that is not this claim's fault."""
    phase = str(get_path(obj, "status", "phase", default="Pending"))
    return Readiness(phase in ("Bound", "Pending"), phase, failed=phase == "Lost")


def _ingress(obj: Object) -> Readiness:
    where: list[Any] = get_path(obj, "status", "loadBalancer", "ingress", default=[])
    address = ", ".join(str(entry.get("ip") or entry.get("hostname")) for entry in where)
    return Readiness(bool(where), address or "waiting for an address")


_RULES: dict[str, Callable[[Object], Readiness]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "ReplicaSet": _replica_set,
    "ReplicationController": _replica_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "Namespace": _phase("Active"),
    "PersistentVolumeClaim": _claim,
    "Ingress": _ingress,
}
