"""Relays TCP and UDP in the daemon: the path for hosts whose kernel has no nftables, and for
Services whose target is the host itself.
"""

import asyncio
import logging
import socket
from typing import Any, Final, cast

from minikube_py.network.http.backends import Backend, Backends

_log = logging.getLogger(__name__)
_CONNECT_SECONDS: Final = 3.0
_MOST_TRIES: Final = 5
_UDP_IDLE_SECONDS: Final = 60.0
_MOST_UDP_CLIENTS: Final = 4096


class TcpRelay:
    """Accepts on one socket; each connection gets the pod with the fewest."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends
        self._server: asyncio.Server | None = None
        self._ends: set[_End] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _End(self._ends, self._accept), sock=listener, start_serving=False
        )
        await self._server.start_serving()

    async def close(self) -> None:
        """Connections end with the relay: there is nothing to wait for that says it is done."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        for end in list(self._ends):
            end.transport.abort()

    def _accept(self, near: "_End") -> None:
        near.transport.pause_reading()
        task = asyncio.get_running_loop().create_task(self._connect(near))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, near: "_End") -> None:
        client = str((near.transport.get_extra_info("peername") or ("",))[0]).encode()
        tried: list[Backend] = []
        loop = asyncio.get_running_loop()
        while len(tried) < _MOST_TRIES and (backend := self._backends.pick(client, tried)):
            end = backend.endpoint
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    _, far = await loop.create_connection(
                        lambda: _End(self._ends), end.ip, end.port
                    )
            except (OSError, TimeoutError) as error:
                _log.debug("pod not reached endpoint=%s:%s error=%r", end.ip, end.port, error)
                backend.failed()
                tried.append(backend)
            else:
                _join(near, far, backend)
                return
        near.transport.abort()  # a reset, as the kernel's path gives


class _End(asyncio.Protocol):
    """One side of a relayed connection; what comes in goes out on `other`."""

    def __init__(self, ends: "set[_End]", accepted: Any = None) -> None:
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.other: _End | None = None
        self.backend: Backend | None = None
        self._ends = ends
        self._accepted = accepted
        self._early = bytearray()
        self._has_ended = False  # sends no more

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._ends.add(self)
        if self._accepted is not None:
            self._accepted(self)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.transport.write(data)
        else:  # uvloop reads once before it heeds a pause
            self._early += data
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self._has_ended = True
        if self.other is None:
            return True
        if self.other.transport.can_write_eof():
            self.other.transport.write_eof()
        if self.other._has_ended:  # nobody else would close what is open for neither
            self.transport.close()
            self.other.transport.close()
        return True

    def join(self, other: "_End") -> None:
        """What came in before there was another end goes first."""
        self.other = other
        if self._early:
            other.transport.write(bytes(self._early))
            self._early.clear()
        if self._has_ended:
            self.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ends.discard(self)
        other, self.other = self.other, None
        if self.backend is not None:
            self.backend.in_flight -= 1
            self.backend = None
        if other is not None:
            other.other = None
            if exc is None:
                other.transport.close()
            else:
                other.transport.abort()

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.transport.resume_reading()


def _join(near: _End, far: _End, backend: Backend) -> None:
    if near.transport.is_closing():
        far.transport.abort()
        return
    backend.in_flight += 1
    far.backend = backend
    far.join(near)
    near.join(far)
    near.transport.resume_reading()


class UdpRelay(asyncio.DatagramProtocol):
    """One socket a client towards its pod, kept while it talks."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends
        self._transport: asyncio.DatagramTransport | None = None
        self._flows: dict[Any, _Flow] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, bound: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, sock=bound)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        for flow in list(self._flows.values()):
            flow.end()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        flow = self._flows.get(addr)
        if flow is not None and not flow.backend.leaving:
            flow.send(data)
            return
        if flow is not None:
            flow.end()
        backend = self._backends.pick(str(addr[0]).encode())
        if backend is None or len(self._flows) >= _MOST_UDP_CLIENTS:
            return
        self._flows[addr] = made = _Flow(self, addr, backend, data)
        task = asyncio.get_running_loop().create_task(made.open())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def answer(self, data: bytes, addr: Any) -> None:
        if self._transport is not None:
            self._transport.sendto(data, addr)

    def ended(self, addr: Any, flow: "_Flow") -> None:
        if self._flows.get(addr) is flow:
            del self._flows[addr]


class _Flow(asyncio.DatagramProtocol):
    """What one client and its pod say to each other."""

    def __init__(self, relay: UdpRelay, client: Any, backend: Backend, first: bytes) -> None:
        self.backend = backend
        self._relay = relay
        self._client = client
        self._waiting = [first]
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        end = self.backend.endpoint
        loop = asyncio.get_running_loop()
        try:
            await loop.create_datagram_endpoint(lambda: self, remote_addr=(end.ip, end.port))
        except OSError as error:
            _log.debug("pod not reached endpoint=%s:%s error=%r", end.ip, end.port, error)
            self.end()

    def send(self, data: bytes) -> None:
        if self._transport is None:
            self._waiting.append(data)
            return
        self._transport.sendto(data)
        self._talked()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
        self._relay.ended(self._client, self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        waiting, self._waiting = self._waiting, []
        for data in waiting:
            self.send(data)

    def datagram_received(self, data: bytes, _addr: Any) -> None:
        self._relay.answer(data, self._client)
        self._talked()

    def error_received(self, exc: Exception) -> None:
        _log.debug("pod refused a datagram error=%r", exc)
        self.end()

    def _talked(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_UDP_IDLE_SECONDS, self.end)
