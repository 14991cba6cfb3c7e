"""ServiceAccount tokens: what Pods, and people with `kubectl create token`, show to the API.

A token is signed once and looked at again on every request: the account it speaks for and the Pod,
Secret or Node it is bound to must still be the very ones it was issued for, so deleting any of
them ends it at once. Claims are Kubernetes' (pkg/serviceaccount/claims.go), as are those of the
older tokens without an end that live in Secrets.
"""

import hmac
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from minikube_py.kinds.catalog import NODE, POD, SECRET, SERVICE_ACCOUNT
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import BadRequest, Conflict
from minikube_py.meta.objects import Object, get_path, name_of, namespace_of, uid_of
from minikube_py.meta.timestamps import Clock, parse_time
from minikube_py.meta.users import User
from minikube_py.resources.json_web_tokens import ALGORITHM, SigningKey
from minikube_py.resources.resources import Resources

LEGACY_ISSUER = "kubernetes/serviceaccount"
KUBELET_SECONDS = 3607
"""What kubelets ask for. Such a token lives a year, for programs that never read it again, and
says by `warnafter` when it should have been replaced.
"""
_YEAR_SECONDS = 365 * 24 * 3600
_LEEWAY = timedelta(seconds=60)
_USER = "system:serviceaccount:"
_GROUP = "system:serviceaccounts"
_EXTRA = "authentication.kubernetes.io/"
_REMEMBERED = 1024
_BOUND: Mapping[str, Kind] = {"Pod": POD, "Secret": SECRET, "Node": NODE}


@dataclass(frozen=True)
class BoundObject:
    """`kind` is Pod, Secret or Node; `uid` "" = whichever has the name now."""

    kind: str
    name: str
    uid: str = ""


@dataclass(frozen=True)
class IssuedToken:
    token: str
    expires: datetime


@dataclass(frozen=True)
class Reviewed:
    """`audiences`: those of the token that were asked for."""

    user: User
    audiences: tuple[str, ...]


