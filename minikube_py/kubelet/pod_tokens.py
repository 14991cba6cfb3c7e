"""The ServiceAccount tokens that pods' files show: bound to their Pod, and renewed in good time
(kubelet's pkg/kubelet/token).

Kept in memory only: after a restart of the daemon every running pod gets a fresh one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from minikube_py.kubelet.projections import ProjectionProblem
from minikube_py.meta.errors import ApiError
from minikube_py.meta.objects import Object, get_path, name_of, namespace_of, uid_of
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.service_account_tokens import BoundObject, IssuedToken

_SHORTEST = 600
_DEFAULT_SECONDS = 3600
_LONGEST_USE = timedelta(hours=24)
_RETRY = timedelta(minutes=1)


class TokenSource(Protocol):
    def issue(
        self,
        namespace: str,
        name: str,
        *,
        audiences: Sequence[str] = (),
        expiration_seconds: int = 3600,
        bound: BoundObject | None = None,
    ) -> IssuedToken:
        """Raises ApiError."""
        ...


@dataclass(frozen=True)
class _Held:
    token: str
    expires: datetime
    renew_at: datetime


_Wish = tuple[str, int]
"""(audience, seconds)."""


class PodTokens:
    def __init__(self, source: TokenSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._held: dict[str, dict[_Wish, _Held]] = {}
        self._not_before: dict[str, datetime] = {}

    def token(self, pod: Object, spec: Mapping[str, Any]) -> str:
        """For a serviceAccountToken source; raises ProjectionProblem when none can be had."""
        held = self._held.setdefault(uid_of(pod), {})
        wish, now = _wish(spec), self._clock()
        known = held.get(wish)
        if known is not None and now < known.renew_at:
            return known.token
        try:
            held[wish] = self._issued(pod, wish, now)
        except ApiError as error:
            self._not_before[uid_of(pod)] = now + _RETRY
            if known is None or now >= known.expires:
                raise ProjectionProblem(f"failed to fetch token: {error.message}") from error
            return known.token
        return held[wish].token

    def renew_at(self, pod: Object) -> datetime | None:
        """When the pod's files want a new token; None when they show none."""
        held = self._held.get(uid_of(pod), {})
        known = [held.get(_wish(spec)) for spec in token_sources(pod)]
        if not known:
            return None
        now = self._clock()
        earliest = min(each.renew_at if each else now for each in known)
        return max(earliest, self._not_before.get(uid_of(pod), earliest))

    def forget(self, pod_uid: str) -> None:
        self._held.pop(pod_uid, None)
        self._not_before.pop(pod_uid, None)

    def _issued(self, pod: Object, wish: _Wish, now: datetime) -> _Held:
        audience, seconds = wish
        issued = self._source.issue(
            namespace_of(pod),
            get_path(pod, "spec", "serviceAccountName") or "default",
            audiences=(audience,) if audience else (),
            expiration_seconds=seconds,
            bound=BoundObject("Pod", name_of(pod), uid_of(pod)),
        )
        # At four fifths of its life, and after a day at the latest.
        life = min((issued.expires - now) * 0.8, _LONGEST_USE)
        return _Held(issued.token, issued.expires, now + life)


def token_sources(pod: Object) -> Iterator[Mapping[str, Any]]:
    for volume in get_path(pod, "spec", "volumes", default=[]):
        for source in get_path(volume, "projected", "sources", default=[]):
            if source.get("serviceAccountToken"):
                yield source["serviceAccountToken"]


def _wish(spec: Mapping[str, Any]) -> _Wish:
    seconds = int(spec.get("expirationSeconds") or _DEFAULT_SECONDS)
    return spec.get("audience") or "", max(seconds, _SHORTEST)
