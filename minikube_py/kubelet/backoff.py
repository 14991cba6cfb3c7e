"""When a container that ended may start again: at once the first time, then after 10 s, doubling to
300 s, forgotten once it has run for ten minutes (kubelet's `doBackOff`).

Nothing is kept in memory: each container carries the delay that came before it as an annotation, so
the row goes on where it was after a restart of the daemon.
"""

from collections.abc import Mapping
from datetime import timedelta

from minikube_py.container_runtime.interface import ObservedContainer, ObservedPod
from minikube_py.kinds.dev_annotations import LEAST_BACKOFF, LONGEST_BACKOFF, RESTART_BACKOFF
from minikube_py.kubelet.facts import (
    Restart,
    attempts_of,
    finished_at,
    has_ended,
    is_asked_to_restart,
)
from minikube_py.kubelet.podspec import members
from minikube_py.kubelet.restart_all import next_restart_of_all, restarts_all
from minikube_py.meta.durations import parse_duration
from minikube_py.meta.objects import Object, annotations_of

DELAY_ANNOTATION = "restart-delay"
"""On a container: the seconds of back-off before it; missing on a first start."""

_FIRST_DELAY = 10.0
_LONGEST_DELAY = LONGEST_BACKOFF
_CALM_SECONDS = 600.0


def restarts(
    pod: Object, observed: ObservedPod, *, namespace: Object | None = None
) -> Mapping[str, Restart]:
    """When each container that has ended may start again, by name."""
    limit = longest_back_off(pod, namespace)
    found: dict[str, Restart] = {}
    for member in members(pod):
        latest = next(iter(attempts_of(observed, member.name)), None)
        if latest is not None and has_ended(latest):
            restart = next_restart(latest, member.hash, limit=limit)
            if restarts_all(member, latest):
                restart = next_restart_of_all(latest, limit)
            if is_asked_to_restart(pod, latest):
                restart = Restart(finished_at(latest), 0.0)
            found[member.name] = restart
    return found


def longest_back_off(pod: Object, namespace: Object | None) -> float:
    """Seconds, as the pod says, else its namespace."""
    for holder in (pod, namespace or {}):
        text = annotations_of(holder).get(RESTART_BACKOFF)
        if text is not None:
            return _seconds(text)
    return _LONGEST_DELAY


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


def _seconds(text: str) -> float:
    try:
        return max(LEAST_BACKOFF, min(parse_duration(text), _LONGEST_DELAY))
    except ValueError:  # of an object that is older than the check
        return _LONGEST_DELAY
