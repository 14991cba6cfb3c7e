"""Port-forward: many TCP connections through one request. As SPDY streams, straight or tunnelled in
a WebSocket (kubectl 1.31 and later), or as WebSocket channels (the client libraries).
"""

import asyncio
import contextlib
import logging
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from minikube_py.apiserver.streams.interface import PodStreams
from minikube_py.apiserver.streams.spdy import ByteTransport, Opened, Received, SpdyConnection
from minikube_py.apiserver.streams.spdy_session import PROTOCOL_HEADER, negotiated
from minikube_py.apiserver.streams.upgrade import upgrade_to_spdy
from minikube_py.apiserver.streams.websocket import new_websocket
from minikube_py.meta.errors import ApiError, BadRequest

logger = logging.getLogger(__name__)
_PROTOCOL = "portforward.k8s.io"
_TUNNEL = "SPDY/3.1+portforward.k8s.io"
_CHANNELS = "v4.channel.k8s.io"
_READ_BYTES = 64 * 1024
_QUEUED_PIECES = 64
Dial = Callable[[int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
Send = Callable[[bytes], Awaitable[None]]


async def over_spdy(
    request: web.Request, streams: PodStreams, namespace: str, pod: str
) -> web.StreamResponse:
    protocol = negotiated(request, (_PROTOCOL,))
    response, transport = await upgrade_to_spdy(request, {PROTOCOL_HEADER: protocol})
    await _forward_streams(SpdyConnection(transport), _dialer(streams, namespace, pod))
    return response


async def over_websocket(
    request: web.Request, streams: PodStreams, namespace: str, pod: str
) -> web.StreamResponse:
    dial = _dialer(streams, namespace, pod)
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    if _TUNNEL in offered:
        socket = new_websocket((_TUNNEL,))
        await socket.prepare(request)
        await _forward_streams(SpdyConnection(_WebSocketTransport(socket)), dial)
        return socket
    ports = _ports(request)
    socket = new_websocket((_CHANNELS,))
    await socket.prepare(request)
    await _forward_channels(socket, ports, dial)
    return socket


@dataclass
class Forwarded:
    """One connection to the pod and the client's end of it."""

    port: int
    send: Send
    fail: Callable[[str], Awaitable[None]]
    finish: Callable[[], Awaitable[None]]
    """Tells the client that nothing more comes."""
    incoming: asyncio.Queue[bytes] = field(
        default_factory=lambda: asyncio.Queue(maxsize=_QUEUED_PIECES)
    )
    """From the client; b"" is its end."""
    _is_over: bool = False

    async def put(self, data: bytes) -> None:
        """Waits while the pod is slow; once the pod has closed its end nothing waits for it."""
        if not self._is_over:
            await self.incoming.put(data)

    async def run(self, dial: Dial) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                await self._run(dial)
        finally:
            self._is_over = True
            while not self.incoming.empty():  # whoever waits in put goes on
                self.incoming.get_nowait()

    async def _run(self, dial: Dial) -> None:
        try:
            reader, writer = await dial(self.port)
        except (ApiError, OSError) as error:
            await self.fail(f"error forwarding port {self.port} to the pod: {error}")
            return
        try:
            await self._copy(reader, writer)
        finally:
            writer.close()
        await self.finish()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the pod closes its end; the client closing its own is only half of it."""
        upward = asyncio.ensure_future(self._copy_to_pod(writer))
        try:
            while data := await reader.read(_READ_BYTES):
                await self.send(data)
        except ConnectionError as error:
            logger.debug("Forwarded connection broke port=%d error=%s", self.port, error)
        finally:
            upward.cancel()
            await asyncio.gather(upward, return_exceptions=True)

    async def _copy_to_pod(self, writer: asyncio.StreamWriter) -> None:
        while data := await self.incoming.get():
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


class _Running:
    """The tasks of one request's connections: none outlives the request."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, forwarded: Forwarded) -> None:
        task = asyncio.ensure_future(forwarded.run(self._dial))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _forward_streams(connection: SpdyConnection, dial: Dial) -> None:
    """Streams come in pairs of one requestID: the error stream first, then the data stream."""
    running = _Running(dial)
    errors: dict[str, int] = {}
    forwarded: dict[int, Forwarded] = {}
    try:
        while (event := await connection.next_event()) is not None:
            if isinstance(event, Opened):
                _open_stream(event, connection, running, errors, forwarded)
            elif isinstance(event, Received):
                await _receive(forwarded.get(event.stream_id), event)
            elif (ended := forwarded.pop(event.stream_id, None)) is not None:
                await ended.put(b"")
    except ConnectionError as error:
        logger.debug("Port-forward ended error=%s", error)
    finally:
        await running.stop()


def _open_stream(
    event: Opened,
    connection: SpdyConnection,
    running: _Running,
    errors: dict[str, int],
    forwarded: dict[int, Forwarded],
) -> None:
    request_id = event.headers.get("requestid", "")
    if event.headers.get("streamtype") == "error":
        errors[request_id] = event.stream_id
        return
    opened = _forwarded_stream(event, connection, errors.pop(request_id, 0))
    forwarded[event.stream_id] = opened
    running.start(opened)


def _forwarded_stream(event: Opened, connection: SpdyConnection, error_stream: int) -> Forwarded:
    async def send(data: bytes) -> None:
        await connection.send(event.stream_id, data)

    async def fail(message: str) -> None:
        await connection.send(error_stream, message.encode(), fin=True)
        await connection.send(event.stream_id, b"", fin=True)

    async def finish() -> None:
        await connection.send(event.stream_id, b"", fin=True)
        await connection.send(error_stream, b"", fin=True)

    text = event.headers.get("port", "")
    return Forwarded(int(text) if text.isdecimal() else 0, send, fail, finish)


async def _receive(target: Forwarded | None, event: Received) -> None:
    if target is None:
        return
    if event.data:
        await target.put(event.data)
    if event.fin:
        await target.put(b"")


async def _forward_channels(socket: web.WebSocketResponse, ports: list[int], dial: Dial) -> None:
    """Port n has channels 2n (data) and 2n+1 (errors); each begins with its port, little-endian."""
    running = _Running(dial)
    connections = [_forwarded_channel(socket, 2 * n, port) for n, port in enumerate(ports)]
    try:
        for number, port in enumerate(ports):
            for channel in (2 * number, 2 * number + 1):
                await socket.send_bytes(bytes([channel]) + struct.pack("<H", port))
            running.start(connections[number])
        async for message in socket:
            if message.type is not WSMsgType.BINARY or not message.data:
                continue
            number, is_error = divmod(message.data[0], 2)
            if not is_error and number < len(connections) and len(message.data) > 1:
                await connections[number].put(message.data[1:])
    except ConnectionError as error:
        logger.debug("Port-forward ended error=%s", error)
    finally:
        await running.stop()


def _forwarded_channel(socket: web.WebSocketResponse, channel: int, port: int) -> Forwarded:
    async def send(data: bytes) -> None:
        await socket.send_bytes(bytes([channel]) + data)

    async def fail(message: str) -> None:
        await socket.send_bytes(bytes([channel + 1]) + message.encode())

    async def finish() -> None:
        """These channels have no end of their own: the socket's end is theirs."""
        await socket.close()

    return Forwarded(port, send, fail, finish)


class _WebSocketTransport(ByteTransport):
    """SPDY's bytes as the payload of binary messages."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        while True:
            message = await self._socket.receive()
            if message.type is not WSMsgType.BINARY:
                return b""
            if message.data:  # an empty write of the client's is an empty message, and no end
                return bytes(message.data)

    async def write(self, data: bytes) -> None:
        await self._socket.send_bytes(data)


def _dialer(streams: PodStreams, namespace: str, pod: str) -> Dial:
    async def dial(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not 0 < port < 65536:
            raise BadRequest(f"port {port} is not between 1 and 65535")
        return await streams.port_forward(namespace, pod, port)

    return dial


def _ports(request: web.Request) -> list[int]:
    texts = [text for value in request.query.getall("ports", []) for text in value.split(",")]
    if not texts:
        raise BadRequest("query parameter ports is required: name the pod's ports")
    for text in texts:
        if not text.isdecimal() or len(text) > 5 or not 0 < int(text) < 65536:
            raise BadRequest(f"unable to parse {text!r} as a port between 1 and 65535")
    return [int(text) for text in texts]
