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
PortId = tuple[Key, str, int]
Place = tuple[str, int]


class Closing(Protocol):
    """What may take a moment to end in good order."""

    async def close(self) -> None: ...


class Server(Closing, Protocol):
    """What serves one address of a port."""

    async def listen(self, listener: socket.socket) -> None: ...


class ProxiedPort:
    """One Service port and its open addresses.

    Each address keeps its socket, of which servers get duplicates: when the path changes, callers
    that wait to be accepted by the old server are accepted by the new one.
    """

    def __init__(self, port: ServicePort) -> None:
        self.backends = Backends(port.endpoints, port.affinity_seconds)
        self._port = port
        self._sockets: dict[Place, socket.socket] = {}
        self._servers: dict[Place, Server] = {}
        self._retired: list[Closing] = []

    async def update(self, port: ServicePort) -> list[str]:
        """Follows the Service; returns what went wrong, one line an address."""
        changes_path = port.path != self._port.path
        self._port = port
        self.backends.update(port.endpoints, port.affinity_seconds)
        wanted = _places(port)
        for place in [place for place in self._sockets if place not in wanted]:
            self._leave(place)
        problems = []
        for place in wanted:
            if place not in self._servers or changes_path:
                try:
                    await self._serve(place)
                except OSError as error:
                    problems.append(str(error))
        return problems

    def take_retired(self) -> list[Closing]:
        """Servers that were replaced, for the caller to close."""
        retired, self._retired = self._retired, []
        return retired

    async def close(self) -> None:
        for place in list(self._sockets):
            self._leave(place)
        async with asyncio.TaskGroup() as group:
            for server in self.take_retired():
                group.create_task(server.close())

    def _leave(self, place: Place) -> None:
        self._sockets.pop(place).close()
        if place in self._servers:
            self._retired.append(self._servers.pop(place))

    async def _serve(self, place: Place) -> None:
        is_udp = self._port.protocol == "udp"
        if place not in self._sockets:
            kind = socket.SOCK_DGRAM if is_udp else socket.SOCK_STREAM
            self._sockets[place] = bound_socket(*place, kind, replaceable=True)
        server: Server
        if self._port.path == "http":
            server = HttpFront(lambda _head: self.backends)
        elif is_udp:
            server = UdpRelay(self.backends)
        else:
            server = TcpRelay(self.backends)
        if place in self._servers:
            self._retired.append(self._servers[place])
        self._servers[place] = server
        await server.listen(self._sockets[place].dup())


class Listeners:
    """All of them, by Service port."""

    def __init__(self) -> None:
        self._open: dict[PortId, ProxiedPort] = {}

    async def open(self, ports: Iterable[ServicePort]) -> dict[Key, list[str]]:
        """Opens or updates; returns problems by Service."""
        problems: dict[Key, list[str]] = {}
        for port in ports:
            if port.path == "kernel" or port.protocol == "sctp":  # nothing here speaks SCTP
                continue
            if _id(port) not in self._open:
                self._open[_id(port)] = ProxiedPort(port)
            if found := await self._open[_id(port)].update(port):
                problems.setdefault(port.service, []).extend(found)
        return problems

    def take_others(self, services: Iterable[Key], ports: Iterable[ServicePort]) -> list[Closing]:
        """What these Services no longer want served here, for the caller to close."""
        of = set(services)
        wanted = {_id(port) for port in ports if port.path != "kernel"}
        unwanted = [id_ for id_ in self._open if id_[0] in of and id_ not in wanted]
        taken: list[Closing] = [self._open.pop(id_) for id_ in unwanted]
        for id_ in wanted & self._open.keys():
            taken += self._open[id_].take_retired()
        return taken

    async def close(self) -> None:
        async with asyncio.TaskGroup() as group:
            for port in self._open.values():
                group.create_task(port.close())
        self._open.clear()


def _id(port: ServicePort) -> PortId:
    return (port.service, port.protocol, port.port)


def _places(port: ServicePort) -> list[Place]:
    places = [(address, port.port) for address in port.addresses]
    if port.node_port:
        places.append((_EVERY_ADDRESS, port.node_port))
    return places
