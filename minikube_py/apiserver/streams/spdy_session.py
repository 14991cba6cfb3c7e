"""Exec and attach over SPDY/3.1, for kubectl before 1.31 and as the fallback of later ones: every
channel is a stream that the client opens and names.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Literal

from aiohttp import web

from minikube_py.apiserver.streams.interface import StreamSession
from minikube_py.apiserver.streams.session import Input, Remote, Stdin, StdinClosed, run_session
from minikube_py.apiserver.streams.spdy import Opened, Received, SpdyConnection
from minikube_py.apiserver.streams.upgrade import upgrade_to_spdy
from minikube_py.apiserver.streams.websocket import read_resize
from minikube_py.meta.encoding import encode
from minikube_py.meta.errors import BadRequest, Forbidden

PROTOCOL_HEADER = "X-Stream-Protocol-Version"
_PROTOCOLS = ("v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io")
_WITH_RESIZE = ("v4.channel.k8s.io", "v3.channel.k8s.io")
_STREAMS_SECONDS = 30.0


def wanted_streams(query: Mapping[str, str]) -> frozenset[str]:
    """Of stdin, stdout and stderr; with a terminal there is no stderr of its own."""
    wanted = {name for name in ("stdin", "stdout", "stderr") if _flag(query, name)}
    if not wanted:
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    if is_tty(query):
        wanted.discard("stderr")
    return frozenset(wanted)


def is_tty(query: Mapping[str, str]) -> bool:
    return _flag(query, "tty")


async def serve(
    request: web.Request, session: StreamSession, wanted: frozenset[str], *, reports_exit: bool
) -> web.StreamResponse:
    protocol = negotiated(request, _PROTOCOLS)
    expected = set(wanted) | {"error"}
    if is_tty(request.query) and protocol in _WITH_RESIZE:
        expected.add("resize")
    response, transport = await upgrade_to_spdy(request, {PROTOCOL_HEADER: protocol})
    connection = SpdyConnection(transport)
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(_STREAMS_SECONDS):
            streams = await _opened_streams(connection, expected)
        remote = SpdyRemote(connection, streams, has_status=protocol == _PROTOCOLS[0])
        await run_session(session, remote, reports_exit=reports_exit)
    return response


def negotiated(request: web.Request, supported: tuple[str, ...]) -> str:
    """The first of ours that the client offers. Raises Forbidden, as Kubernetes does, for none."""
    offered = [
        part.strip()
        for header in request.headers.getall(PROTOCOL_HEADER, [])
        for part in header.split(",")
    ]
    if not offered:
        return supported[-1]
    for protocol in supported:
        if protocol in offered:
            return protocol
    raise Forbidden(
        f"unable to upgrade: unable to negotiate protocol: client supports {offered}, "
        f"server accepts {list(supported)}"
    )


async def _opened_streams(connection: SpdyConnection, expected: set[str]) -> dict[str, int]:
    """By name. Nothing is sent on them before all are there."""
    streams: dict[str, int] = {}
    while expected - streams.keys():
        event = await connection.next_event()
        if event is None:
            raise ConnectionResetError("the client left before its streams were open")
        if isinstance(event, Opened):
            streams[event.headers.get("streamtype", "")] = event.stream_id
    return streams


class SpdyRemote(Remote):
    def __init__(
        self, connection: SpdyConnection, streams: Mapping[str, int], *, has_status: bool
    ) -> None:
        """`has_status`: the error stream takes a Status (v4), not plain text."""
        self._connection = connection
        self._streams = streams
        self._has_status = has_status

    async def receive(self) -> Input | None:
        while True:
            event = await self._connection.next_event()
            if event is None:
                return None
            if isinstance(event, Received):
                understood = self._understand(event)
                if understood is not None:
                    return understood

    def _understand(self, event: Received) -> Input | None:
        if event.stream_id == self._streams.get("stdin"):
            # A last frame with data and FIN at once is not sent by any Kubernetes client.
            if event.data:
                return Stdin(event.data)
            return StdinClosed() if event.fin else None
        if event.stream_id == self._streams.get("resize") and event.data:
            return read_resize(event.data.splitlines()[-1])
        return None

    async def send(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:
        if stream in self._streams:
            await self._connection.send(self._streams[stream], data)

    async def finish(self, status: dict[str, Any]) -> None:
        text = encode(status) if self._has_status else str(status.get("message", "")).encode()
        for name in ("stdout", "stderr"):
            if name in self._streams:
                await self._connection.send(self._streams[name], b"", fin=True)
        await self._connection.send(self._streams["error"], text, fin=True)
        await self._connection.go_away()


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1")
