"""Who is asking: the client certificate of the TLS connection, or a bearer token, or nobody.

The TLS layer has verified the certificate against the cluster's CA; here its subject becomes a
user (CN) with groups (O). Tokens are looked up by an authenticator the daemon provides.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ssl import SSLObject
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from aiohttp import web

from minikube_py.meta.errors import Unauthorized
from minikube_py.meta.users import ANONYMOUS, AUTHENTICATED, User

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
_certified: WeakKeyDictionary[SSLObject, User | None] = WeakKeyDictionary()
_PUBLIC = ("/healthz", "/livez", "/readyz", "/version")
_PROTOCOL_TOKEN = "base64url.bearer.authorization.k8s.io."  # noqa: S105 - a subprotocol's prefix


@dataclass(frozen=True)
class Authenticated:
    """`audiences`: those of the credentials that were asked for."""

    user: User
    audiences: tuple[str, ...] = ()


class TokenAuthenticator(Protocol):
    def authenticate(self, token: str, audiences: Sequence[str] = ()) -> Authenticated | None:
        """None when the token is not (or no longer) valid for any of `audiences` (default: this
        API's own).
        """
        ...


def is_public(path: str) -> bool:
    """What anyone may ask without saying who they are; roles decide about the rest."""
    return any(path == root or path.startswith(root + "/") for root in _PUBLIC)


def authenticate(request: web.BaseRequest, tokens: TokenAuthenticator | None) -> User:
    """ANONYMOUS when no credentials are given; raises Unauthorized for ones that are wrong."""
    user = _certificate_user(request)
    if user is None:
        token = _bearer_token(request)
        if token is None:
            return ANONYMOUS
        found = tokens.authenticate(token) if tokens else None
        if found is None:
            raise Unauthorized("Unauthorized")
        user = found.user
    return as_authenticated(user)


def as_authenticated(user: User) -> User:
    """`user` with the group of all whose credentials were checked."""
    if AUTHENTICATED in user.groups:
        return user
    return User(user.name, (*user.groups, AUTHENTICATED), user.uid, user.extra)


def _certificate_user(request: web.BaseRequest) -> User | None:
    """Read once a connection, whose certificate stays what it is."""
    transport = request.transport
    session = transport.get_extra_info("ssl_object") if transport is not None else None
    if session is None:
        return None
    if session not in _certified:
        _certified[session] = _user_of(session.getpeercert(), session.getpeercert(True))
    return _certified[session]


def _user_of(certificate: Mapping[str, Any] | None, encoded: bytes | None) -> User | None:
    if not certificate or encoded is None:
        return None
    name, groups = "", []
    for attribute, value in _subject(certificate):
        if attribute == "commonName":
            name = value
        elif attribute == "organizationName":
            groups.append(value)
    fingerprint = hashlib.sha256(encoded).hexdigest()
    extra = {CREDENTIAL_ID: (f"X509SHA256={fingerprint}",)}
    return User(name, tuple(groups), extra=extra) if name else None


def _subject(certificate: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [pair for relative_name in certificate.get("subject", ()) for pair in relative_name]


def _bearer_token(request: web.BaseRequest) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return _websocket_token(request.headers.get("Sec-WebSocket-Protocol", ""))


def _websocket_token(protocols: str) -> str | None:
    """Browsers can't set headers on WebSockets: the token travels as a subprotocol."""
    for protocol in protocols.split(","):
        name = protocol.strip()
        if name.startswith(_PROTOCOL_TOKEN):
            encoded = name.removeprefix(_PROTOCOL_TOKEN)
            try:
                return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise Unauthorized("Unauthorized") from None
    return None
