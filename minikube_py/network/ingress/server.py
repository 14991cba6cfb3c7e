"""HTTP and HTTPS at the host's own ports, for every Ingress of mk's class.

What changes in the API takes effect between two requests: a new table replaces the old one whole,
pods come and go in the Services' Backends, certificates are made when they are first asked for.
"""

import asyncio
import logging
import socket
from contextlib import AsyncExitStack

from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.kinds.catalog import ENDPOINT_SLICE, INGRESS, INGRESS_CLASS, SECRET, SERVICE
from minikube_py.meta.objects import Key, Object, key_of
from minikube_py.network.endpoints import BY_SERVICE, service_key_of, services_of
from minikube_py.network.http.front import HttpFront
from minikube_py.network.ingress.certificates import CertificateIssuer, Certificates
from minikube_py.network.ingress.gate import Gate
from minikube_py.network.ingress.reports import LOCAL_ADDRESS, EventRecorder, Reports
from minikube_py.network.ingress.routes import build_table
from minikube_py.network.ingress.services import ServiceBackends
from minikube_py.network.sockets import bound_socket
from minikube_py.resources.resources import Resources

_log = logging.getLogger(__name__)


class IngressServer:
    """`recorder.run()` is the caller's to run."""

    def __init__(  # noqa: PLR0913 - what it reads, what it needs, where it listens
        self,
        informers: Informers,
        resources: Resources,
        issuer: CertificateIssuer,
        recorder: EventRecorder,
        *,
        http_port: int,
        https_port: int,
        bind: str = "0.0.0.0",  # noqa: S104 - an Ingress is for the network
    ) -> None:
        self._bind = bind
        self._ports = (http_port, https_port)
        self._ingresses = informers.of(INGRESS)
        self._classes = informers.of(INGRESS_CLASS)
        self._services = informers.of(SERVICE)
        self._slices = informers.of(ENDPOINT_SLICE)
        self._secrets = informers.of(SECRET)
        self._backends = ServiceBackends(self._services.get, self._slices_of)
        self._gate = Gate(self._backends, http_port=http_port, https_port=https_port)
        self._certificates = Certificates(
            issuer, lambda host: self._gate.table.secrets_for(host), self._secrets.get
        )
        self._reports = Reports(
            resources, self._ingresses, self._classes, address=LOCAL_ADDRESS, recorder=recorder
        )
        self._table_due = asyncio.Event()
        self._listening = asyncio.Event()

    async def wait_listening(self) -> None:
        """Until requests are taken in, with every Ingress there was at the start in effect."""
        await self._listening.wait()

    async def run(self) -> None:
        """Serves until cancelled; raises AddressTaken when a port is someone else's."""
        self._slices.add_index(BY_SERVICE, services_of)
        for informer in self._informers():
            await informer.wait_synced()
        self._services.subscribe(self._on_service)
        self._slices.subscribe(self._on_slice)
        self._secrets.subscribe(self._on_secret)
        self._ingresses.subscribe(self._on_route)
        self._classes.subscribe(self._on_route)
        self._rebuild()
        async with AsyncExitStack() as closing:
            await self._listen(closing)
            self._listening.set()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._reports.run(self._backends, self._certificates))

    async def _listen(self, closing: AsyncExitStack) -> None:
        http, https = self._ports
        # Shareable, so that HTTP Services can listen on the same port of their own addresses.
        plain_socket = bound_socket(self._bind, http, socket.SOCK_STREAM, replaceable=True)
        closing.callback(plain_socket.close)
        secure_socket = bound_socket(self._bind, https, socket.SOCK_STREAM, replaceable=True)
        closing.callback(secure_socket.close)
        plain = HttpFront(self._gate.plain, scheme="http", trusted=False)
        secure = HttpFront(self._gate.secure, scheme="https", trusted=False)
        closing.push_async_callback(_close, plain, secure)
        await plain.listen(plain_socket)
        await secure.listen(secure_socket, self._certificates.listening_context())
        _log.info("ingress listens address=%s http=%s https=%s", self._bind, http, https)

    async def _follow(self) -> None:
        while True:
            await self._table_due.wait()
            self._rebuild()

    def _rebuild(self) -> None:
        self._table_due.clear()
        table = build_table(self._ingresses.list(), self._classes.list())
        self._backends.keep(table.targets())
        self._gate.table = table

    # --- what changed ----------------------------------------------------------------------------

    def _on_route(self, _old: Object | None, _new: Object | None) -> None:
        self._table_due.set()
        self._reports.changed()

    def _on_service(self, old: Object | None, new: Object | None) -> None:
        self._backends.refresh(key_of(new or old or {}))
        self._reports.changed()

    def _on_slice(self, old: Object | None, new: Object | None) -> None:
        for key in {service_key_of(obj) for obj in (old, new) if obj is not None}:
            self._backends.refresh(key)

    def _on_secret(self, old: Object | None, new: Object | None) -> None:
        self._certificates.forget_secret(key_of(new or old or {}))
        self._reports.changed()

    def _slices_of(self, service: Key) -> list[Object]:
        return list(self._slices.by_index(BY_SERVICE, service))

    def _informers(self) -> tuple[Informer, ...]:
        return (self._ingresses, self._classes, self._services, self._slices, self._secrets)


async def _close(*fronts: HttpFront) -> None:
    async with asyncio.TaskGroup() as group:
        for front in fronts:
            group.create_task(front.close())
