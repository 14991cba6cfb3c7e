"""Bootstrap tokens: Secrets in kube-system whose token lets a new machine ask for a certificate.

As plugin/pkg/auth/authenticator/token/bootstrap reads them; what such a user may do is up to roles.
"""

import hmac
import re
from base64 import b64decode
from collections.abc import Sequence

from minikube_py.kinds.catalog import SECRET
from minikube_py.meta.objects import Object, is_deleting
from minikube_py.meta.timestamps import Clock, parse_time
from minikube_py.meta.users import User
from minikube_py.resources.resources import Resources

TYPE = "bootstrap.kubernetes.io/token"
NAMESPACE = "kube-system"
_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_GROUP = "system:bootstrappers"
_EXTRA_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class BootstrapTokens:
    def __init__(self, resources: Resources, clock: Clock) -> None:
        self._resources = resources
        self._clock = clock

    def review(self, token: str) -> User | None:
        """The user of a token that a Secret says is good for authentication."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        id_, secret = match.groups()
        found = self._resources.get_or_none(SECRET, NAMESPACE, f"bootstrap-token-{id_}")
        if found is None or found.get("type") != TYPE or is_deleting(found):
            return None
        data = _decoded(found)
        is_it = data.get("token-id") == id_ and hmac.compare_digest(
            data.get("token-secret", "").encode(), secret.encode()
        )
        if not is_it or data.get("usage-bootstrap-authentication") != "true":
            return None
        groups = _groups(data.get("auth-extra-groups", ""))
        if groups is None or self._is_expired(data.get("expiration", "")):
            return None
        return User(f"system:bootstrap:{id_}", groups)

    def _is_expired(self, expiration: str) -> bool:
        """What can't be read has expired."""
        if not expiration:
            return False
        try:
            return parse_time(expiration) <= self._clock()
        except ValueError:
            return True


def _decoded(secret: Object) -> dict[str, str]:
    data = secret.get("data") or {}
    return {key: b64decode(value).decode(errors="replace") for key, value in data.items()}


def _groups(extra: str) -> tuple[str, ...] | None:
    """None when one of them is no bootstrappers' group."""
    found: Sequence[str] = [group.strip() for group in extra.split(",") if group.strip()]
    if not all(_EXTRA_GROUP.fullmatch(group) for group in found):
        return None
    return (_GROUP, *sorted(set(found)))
