"""Long answers of the engine, read by asyncio itself: logs, events, exec, attach, wait, pull.

The SDK blocks a thread for as long as a stream lives, and its HTTP parser may swallow the first
bytes after an upgrade. One connection a stream, closed after it, speaks HTTP/1.0 so the body
comes unframed. Short calls stay with the SDK.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from minikube_py.container_runtime.interface import RuntimeFailure, RuntimeUnavailable

_READ_LIMIT = 1 << 18
START_IT = "start it (systemctl start docker, or dockerd)"
"""What to do about an engine that does not answer."""


class EngineRefused(RuntimeFailure):
    """The engine's own error answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class EngineAddress:
    """Where the engine listens: a Unix socket's path, or host and port."""

    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"unix://{self.path}" if self.path else f"tcp://{self.host}:{self.port}"


def parse_address(url: str) -> EngineAddress:
    """Of DOCKER_HOST's shape. Raises RuntimeFailure for what mk cannot reach."""
    parts = urlsplit(url or "unix:///var/run/docker.sock")
    if parts.scheme in ("unix", "http+unix"):
        return EngineAddress(path=parts.netloc + parts.path)
    if parts.scheme in ("tcp", "http") and parts.hostname:
        return EngineAddress(host=parts.hostname, port=parts.port or 2375)
    raise RuntimeFailure(
        f"DOCKER_HOST={url!r} is not supported: mk needs this host's own engine, "
        "unix:///path/to/docker.sock or tcp://127.0.0.1:PORT"
    )


class EngineStream:
    """An answer's body as it comes; after an upgrade also the way in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, limit: int = _READ_LIMIT) -> bytes:
        """Some bytes, b"" at the end."""
        try:
            return await self._reader.read(limit)
        except ConnectionError:
            return b""

    async def read_all(self, limit: int = -1) -> bytes:
        """To the end, or at least `limit` bytes of more."""
        body = bytearray()
        while (limit < 0 or len(body) < limit) and (chunk := await self.read()):
            body += chunk
        return bytes(body)

    async def lines(self) -> AsyncIterator[bytes]:
        pending = b""
        while chunk := await self.read():
            *whole, pending = (pending + chunk).split(b"\n")
            for line in whole:
                yield line
        if pending:
            yield pending

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def end_input(self) -> None:
        if self._writer.can_write_eof():
            self._writer.write_eof()

    async def close(self) -> None:
        await _closed(self._writer)


class EngineSocket:
    """Opens streams. `version` answers the negotiated one, e.g. `1.41`."""

    def __init__(self, address: EngineAddress, version: Callable[[], Awaitable[str]]) -> None:
        self._address = address
        self._version = version

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[EngineStream]:
        """The stream is closed on leaving. Raises EngineRefused, RuntimeUnavailable."""
        stream = await self._open(method, path, query or {}, body, dict(headers or {}))
        try:
            yield stream
        finally:
            await stream.close()

    async def upgrade(
        self, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> EngineStream:
        """A POST whose connection becomes the process's streams; the caller closes it."""
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        return await self._open("POST", path, query or {}, body, headers)

    async def _open(
        self, method: str, path: str, query: Mapping[str, Any], body: Any, headers: dict[str, str]
    ) -> EngineStream:
        target = f"/v{await self._version()}{quote(path)}"
        if query:
            target += f"?{urlencode(query)}"
        reader, writer = await connect(self._address)
        try:
            writer.write(_head(method, target, body, headers))
            await _read_head(reader)
        except BaseException:
            await _closed(writer)
            raise
        return EngineStream(reader, writer)


async def connect(at: EngineAddress) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises RuntimeUnavailable with what to do about it."""
    try:
        if at.path:
            return await asyncio.open_unix_connection(at.path, limit=_READ_LIMIT)
        return await asyncio.open_connection(at.host, at.port, limit=_READ_LIMIT)
    except PermissionError as error:
        raise RuntimeUnavailable(
            f"Docker at {at} may not be used by this user: run with sudo"
        ) from error
    except OSError as error:
        raise RuntimeUnavailable(f"Docker does not run at {at}: {START_IT}") from error


async def check(at: EngineAddress) -> None:
    """Whether anyone listens. Raises RuntimeUnavailable."""
    _, writer = await connect(at)
    await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _head(method: str, target: str, body: Any, headers: dict[str, str]) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    # Upgrades are HTTP/1.1's; everything else is asked for unchunked.
    version = "1.1" if "Upgrade" in headers else "1.0"
    headers = {"Host": "docker", "Content-Type": "application/json", **headers}
    if content or method == "POST":
        headers["Content-Length"] = str(len(content))
    lines = [f"{method} {target} HTTP/{version}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def _read_head(reader: asyncio.StreamReader) -> None:
    """Raises EngineRefused for an error answer."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise RuntimeUnavailable(
            f"Docker closed the connection without an answer: if it has stopped, {START_IT}"
        ) from error
    status = int(head.split(b" ", 2)[1])
    if status >= 400:
        raise EngineRefused(status, _message(await reader.read(_READ_LIMIT)))


def _message(body: bytes) -> str:
    """The `message` of an error's JSON, wherever chunk sizes stand around it."""
    start, end = body.find(b"{"), body.rfind(b"}")
    try:
        return str(json.loads(body[start : end + 1])["message"]).strip()
    except (ValueError, KeyError):
        return body.decode(errors="replace").strip()
