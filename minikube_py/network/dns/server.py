"""The cluster's DNS server: keeps the zone in step with Services and Pods, and listens on UDP and
TCP.

Runs inside the daemon on the DNS Service's address, which is an address of the host; it may be
bound before the address is there.
"""

import asyncio
import logging
import socket
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from ipaddress import IPv4Network
from typing import Any, cast

from minikube_py.control_loop.informer import Informers
from minikube_py.kinds.catalog import ENDPOINT_SLICE, POD, SERVICE
from minikube_py.meta.objects import Key, Object, key_of
from minikube_py.network.dns.records import Zone, pod_records, service_records
from minikube_py.network.dns.resolver import Resolver
from minikube_py.network.dns.upstream import Upstreams
from minikube_py.network.dns.wire import BadQuery, parse_question
from minikube_py.network.endpoints import BY_SERVICE, service_key_of, services_of
from minikube_py.network.sockets import bound_socket

_log = logging.getLogger(__name__)
_PORT = 53
_IDLE_SECONDS = 10.0


class DnsServer:
    """`addresses[0]` is the DNS Service's and must be free; the others are best effort."""

    def __init__(
        self,
        informers: Informers,
        addresses: Sequence[str],
        *,
        domain: str = "cluster.local",
        ranges: Iterable[str] = (),
        upstreams: Upstreams | None = None,
        port: int = _PORT,
    ) -> None:
        self._addresses = tuple(addresses)
        self._port = port
        self._domain = domain
        self._services = informers.of(SERVICE)
        self._slices = informers.of(ENDPOINT_SLICE)
        self._pods = informers.of(POD)
        self._resolver = Resolver(
            Zone(domain, [IPv4Network(text) for text in ranges]),
            upstreams or Upstreams(own=self._addresses),
        )
        self._listening = asyncio.Event()

    async def wait_listening(self) -> None:
        """Until questions are answered from a complete zone."""
        await self._listening.wait()

    async def run(self) -> None:
        """Serves until cancelled; raises AddressTaken when the DNS address is someone else's."""
        self._slices.add_index(BY_SERVICE, services_of)
        for informer in (self._services, self._slices, self._pods):
            await informer.wait_synced()
        self._services.subscribe(self._on_service)
        self._slices.subscribe(self._on_slice)
        self._pods.subscribe(self._on_pod)
        with ExitStack() as closing:
            sockets = self._bind(closing)  # outside the group, so that its error comes out bare
            async with asyncio.TaskGroup() as group:
                for udp, tcp in sockets:
                    await self._listen(udp, tcp, group, closing)
                self._listening.set()
                await asyncio.Event().wait()

    def _bind(self, closing: ExitStack) -> list[tuple[socket.socket, socket.socket]]:
        """(UDP, TCP) sockets of each address that can be had."""
        bound = []
        for number, address in enumerate(self._addresses):
            try:
                udp = bound_socket(address, self._port, socket.SOCK_DGRAM)
                closing.callback(udp.close)
                tcp = bound_socket(address, self._port, socket.SOCK_STREAM)
                closing.callback(tcp.close)
            except OSError as error:
                if number == 0:
                    raise
                _log.warning("dns does not listen address=%s error=%s", address, error)
            else:
                bound.append((udp, tcp))
                _log.info("dns listens address=%s port=%s", address, self._port)
        return bound

    async def _listen(
        self,
        udp: socket.socket,
        tcp: socket.socket,
        group: asyncio.TaskGroup,
        closing: ExitStack,
    ) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._resolver, group), sock=udp
        )
        closing.callback(transport.close)
        server = await asyncio.start_server(self._serve_stream, sock=tcp)
        closing.callback(server.close)

    async def _serve_stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                async with asyncio.timeout(_IDLE_SECONDS):
                    size = int.from_bytes(await reader.readexactly(2), "big")
                    message = await reader.readexactly(size)
                reply = await self._answer(message)
                if reply is None:
                    return
                writer.write(len(reply).to_bytes(2, "big") + reply)
                async with asyncio.timeout(_IDLE_SECONDS):
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _answer(self, message: bytes) -> bytes | None:
        try:
            question = parse_question(message)
        except BadQuery as bad:
            return bad.reply
        reply = self._resolver.answer_now(question, tcp=True)
        if reply is None:
            reply = await self._resolver.answer_upstream(message, question, tcp=True)
        return reply

    def _on_service(self, old: Object | None, new: Object | None) -> None:
        self._refresh(key_of(new or old or {}))

    def _on_slice(self, old: Object | None, new: Object | None) -> None:
        for key in {service_key_of(obj) for obj in (old, new) if obj is not None}:
            self._refresh(key)

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        key = Key(f"pod/{key_of(new or old or {})}")
        self._resolver.replace(key, pod_records(new, self._domain) if new else {})

    def _refresh(self, key: Key) -> None:
        service = self._services.get(key)
        slices = self._slices.by_index(BY_SERVICE, key)
        records = service_records(service, slices, self._domain) if service else {}
        self._resolver.replace(key, records)


class _Datagrams(asyncio.DatagramProtocol):
    """Answers known names at once, the rest in tasks of the server's group."""

    def __init__(self, resolver: Resolver, group: asyncio.TaskGroup) -> None:
        self._resolver = resolver
        self._group = group
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            question = parse_question(data)
        except BadQuery as bad:
            self._send(bad.reply, addr)
            return
        reply = self._resolver.answer_now(question, tcp=False)
        if reply is None:
            self._group.create_task(self._forward(data, addr))
        else:
            self._send(reply, addr)

    async def _forward(self, message: bytes, addr: Any) -> None:
        question = parse_question(message)
        self._send(await self._resolver.answer_upstream(message, question, tcp=False), addr)

    def _send(self, reply: bytes | None, addr: Any) -> None:
        if reply is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(reply, addr)

    def error_received(self, exc: Exception) -> None:
        _log.debug("dns client unreachable error=%s", exc)
