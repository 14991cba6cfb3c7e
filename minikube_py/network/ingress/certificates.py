"""TLS contexts by host name: from Secrets of type kubernetes.io/tls, else issued by the cluster's
own authority.

A context is made when its certificate changes and kept as long as it is wanted; connections that
are open keep the one they began with.
"""

import base64
import binascii
import hashlib
import logging
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from minikube_py.meta.objects import Key, Object, make_key
from minikube_py.network.ingress.routes import TlsHost, wildcard_of

_log = logging.getLogger(__name__)
_DEFAULT_NAMES = ("localhost", "127.0.0.1")
FindSecret = Callable[[Key], Object | None]


class CertificateIssuer(Protocol):
    """The cluster's authority."""

    def issue_server(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        """(certificate chain, key) in PEM."""
        ...


class BadCertificate(ValueError):
    """A Secret does not hold a usable pair; the message says what is wrong with it."""


class Contexts:
    """`entry` is what a server listens with; it chooses by the name the client asks for."""

    def __init__(self, issuer: CertificateIssuer, find_secret: FindSecret) -> None:
        self._issuer = issuer
        self._find_secret = find_secret
        self._by_host: dict[str, ssl.SSLContext] = {}
        self._by_pair: dict[str, ssl.SSLContext] = {}
        self._issued: dict[str, ssl.SSLContext] = {}
        self.entry = _context(*issuer.issue_server(_DEFAULT_NAMES))
        self.entry.sni_callback = self._choose

    def update(self, hosts: Mapping[str, TlsHost]) -> dict[Key, str]:
        """Follows the table; returns what is wrong, by Ingress."""
        problems: dict[Key, str] = {}
        by_host: dict[str, ssl.SSLContext] = {}
        pairs: dict[str, ssl.SSLContext] = {}
        for host, wanted in hosts.items():
            try:
                by_host[host] = self._from_secret(wanted, pairs) or self._own(host)
            except BadCertificate as error:
                problems[wanted.ingress] = str(error)
                by_host[host] = self._own(host)
        self._by_host, self._by_pair = by_host, pairs
        self._issued = {host: made for host, made in self._issued.items() if host in hosts}
        return problems

    def _choose(self, connection: ssl.SSLObject, name: str | None, _entry: ssl.SSLContext) -> None:
        host = (name or "").lower()
        found = self._by_host.get(host) or self._by_host.get(wildcard_of(host))
        if found is not None:
            connection.context = found

    def _from_secret(
        self, wanted: TlsHost, pairs: dict[str, ssl.SSLContext]
    ) -> ssl.SSLContext | None:
        if wanted.secret is None:
            return None
        key = make_key(wanted.namespace, wanted.secret)
        secret = self._find_secret(key)
        if secret is None:
            raise BadCertificate(
                f"secret {key} of host {wanted.host} does not exist; "
                "the cluster's own certificate is shown until it does"
            )
        chain, private = _pair_of(secret, key)
        digest = hashlib.sha256(chain + b"\0" + private).hexdigest()
        made = self._by_pair.get(digest) or pairs.get(digest)
        if made is None:
            try:
                made = _context(chain, private)
            except (ssl.SSLError, ValueError) as error:
                raise BadCertificate(
                    f"secret {key} holds no usable certificate and key ({error}); "
                    "the cluster's own certificate is shown instead"
                ) from error
            _log.info("certificate loaded secret=%s host=%s", key, wanted.host)
        pairs[digest] = made
        return made

    def _own(self, host: str) -> ssl.SSLContext:
        if host not in self._issued:
            self._issued[host] = _context(*self._issuer.issue_server([host]))
        return self._issued[host]


def _pair_of(secret: Object, key: Key) -> tuple[bytes, bytes]:
    data = secret.get("data") or {}
    try:
        chain, private = (base64.b64decode(data[name]) for name in ("tls.crt", "tls.key"))
    except (KeyError, binascii.Error, TypeError) as error:
        raise BadCertificate(
            f"secret {key} must have tls.crt and tls.key in base64 ({error!r}); "
            f"make it with `kubectl create secret tls`"
        ) from error
    return chain, private


def _context(chain: bytes, private: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # OpenSSL wants a path; a file in memory keeps the key off every disk.
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, chain + b"\n" + private)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context
