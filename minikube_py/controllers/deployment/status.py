"""What a Deployment says of itself: counts, and the conditions Available, Progressing and
ReplicaFailure.

Pure. Reasons and messages are Kubernetes' own, since `kubectl rollout status` and tools read them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from minikube_py.controllers.deployment.rollout import Bounds, replicas_of
from minikube_py.meta.objects import Object, find_condition, get_path, name_of
from minikube_py.meta.timestamps import format_time, parse_time

_NO_DEADLINE = 2**31 - 1
_COMPLETE = "NewReplicaSetAvailable"
_TIMED_OUT = "ProgressDeadlineExceeded"


@dataclass(frozen=True)
class Observed:
    """`steers`: a rollout may go on, so progress is judged (not while paused or only scaled)."""

    deployment: Object
    new: Object | None
    everyone: Sequence[Object]
    bounds: Bounds
    now: datetime
    steers: bool
    created: bool = False
    create_failure: str = ""


def deployment_status(observed: Observed) -> Object:
    """The whole status; fields nobody here owns are kept."""
    old_status = observed.deployment.get("status") or {}
    counts = _counts(observed)
    conditions = _with_availability(observed, counts, list(old_status.get("conditions") or []))
    conditions = _with_pause(observed, conditions)
    if observed.steers and not is_paused(observed.deployment):
        conditions = _with_progress(observed, counts, conditions)
        conditions = _with_failure(observed, conditions)
    owned = {*_COUNTS, "conditions"}
    kept = {key: value for key, value in old_status.items() if key not in owned}
    return {
        **kept,
        **{key: value for key, value in counts.items() if value},
        "conditions": conditions,
    }


def is_paused(deployment: Object) -> bool:
    return bool(get_path(deployment, "spec", "paused"))


def is_complete(deployment: Object, status: Object) -> bool:
    """All pods are of the new revision and available, and none of an old one is left."""
    desired = replicas_of(deployment)
    return all(
        status.get(field, 0) == desired
        for field in ("replicas", "updatedReplicas", "availableReplicas")
    ) and status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)


def seconds_to_deadline(deployment: Object, status: Object, now: datetime) -> float | None:
    """When to look again whether progress stopped; None when there is nothing to wait for."""
    deadline = _deadline(deployment)
    progressing = find_condition({"status": status}, "Progressing")
    if deadline is None or progressing is None or is_complete(deployment, status):
        return None
    if progressing.get("reason") in (_COMPLETE, _TIMED_OUT):
        return None
    started = progressing.get("lastUpdateTime") or progressing.get("lastTransitionTime")
    if not started or is_paused(deployment):
        return None
    left = (parse_time(started) + timedelta(seconds=deadline) - now).total_seconds()
    return max(1.0, left + 1.0)


_COUNTS = (
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
)


def _counts(observed: Observed) -> dict[str, int]:
    def total(field: str) -> int:
        return sum(get_path(rs, "status", field, default=0) for rs in observed.everyone)

    wanted = sum(replicas_of(rs) for rs in observed.everyone)
    available = total("availableReplicas")
    new = observed.new
    return {
        "observedGeneration": get_path(observed.deployment, "metadata", "generation", default=0),
        "replicas": total("replicas"),
        "updatedReplicas": get_path(new, "status", "replicas", default=0) if new else 0,
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
    }


def _with_availability(
    observed: Observed, counts: dict[str, int], conditions: list[Object]
) -> list[Object]:
    if counts["availableReplicas"] >= observed.bounds.fewest_available:
        return _set(
            conditions,
            "Available",
            "True",
            ("MinimumReplicasAvailable", "Deployment has minimum availability."),
            observed.now,
        )
    return _set(
        conditions,
        "Available",
        "False",
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
        observed.now,
    )


def _with_pause(observed: Observed, conditions: list[Object]) -> list[Object]:
    if _deadline(observed.deployment) is None:
        return [each for each in conditions if each["type"] != "Progressing"]
    current = find_condition({"status": {"conditions": conditions}}, "Progressing") or {}
    reason = current.get("reason")
    paused = is_paused(observed.deployment)
    if reason == _TIMED_OUT:
        return conditions
    if paused and reason != "DeploymentPaused":
        why = ("DeploymentPaused", "Deployment is paused")
        return _set(conditions, "Progressing", "Unknown", why, observed.now)
    if not paused and reason == "DeploymentPaused":
        why = ("DeploymentResumed", "Deployment is resumed")
        return _set(conditions, "Progressing", "Unknown", why, observed.now)
    return conditions


def _with_progress(
    observed: Observed, counts: dict[str, int], conditions: list[Object]
) -> list[Object]:
    if _deadline(observed.deployment) is None:
        return conditions
    current = find_condition({"status": {"conditions": conditions}}, "Progressing") or {}
    subject = _subject(observed)
    if observed.create_failure:
        why = ("ReplicaSetCreateError", observed.create_failure)
        return _set(conditions, "Progressing", "False", why, observed.now)
    settled = counts["replicas"] == counts["updatedReplicas"] and current.get("reason") == _COMPLETE
    if settled and not observed.created:
        return conditions
    if is_complete(observed.deployment, counts):
        why = (_COMPLETE, f"{subject} has successfully progressed.")
        return _set(conditions, "Progressing", "True", why, observed.now)
    if observed.created and observed.new is not None:
        why = ("NewReplicaSetCreated", f'Created new replica set "{name_of(observed.new)}"')
        return _set(conditions, "Progressing", "True", why, observed.now)
    if not current and observed.new is not None:
        why = ("FoundNewReplicaSet", f'Found new replica set "{name_of(observed.new)}"')
        return _set(conditions, "Progressing", "True", why, observed.now)
    if _has_progressed(observed, counts):
        why = ("ReplicaSetUpdated", f"{subject} is progressing.")
        return _set(conditions, "Progressing", "True", why, observed.now, touch=True)
    if _is_timed_out(observed, current):
        why = (_TIMED_OUT, f"{subject} has timed out progressing.")
        return _set(conditions, "Progressing", "False", why, observed.now)
    return conditions


def _with_failure(observed: Observed, conditions: list[Object]) -> list[Object]:
    """The ReplicaSets' own word on why they cannot make pods, the new one's first."""
    ordered = [*([observed.new] if observed.new else []), *observed.everyone]
    for replica_set in ordered:
        failure = find_condition(replica_set, "ReplicaFailure")
        if failure is not None and failure.get("status") == "True":
            why = (failure.get("reason", ""), failure.get("message", ""))
            return _set(conditions, "ReplicaFailure", "True", why, observed.now)
    return [each for each in conditions if each["type"] != "ReplicaFailure"]


def _has_progressed(observed: Observed, counts: dict[str, int]) -> bool:
    """More new pods, fewer old ones, more ready or more available than we last said."""
    before = observed.deployment.get("status") or {}
    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    old_now = counts["replicas"] - counts["updatedReplicas"]
    return old_now < old_before or any(
        counts[field] > before.get(field, 0)
        for field in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )


def _is_timed_out(observed: Observed, progressing: Object) -> bool:
    deadline = _deadline(observed.deployment)
    started = progressing.get("lastUpdateTime") or progressing.get("lastTransitionTime")
    if deadline is None or not started or progressing.get("reason") == _COMPLETE:
        return False
    return observed.now >= parse_time(started) + timedelta(seconds=deadline)


def _deadline(deployment: Object) -> int | None:
    """Seconds without progress before it counts as failed."""
    seconds = get_path(deployment, "spec", "progressDeadlineSeconds")
    return None if seconds is None or seconds >= _NO_DEADLINE else int(seconds)


def _subject(observed: Observed) -> str:
    if observed.new is not None:
        return f'ReplicaSet "{name_of(observed.new)}"'
    return f'Deployment "{name_of(observed.deployment)}"'


def _set(
    conditions: list[Object],
    type_: str,
    status: str,
    why: tuple[str, str],
    now: datetime,
    *,
    touch: bool = False,
) -> list[Object]:
    """Unchanged when status and reason are (unless `touch`): lastUpdateTime means progress."""
    reason, message = why
    current = find_condition({"status": {"conditions": conditions}}, type_)
    same_status = current is not None and current.get("status") == status
    if current and same_status and current.get("reason") == reason and not touch:
        return conditions
    changed_at = current.get("lastTransitionTime") if current and same_status else None
    new = {
        "type": type_,
        "status": status,
        "lastUpdateTime": format_time(now),
        "lastTransitionTime": changed_at or format_time(now),
        "reason": reason,
        "message": message,
    }
    if current is None:
        return [*conditions, new]
    return [new if each["type"] == type_ else each for each in conditions]
