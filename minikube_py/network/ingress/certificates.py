"""The certificate for each host a TLS client asks for: from the Ingress's Secret, else from the
cluster's own authority.

Everything happens inside the handshake's callback, so what it makes is kept: a context per Secret
until that Secret changes, and one per issued name, the least used forgotten first.
"""

import base64
import binascii
import logging
import os
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from minikube_py.meta.names import subdomain_problem
from minikube_py.meta.objects import Key, Object
from minikube_py.network.ingress.routes import host_name

_log = logging.getLogger(__name__)
_DEFAULT_NAMES = ("localhost", "127.0.0.1")
_MOST_ISSUED: Final = 256
_RENEWED_AFTER_SECONDS: Final = 30 * 86400.0  # long before any certificate ends


class CertificateIssuer(Protocol):
    """The cluster's authority."""

    def issue_server(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        """(certificate chain, key) in PEM."""
        ...


class BadCertificate(ValueError):
    """The message says what is wrong with a Secret, and how it should be."""


class Certificates:
    """`secrets_for` gives the Secrets to try for a host, `secret` an object or None."""

    def __init__(
        self,
        issuer: CertificateIssuer,
        secrets_for: Callable[[str], Sequence[Key]],
        secret: Callable[[Key], Object | None],
    ) -> None:
        self._issuer = issuer
        self._secrets_for = secrets_for
        self._secret = secret
        self._from_secrets: dict[Key, ssl.SSLContext | None] = {}
        self._issued: OrderedDict[str, tuple[ssl.SSLContext, float]] = OrderedDict()

    def listening_context(self) -> ssl.SSLContext:
        """For the listener; changes to the right one once the client said whom it wants."""
        context = _context(*self._issuer.issue_server(_DEFAULT_NAMES))
        context.sni_callback = self._choose
        return context

    def forget_secret(self, key: Key) -> None:
        """The Secret changed; connections that are open keep what they have."""
        self._from_secrets.pop(key, None)

    def problem(self, key: Key) -> str | None:
        """What keeps a Secret from being used."""
        secret = self._secret(key)
        if secret is None:
            return "does not exist"
        try:
            context_of_secret(secret)
        except BadCertificate as error:
            return str(error)
        return None

    def context_for(self, host: str) -> ssl.SSLContext | None:
        """None where the listener's own has to do."""
        for key in self._secrets_for(host):
            if (context := self._from_secret(key)) is not None:
                return context
        return self._issue(host) if subdomain_problem(host) is None else None

    def _choose(
        self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext
    ) -> None:
        try:
            context = self.context_for(host_name(name or ""))
        except Exception:  # the handshake goes on with the listener's own certificate
            _log.exception("no certificate for host=%r", name)
            return
        if context is not None:
            connection.context = context

    def _from_secret(self, key: Key) -> ssl.SSLContext | None:
        if key not in self._from_secrets:
            secret = self._secret(key)
            if secret is None:
                return None
            try:
                self._from_secrets[key] = context_of_secret(secret)
            except BadCertificate as error:
                _log.debug("secret=%s is no certificate: %s", key, error)
                self._from_secrets[key] = None
        return self._from_secrets[key]

    def _issue(self, host: str) -> ssl.SSLContext:
        now = time.monotonic()
        known = self._issued.get(host)
        if known is None or now - known[1] > _RENEWED_AFTER_SECONDS:
            known = self._issued[host] = (_context(*self._issuer.issue_server([host])), now)
            if len(self._issued) > _MOST_ISSUED:
                self._issued.popitem(last=False)
        self._issued.move_to_end(host)
        return known[0]


def context_of_secret(secret: Object) -> ssl.SSLContext:
    """Raises BadCertificate."""
    data = secret.get("data") or {}
    missing = [name for name in ("tls.crt", "tls.key") if not data.get(name)]
    if missing:
        raise BadCertificate(
            f"has no {' and no '.join(missing)} (make it with 'kubectl create secret tls')"
        )
    try:
        chain, key = (base64.b64decode(data[name]) for name in ("tls.crt", "tls.key"))
        return _context(chain, key)
    except (ssl.SSLError, binascii.Error, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise BadCertificate(
            f"holds no usable certificate in tls.crt and tls.key: {reason}"
        ) from error


def _context(chain: bytes, key: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # OpenSSL reads files only: this one has no name and never touches a disk.
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(chain.rstrip() + b"\n" + key)
        file.flush()
        # With an empty password an encrypted key is an error, not a question on the terminal.
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=b"")
    return context
