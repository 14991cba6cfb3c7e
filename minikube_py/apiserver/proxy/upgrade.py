"""A proxied WebSocket, or whatever else a client upgrades to: once the proxied server has agreed,
bytes go both ways as they come.
"""

import asyncio
import contextlib
import ssl

from aiohttp import web
from multidict import CIMultiDict

from minikube_py.apiserver.proxy.location import Location
from minikube_py.apiserver.proxy.rewriting import forwarded_headers
from minikube_py.apiserver.proxy.transport import ProxyTransport, unverified
from minikube_py.apiserver.streams.upgrade import UpgradedConnection, take_over
from minikube_py.meta.errors import BadRequest, ServiceUnavailable

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 30.0
_HEAD_BYTES = 64 * 1024
_REFUSAL_BYTES = 64 * 1024
_PIECE_BYTES = 64 * 1024


async def forward_upgrade(
    request: web.Request,
    transport: ProxyTransport,
    location: Location,
    target: str,
    trust: ssl.SSLContext | None = None,
    headers: list[tuple[str, str]] | None = None,
) -> web.StreamResponse:
    """Raises ServiceUnavailable when the server can't be reached or says nothing sensible."""
    reader, writer = await _connect(transport, location, trust)
    try:
        passed = headers or forwarded_headers(
            request.headers.items(),
            client=request.remote or "",
            uri=request.raw_path.partition("?")[0],
        )
        passed = [*passed, ("Connection", "Upgrade"), ("Upgrade", request.headers["Upgrade"])]
        writer.write(_head(request.method, target, passed))
        status, answered = await _read_head(reader)
        if status != 101:
            return await _refused(request, reader, status, answered)
        response, client = await take_over(request, answered)
        await _join(client, reader, writer)
        return response
    finally:
        writer.close()


async def _connect(
    transport: ProxyTransport, location: Location, trust: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reached = transport.reach(location)
    secure = (trust or unverified()) if location.scheme == "https" else None
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await asyncio.open_connection(
                reached.host,
                reached.port,
                ssl=secure,
                server_hostname=(location.server_name or None) if secure else None,
                limit=_HEAD_BYTES,
            )
    except (OSError, TimeoutError) as error:
        raise ServiceUnavailable(
            f"error trying to reach service: {str(error) or 'timed out'}"
        ) from error


def _head(method: str, target: str, headers: list[tuple[str, str]]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if any("\r" in line or "\n" in line for line in lines):
        raise BadRequest("a line break in a header")  # a user's name, for one, may hold anything
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, CIMultiDict[str]]:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("utf-8", "surrogateescape").rstrip("\r\n").split("\r\n")
        status = int(first.split(" ", 2)[1])
    except (
        asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, TimeoutError,
        ValueError, IndexError,
    ) as error:  # fmt: skip
        raise ServiceUnavailable("error trying to reach service: no HTTP answer") from error
    headers: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        name, _, value = line.partition(":")
        headers.add(name.strip(), value.strip())
    return status, headers


async def _refused(
    request: web.Request, reader: asyncio.StreamReader, status: int, headers: CIMultiDict[str]
) -> web.StreamResponse:
    """An ordinary answer instead of an upgrade: its beginning is passed on."""
    length = headers.get("Content-Length", "")
    body = b""
    if length.isdecimal():
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS):
                body = await reader.readexactly(min(int(length), _REFUSAL_BYTES))
    kept = {"Content-Type": headers.get("Content-Type", "text/plain")}
    response = web.Response(status=status, body=body, headers=kept)
    response.force_close()
    await response.prepare(request)
    await response.write_eof()
    return response


async def _join(
    client: UpgradedConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Until either side has ended; each direction waits for its receiver."""
    ways = {
        asyncio.ensure_future(_to_server(client, writer)),
        asyncio.ensure_future(_to_client(reader, client)),
    }
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _to_server(client: UpgradedConnection, writer: asyncio.StreamWriter) -> None:
    while data := await client.read():
        writer.write(data)
        await writer.drain()


async def _to_client(reader: asyncio.StreamReader, client: UpgradedConnection) -> None:
    while data := await reader.read(_PIECE_BYTES):
        await client.write(data)
