"""What a PodDisruptionBudget's status says of the pods it selects. Pure.

Rules of pkg/controller/disruption: pods on their way out count for nothing, and a pod that was just
evicted counts as gone until it is, or for two minutes if nobody deletes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from minikube_py.meta.objects import (
    Object,
    find_condition,
    get_path,
    is_condition_true,
    is_deleting,
    name_of,
    with_condition,
)
from minikube_py.meta.timestamps import format_time, parse_time

DELETION_TIMEOUT = timedelta(minutes=2)


@dataclass(frozen=True)
class Expected:
    """`pods`: how many there should be; `healthy`: how many of them have to stay."""

    pods: int
    healthy: int


@dataclass(frozen=True)
class Disrupted:
    """Evicted pods that are still to go, with the time of their eviction; those that nobody
    deleted are `forgotten`.
    """

    pods: Mapping[str, str]
    forgotten: Sequence[Object]
    next_look: datetime | None


def needs_scale(budget: Object) -> bool:
    """Whether its bound is relative to what the pods' owners ask for."""
    spec = budget.get("spec") or {}
    return spec.get("maxUnavailable") is not None or isinstance(spec.get("minAvailable"), str)


def expected(budget: Object, pods: int, scale: int) -> Expected:
    """`scale` is the sum of what the pods' owners ask for; percentages are rounded up."""
    spec = budget.get("spec") or {}
    if (most_missing := spec.get("maxUnavailable")) is not None:
        return Expected(scale, max(0, scale - _scaled(most_missing, scale)))
    least = spec.get("minAvailable")
    if isinstance(least, str):
        return Expected(scale, _scaled(least, scale))
    return Expected(pods, least or 0)


def disrupted(budget: Object, pods: Iterable[Object], now: datetime) -> Disrupted:
    remembered = get_path(budget, "status", "disruptedPods", default={})
    kept, forgotten, looks = {}, [], []
    for pod in pods:
        at = remembered.get(name_of(pod))
        if at is None or is_deleting(pod):
            continue
        due = parse_time(at) + DELETION_TIMEOUT
        if due < now:
            forgotten.append(pod)
        else:
            kept[name_of(pod)] = at
            looks.append(due)
    return Disrupted(kept, forgotten, min(looks, default=None))


def budget_status(
    budget: Object, pods: Sequence[Object], wanted: Expected, now: datetime
) -> dict[str, Any]:
    """The whole new status, with other conditions kept."""
    gone = disrupted(budget, pods, now).pods
    healthy = sum(
        is_condition_true(pod, "Ready") and not is_deleting(pod) and name_of(pod) not in gone
        for pod in pods
    )
    allowed = max(0, healthy - wanted.healthy) if wanted.pods > 0 else 0
    status: dict[str, Any] = {
        "currentHealthy": healthy,
        "desiredHealthy": wanted.healthy,
        "expectedPods": wanted.pods,
        "disruptionsAllowed": allowed,
        "observedGeneration": get_path(budget, "metadata", "generation", default=0),
    }
    if gone:
        status["disruptedPods"] = dict(gone)
    reason = "SufficientPods" if allowed else "InsufficientPods"
    status["conditions"] = _conditions(budget, allowed > 0, reason, "", now)
    return status


def failed_status(budget: Object, why: str, now: datetime) -> dict[str, Any]:
    """Nothing may go while nobody can tell how many there should be."""
    return {
        **(budget.get("status") or {}),
        "disruptionsAllowed": 0,
        "observedGeneration": get_path(budget, "metadata", "generation", default=0),
        "conditions": _conditions(budget, False, "SyncFailed", why, now),
    }


def stale_disruption(pod: Object, now: datetime) -> timedelta | None:
    """Until the pod's DisruptionTarget condition is untrue, as nobody deleted the pod; None when
    it has none, or was deleted.
    """
    condition = find_condition(pod, "DisruptionTarget")
    ended = get_path(pod, "status", "phase") in ("Succeeded", "Failed")
    if condition is None or condition.get("status") != "True" or is_deleting(pod) or ended:
        return None
    since = condition.get("lastTransitionTime")
    return (parse_time(since) if since else now) + DELETION_TIMEOUT - now


def _conditions(
    budget: Object, allowed: bool, reason: str, message: str, now: datetime
) -> list[Object]:
    condition = {
        "type": "DisruptionAllowed",
        "status": "True" if allowed else "False",
        "reason": reason,
        "message": message,
        "observedGeneration": get_path(budget, "metadata", "generation", default=0),
    }
    listed = get_path(budget, "status", "conditions", default=[])
    return with_condition(listed, condition, now=format_time(now))


def _scaled(value: int | str, total: int) -> int:
    if isinstance(value, int):
        return value
    return -(-int(value.removesuffix("%")) * total // 100)
