"""Exec and port-forward over WebSocket (Kubernetes' channel protocol). aiohttp is imported by the
commands that come here, and by no other.

Each binary message begins with its channel's number: 0 stdin, 1 stdout, 2 stderr, 3 the Status at
the end, 4 the terminal's size, 255 (protocol v5) closes another channel.
"""

import asyncio
import base64
import contextlib
import fcntl
import json
import os
import signal
import struct
import sys
import termios
import threading
import tty
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp

from minikube_py.cli.errors import FAILED, OK, ApiFailure, CliError
from minikube_py.cli.rest import Client, Query, encoded
from minikube_py.cli.terminal import note

_STDIN, _STDOUT, _STDERR, _STATUS, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255
_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_CHUNK = 32768
_TLS_GOODBYE_SECONDS = 0.01  # aiohttp closes TLS connections a few loop turns after its session


@contextlib.asynccontextmanager
async def open_socket(
    client: Client, path: str, query: "Query | list[tuple[str, str]]", protocols: tuple[str, ...]
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Raises ApiFailure with the server's Status when it refuses."""
    text = (
        "&".join(encoded({k: v}) for k, v in query) if isinstance(query, list) else encoded(query)
    )
    url = client.access.server.rstrip("/") + path + "?" + text
    tls = client.credentials.tls
    try:
        async with aiohttp.ClientSession(headers=dict(client.credentials.headers)) as session:
            try:
                socket = await session.ws_connect(
                    url, protocols=protocols, ssl=tls if tls is not None else True, max_msg_size=0
                )
            except aiohttp.WSServerHandshakeError as error:
                raise await _refusal(session, url, client, error) from error
            except aiohttp.ClientError as error:
                raise CliError(f"cannot reach {client.access.server}: {error}") from error
            async with socket:
                yield socket
    finally:
        await asyncio.sleep(_TLS_GOODBYE_SECONDS)


async def _refusal(
    session: aiohttp.ClientSession,
    url: str,
    client: Client,
    error: aiohttp.WSServerHandshakeError,
) -> CliError:
    """aiohttp drops a refused handshake's body; the same request sent as a plain one shows it."""
    tls = client.credentials.tls
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Protocol": ", ".join(_PROTOCOLS),
    }
    async with session.get(url, ssl=tls if tls is not None else True, headers=headers) as answer:
        try:
            status = await answer.json(content_type=None) if answer.status >= 400 else {}
        except ValueError:
            status = {}
    if isinstance(status, dict) and status.get("kind") == "Status":
        return ApiFailure(status, answer.status)
    return CliError(f"the server refused the connection: {error.status} {error.message}")


async def run_exec(
    client: Client, path: str, query: list[tuple[str, str]], *, stdin: bool, terminal: bool
) -> int:
    """Runs until the remote command ends; returns its exit code."""
    async with open_socket(client, path, query, _PROTOCOLS) as socket:
        with _raw_terminal() if terminal else contextlib.nullcontext():
            async with asyncio.TaskGroup() as group:
                helpers = []
                if terminal:
                    helpers.append(group.create_task(_send_sizes(socket)))
                if stdin:
                    helpers.append(group.create_task(_send_stdin(socket)))
                status = await _receive(socket)
                for helper in helpers:
                    helper.cancel()
    return _exit_code(status)


async def _receive(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    status: dict[str, Any] = {}
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        channel, data = message.data[0], message.data[1:]
        if channel in (_STDOUT, _STDERR):
            _write_all(channel, data)
        elif channel == _STATUS and data:
            status = json.loads(data)
    return status or {"status": "Failure", "message": "the connection was lost"}


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


async def _send_stdin(socket: aiohttp.ClientWebSocketResponse) -> None:
    queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=8)
    loop = asyncio.get_running_loop()

    def read() -> None:
        # A thread, for a loop can't poll a plain file; it dies with the command.
        with contextlib.suppress(RuntimeError, OSError):
            while True:
                data = os.read(sys.stdin.fileno(), _CHUNK)
                asyncio.run_coroutine_threadsafe(queue.put(data), loop).result()
                if not data:
                    return

    threading.Thread(target=read, daemon=True).start()
    while data := await queue.get():
        await socket.send_bytes(bytes([_STDIN]) + data)
    if socket.protocol == _PROTOCOLS[0]:
        await socket.send_bytes(bytes([_CLOSE, _STDIN]))


async def _send_sizes(socket: aiohttp.ClientWebSocketResponse) -> None:
    changed = asyncio.Event()
    changed.set()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, changed.set)
    try:
        while True:
            await changed.wait()
            changed.clear()
            rows, columns = _terminal_size()
            size = json.dumps({"Width": columns, "Height": rows}).encode()
            await socket.send_bytes(bytes([_RESIZE]) + size)
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


def _terminal_size() -> tuple[int, int]:
    try:
        answer = fcntl.ioctl(sys.stdin.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
    except OSError:
        return 24, 80
    rows, columns, _, _ = struct.unpack("HHHH", answer)
    return rows or 24, columns or 80


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _exit_code(status: dict[str, Any]) -> int:
    if status.get("status") == "Success":
        return OK
    for cause in (status.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode":
            code = int(cause.get("message") or FAILED)
            note(f"command ended with exit code {code}")
            return code
    raise CliError(str(status.get("message") or "the command failed"))


class PortForward:
    """Listens on loopback; each connection is a WebSocket of its own to the Pod's port."""

    def __init__(self, client: Client, path: str, remote_port: int) -> None:
        self._client = client
        self._path = path
        self._remote_port = remote_port

    async def serve(self, address: str, local_port: int) -> asyncio.Server:
        return await asyncio.start_server(self._handle, address, local_port)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        query: Query = {"ports": self._remote_port}
        try:
            async with (
                open_socket(self._client, self._path, query, _PROTOCOLS[1:]) as socket,
                asyncio.TaskGroup() as group,
            ):
                upstream = group.create_task(_copy_up(reader, socket))
                await self._copy_down(socket, writer)
                upstream.cancel()
        except (CliError, OSError, ExceptionGroup) as error:
            note(f"port {self._remote_port}: {error}")
        finally:
            writer.close()

    async def _copy_down(
        self, socket: aiohttp.ClientWebSocketResponse, writer: asyncio.StreamWriter
    ) -> None:
        first = {0, 1}  # each channel begins with the port's number, two bytes
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                continue
            channel, data = message.data[0], message.data[1:]
            if channel in first:
                first.discard(channel)
                data = data[2:]
            if channel == 1 and data:
                note(f"port {self._remote_port}: {data.decode(errors='replace')}")
                return
            if channel == 0 and data:
                writer.write(data)
                await writer.drain()


async def _copy_up(reader: asyncio.StreamReader, socket: aiohttp.ClientWebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            await socket.send_bytes(b"\0" + data)
