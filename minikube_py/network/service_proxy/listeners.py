"""The ports the daemon itself serves: http and userspace Services, each on its virtual addresses
and its NodePort.

A port that cannot be bound is reported and tried again at the next change; the others go on.
"""

import asyncio
import logging
import socket
from collections.abc import Iterable
from typing import Protocol

from minikube_py.meta.objects import Key
from minikube_py.network.http.backends import Backends
from minikube_py.network.http.front import HttpFront
from minikube_py.network.service_proxy.targets import ServicePort
from minikube_py.network.service_proxy.userspace import TcpRelay, UdpRelay
from minikube_py.network.sockets import bound_socket

_log = logging.getLogger(__name__)
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - a NodePort answers on all of the host's addresses
PortId = tuple[Key, str, int, str]
Place = tuple[str, int]


class Server(Protocol):
    """What serves one address of a port."""

    async def listen(self, listener: socket.socket) -> None: ...
    async def close(self) -> None: ...


class ProxiedPort:
    """One Service port and its open addresses."""

    def __init__(self, port: ServicePort) -> None:
        self.backends = Backends(port.endpoints, port.affinity_seconds)
        self._port = port
        self._servers: dict[Place, Server] = {}

    async def update(self, port: ServicePort) -> list[str]:
        """Follows the Service; returns what went wrong, one line an address."""
        self._port = port
        self.backends.update(port.endpoints, port.affinity_seconds)
        wanted = _places(port)
        for place in [place for place in self._servers if place not in wanted]:
            await self._servers.pop(place).close()
        problems = []
        for place in wanted:
            if place not in self._servers:
                try:
                    await self._open(place)
                except OSError as error:
                    problems.append(str(error))
        return problems

    async def close(self) -> None:
        async with asyncio.TaskGroup() as group:
            for server in self._servers.values():
                group.create_task(server.close())
        self._servers.clear()

    async def _open(self, place: Place) -> None:
        is_udp = self._port.protocol == "udp"
        kind = socket.SOCK_DGRAM if is_udp else socket.SOCK_STREAM
        listener = bound_socket(*place, kind, replaceable=True)
        server: Server
        if self._port.path == "http":
            server = HttpFront(lambda _head: self.backends)
        elif is_udp:
            server = UdpRelay(self.backends)
        else:
            server = TcpRelay(self.backends)
        self._servers[place] = server
        await server.listen(listener)


class Listeners:
    """All of them, by Service port."""

    def __init__(self) -> None:
        self._open: dict[PortId, ProxiedPort] = {}

    async def open(self, ports: Iterable[ServicePort]) -> dict[Key, list[str]]:
        """Opens or updates; returns problems by Service."""
        problems: dict[Key, list[str]] = {}
        for port in ports:
            if port.path == "kernel" or port.protocol == "sctp":
                continue
            known = self._open.setdefault(_id(port), ProxiedPort(port))
            if found := await known.update(port):
                problems.setdefault(port.service, []).extend(found)
        return problems

    def take_others(
        self, services: Iterable[Key], ports: Iterable[ServicePort]
    ) -> list[ProxiedPort]:
        """What these Services no longer want served here, for the caller to close."""
        of = set(services)
        wanted = {_id(port) for port in ports if port.path != "kernel"}
        unwanted = [id_ for id_ in self._open if id_[0] in of and id_ not in wanted]
        return [self._open.pop(id_) for id_ in unwanted]

    async def close(self) -> None:
        async with asyncio.TaskGroup() as group:
            for port in self._open.values():
                group.create_task(port.close())
        self._open.clear()


def _id(port: ServicePort) -> PortId:
    return (port.service, port.protocol, port.port, port.path)


def _places(port: ServicePort) -> list[Place]:
    places = [(address, port.port) for address in port.addresses]
    if port.node_port:
        places.append((_EVERY_ADDRESS, port.node_port))
    return places
