"""When a container that ended may start again: at once the first time, then after 10 s, doubling to
300 s, forgotten once it has run for ten minutes (kubelet's `doBackOff`).

Nothing is kept in memory: each container carries the delay that came before it as an annotation, so
the row goes on where it was after a restart of the daemon.
"""

from collections.abc import Mapping
from datetime import timedelta

from minikube_py.container_runtime.interface import ObservedContainer, ObservedPod
from minikube_py.kubelet.facts import Restart, attempts_of, finished_at, has_ended
from minikube_py.kubelet.podspec import annotation, members
from minikube_py.meta.objects import Object

DELAY_ANNOTATION = "restart-delay"
"""On a container: the seconds of back-off before it; missing on a first start."""
LIMIT_ANNOTATION = "mk.dev/restart-backoff"
"""On a pod: the longest back-off, `5`, `500ms` or `5s`, for development."""

_FIRST_DELAY = 10.0
_LONGEST_DELAY = 300.0
_CALM_SECONDS = 600.0


def restarts(pod: Object, observed: ObservedPod) -> Mapping[str, Restart]:
    """When each container that has ended may start again, by name."""
    limit = _limit(pod)
    found: dict[str, Restart] = {}
    for member in members(pod):
        latest = next(iter(attempts_of(observed, member.name)), None)
        if latest is not None and has_ended(latest):
            found[member.name] = next_restart(latest, member.hash, limit=limit)
    return found


def next_restart(
    ended: ObservedContainer, wanted_hash: str, *, limit: float = _LONGEST_DELAY
) -> Restart:
    """A container made from another spec owes no wait to the one before it."""
    end = finished_at(ended)
    if ended.spec_hash and ended.spec_hash != wanted_hash:
        return Restart(end, 0.0)
    delay = min(_next_delay(ended), limit)
    return Restart(end + timedelta(seconds=delay), delay)


def _next_delay(ended: ObservedContainer) -> float:
    waited = ended.annotations.get(DELAY_ANNOTATION)
    ran = (finished_at(ended) - ended.created_at).total_seconds()
    if waited is None or ran > _CALM_SECONDS:
        return 0.0
    return max(_FIRST_DELAY, min(float(waited) * 2, _LONGEST_DELAY))


def _limit(pod: Object) -> float:
    text = annotation(pod, LIMIT_ANNOTATION)
    if text is None:
        return _LONGEST_DELAY
    try:
        if text.endswith("ms"):
            return float(text[:-2]) / 1000
        return float(text.removesuffix("s"))
    except ValueError:
        return _LONGEST_DELAY