class ServiceAccountTokens:
    """`issuer` is also the audience of this cluster's API."""

    def __init__(
        self,
        resources: Resources,
        key: SigningKey,
        *,
        issuer: str,
        clock: Clock,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self.issuer = issuer
        self.default_audience = issuer
        self._resources = resources
        self._key = key
        self._clock = clock
        self._new_id = new_id
        self._verified: OrderedDict[str, dict[str, Any]] = OrderedDict()

    # --- issuing ---------------------------------------------------------------------------------

    def issue(
        self,
        namespace: str,
        name: str,
        *,
        audiences: Sequence[str] = (),
        expiration_seconds: int = 3600,
        bound: BoundObject | None = None,
    ) -> IssuedToken:
        """Raises NotFound (account, bound object), BadRequest or Conflict (bound object)."""
        account = self._resources.get(SERVICE_ACCOUNT, namespace, name)
        now = self._clock()
        private: Object = {"namespace": namespace, "serviceaccount": _reference(account)}
        if bound is not None:
            private |= self._bound_claims(account, bound)
        lifetime = expiration_seconds
        if self._is_for_program(bound, audiences, expiration_seconds):
            private["warnafter"] = int(now.timestamp()) + expiration_seconds
            lifetime = _YEAR_SECONDS
        claims = {
            "aud": list(audiences) or [self.default_audience],
            "exp": int(now.timestamp()) + lifetime,
            "iat": int(now.timestamp()),
            "iss": self.issuer,
            "jti": self._new_id(),
            "kubernetes.io": private,
            "nbf": int(now.timestamp()),
            "sub": f"{_USER}{namespace}:{name}",
        }
        expires = now + timedelta(seconds=expiration_seconds)
        return IssuedToken(self._key.sign(claims), expires)

    def issue_legacy(self, account: Object, secret_name: str) -> str:
        """The token without an end that a Secret of type service-account-token holds."""
        namespace, name = namespace_of(account), name_of(account)
        prefix = "kubernetes.io/serviceaccount"
        claims = {
            "iss": LEGACY_ISSUER,
            f"{prefix}/namespace": namespace,
            f"{prefix}/secret.name": secret_name,
            f"{prefix}/service-account.name": name,
            f"{prefix}/service-account.uid": uid_of(account),
            "sub": f"{_USER}{namespace}:{name}",
        }
        return self._key.sign(claims)

    def _is_for_program(
        self, bound: BoundObject | None, audiences: Sequence[str], seconds: int
    ) -> bool:
        for_api = not audiences or set(audiences) == {self.default_audience}
        return bound is not None and bound.kind == "Pod" and seconds == KUBELET_SECONDS and for_api

    def _bound_claims(self, account: Object, bound: BoundObject) -> Object:
        kind = _BOUND.get(bound.kind)
        if kind is None:
            raise BadRequest(f"cannot bind token to object of type {bound.kind}")
        namespace = namespace_of(account) if kind.namespaced else None
        obj = self._resources.get(kind, namespace, bound.name)
        if bound.kind == "Pod" and get_path(obj, "spec", "serviceAccountName") != name_of(account):
            raise BadRequest(
                f'cannot bind token for serviceaccount "{name_of(account)}" to pod running with '
                "different serviceaccount name."
            )
        if bound.uid and bound.uid != uid_of(obj):
            raise Conflict.of(
                "",
                bound.kind,
                bound.name,
                f"the UID in the bound object reference ({bound.uid}) does not match the UID in "
                "record. The object might have been deleted and then recreated",
            )
        claims: Object = {bound.kind.lower(): _reference(obj)}
        node_name = get_path(obj, "spec", "nodeName") if bound.kind == "Pod" else None
        if node_name:
            node = self._resources.get_or_none(NODE, None, node_name)
            claims["node"] = _reference(node) if node else {"name": node_name}
        return claims

    # --- reviewing -------------------------------------------------------------------------------

    def review(self, token: str, audiences: Sequence[str] = ()) -> Reviewed | None:
        """None when the token is not, or no longer, valid for any of `audiences` (default: the
        API's own).
        """
        claims = self._claims(token)
        if claims is None:
            return None
        try:
            if claims.get("iss") == LEGACY_ISSUER:
                return self._review_legacy(token, claims, audiences)
            return self._review_bound(claims, audiences)
        except (
            TypeError,
            AttributeError,
            ValueError,
            OverflowError,
        ):  # signed by us, but not as a token
            return None

    def _claims(self, token: str) -> dict[str, Any] | None:
        """A signature never changes, so it is checked once; everything else each time."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._key.verified(token)
            if claims is not None:
                self._verified[token] = claims
                if len(self._verified) > _REMEMBERED:
                    self._verified.popitem(last=False)
        return claims

    def _review_bound(self, claims: Mapping[str, Any], audiences: Sequence[str]) -> Reviewed | None:
        now = self._clock()
        private = claims.get("kubernetes.io") or {}
        matching = _common(claims.get("aud") or (), audiences or (self.default_audience,))
        seconds, leeway = now.timestamp(), _LEEWAY.total_seconds()
        if claims.get("iss") != self.issuer or not matching:
            return None
        if seconds >= claims.get("exp", 0) or seconds + leeway < claims.get("nbf", 0):
            return None
        account = self._account(private.get("namespace"), private.get("serviceaccount") or {})
        if account is None or not self._bound_are_there(private, now):
            return None
        return Reviewed(_user_of(account, _extra(private, claims.get("jti"))), matching)

    def _bound_are_there(self, private: Mapping[str, Any], now: datetime) -> bool:
        """A Pod's node is only told; a node that a token is bound to must be there."""
        pod = private.get("pod")
        for claim, kind in (("pod", POD), ("secret", SECRET), ("node", NODE)):
            reference = private.get(claim)
            if reference is None or (claim == "node" and pod is not None):
                continue
            namespace = private.get("namespace") if kind.namespaced else None
            obj = self._resources.get_or_none(kind, namespace, reference.get("name") or "")
            if obj is None or uid_of(obj) != reference.get("uid") or _is_long_gone(obj, now):
                return False
        return True

    def _review_legacy(
        self, token: str, claims: Mapping[str, Any], audiences: Sequence[str]
    ) -> Reviewed | None:
        prefix = "kubernetes.io/serviceaccount"
        namespace = claims.get(f"{prefix}/namespace")
        wanted = {
            "name": claims.get(f"{prefix}/service-account.name"),
            "uid": claims.get(f"{prefix}/service-account.uid"),
        }
        account = self._account(namespace, wanted)
        name = claims.get(f"{prefix}/secret.name") or ""
        secret = self._resources.get_or_none(SECRET, namespace, name)
        matching = _common((self.default_audience,), audiences or (self.default_audience,))
        if account is None or secret is None or not matching:
            return None
        held = b64decode(get_path(secret, "data", "token", default=""))
        if _is_long_gone(secret, self._clock()) or not hmac.compare_digest(held, token.encode()):
            return None
        return Reviewed(_user_of(account, {}), matching)

    def _account(self, namespace: Any, wanted: Mapping[str, Any]) -> Object | None:
        name = wanted.get("name")
        if not namespace or not name:
            return None
        account = self._resources.get_or_none(SERVICE_ACCOUNT, namespace, name)
        if account is None or uid_of(account) != wanted.get("uid"):
            return None
        return None if _is_long_gone(account, self._clock()) else account

    # --- what others need to trust the tokens ----------------------------------------------------

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self._key.public_jwk()]}

    def openid_configuration(self) -> dict[str, Any]:
        """OpenID Connect discovery, for those who reach the API by the issuer's name: Pods."""
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }


def _user_of(account: Object, extra: Mapping[str, tuple[str, ...]]) -> User:
    namespace, name = namespace_of(account), name_of(account)
    groups = (_GROUP, f"{_GROUP}:{namespace}")
    return User(f"{_USER}{namespace}:{name}", groups, uid_of(account), extra)


def _extra(private: Mapping[str, Any], token_id: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for claim in ("pod", "node"):
        for part in ("name", "uid"):
            if value := (private.get(claim) or {}).get(part):
                found[f"{_EXTRA}{claim}-{part}"] = (value,)
    if token_id:
        found[f"{_EXTRA}credential-id"] = (f"JTI={token_id}",)
    return found


def _reference(obj: Object) -> dict[str, str]:
    return {"name": name_of(obj), "uid": uid_of(obj)}


def _common(of_token: Sequence[str], asked: Sequence[str]) -> tuple[str, ...]:
    return tuple(audience for audience in of_token if audience in asked)


def _is_long_gone(obj: Object, now: datetime) -> bool:
    """Marked for deletion longer ago than clocks may differ."""
    deleted = get_path(obj, "metadata", "deletionTimestamp")
    return bool(deleted) and parse_time(deleted) + _LEEWAY < now
