"""The API server's sockets and TLS: loopback for the user, the pods' gateway for Pods."""

import asyncio
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from minikube_py.apiserver.app import build_runner
from minikube_py.daemon.certificates import CertificateAuthority
from minikube_py.daemon.choices import StartFailure

_BACKLOG = 1024


class ApiEndpoint:
    """Serves `app` on `port` of each address until cancelled."""

    def __init__(
        self, app: web.Application, context: ssl.SSLContext, addresses: Sequence[str], port: int
    ) -> None:
        self._app = app
        self._context = context
        self._addresses = addresses
        self._port = port
        self._listening = asyncio.Event()

    async def is_listening(self) -> None:
        """A readiness check: waits until connections are taken."""
        await self._listening.wait()

    async def run(self) -> None:
        """Raises StartFailure when the port was taken meanwhile."""
        runner = build_runner(self._app)
        await runner.setup()
        try:
            for address in self._addresses:
                site = web.TCPSite(
                    runner, address, self._port, ssl_context=self._context, backlog=_BACKLOG
                )
                await self._start(site, address)
            self._listening.set()
            await asyncio.Event().wait()
        finally:
            self._listening.clear()
            await runner.cleanup()

    async def _start(self, site: web.TCPSite, address: str) -> None:
        try:
            await site.start()
        except OSError as error:
            raise StartFailure(
                f"cannot listen on {address}:{self._port} ({error.strerror}): "
                "choose another port with --api-port"
            ) from error


def server_context(authority: CertificateAuthority, names: Sequence[str]) -> ssl.SSLContext:
    """TLS 1.2 and newer; clients may show a certificate of the cluster's authority."""
    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cadata=authority.certificate_pem.decode()
    )
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    certificate, key = authority.issue_server(names)
    # The ssl module reads keys from files only; this one is private and gone at once.
    with tempfile.TemporaryDirectory(prefix="mk-tls-") as folder:
        pem = Path(folder) / "server.pem"
        pem.touch(mode=0o600)
        pem.write_bytes(certificate + key)
        context.load_cert_chain(pem)
    return context
