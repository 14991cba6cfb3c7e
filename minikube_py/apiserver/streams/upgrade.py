"""Taking an HTTP connection over for another protocol, which aiohttp itself does for WebSocket
only.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from aiohttp import web

from minikube_py.apiserver.streams.spdy import ByteTransport

if TYPE_CHECKING:
    from aiohttp._websocket.reader_py import WebSocketReader

SPDY = "SPDY/3.1"
_HIGH_WATER_BYTES = 256 * 1024


def is_spdy(request: web.Request) -> bool:
    upgrades = request.headers.get("Upgrade", "").lower()
    return SPDY.lower() in [part.strip() for part in upgrades.split(",")]


async def upgrade_to_spdy(
    request: web.Request, headers: dict[str, str]
) -> "tuple[web.StreamResponse, UpgradedConnection]":
    """Answers 101. What the client sends from now on is read from the returned connection."""
    return await take_over(request, {**headers, "Connection": "Upgrade", "Upgrade": SPDY})


async def take_over(
    request: web.Request, headers: Mapping[str, str]
) -> "tuple[web.StreamResponse, UpgradedConnection]":
    """Answers 101 with these headers; from then on the connection's bytes are the caller's."""
    connection = UpgradedConnection(request)
    response = web.StreamResponse(status=101, headers=headers)
    response.force_close()
    # The client speaks only after the 101, so the parser is in place before the first byte.
    request.protocol.set_parser(cast("WebSocketReader", connection))  # has all that is called
    writer = await response.prepare(request)
    if writer is not None:
        writer.send_headers()
    return response, connection


class UpgradedConnection(ByteTransport):
    """Bounded: beyond _HIGH_WATER_BYTES unread the socket is not read on."""

    def __init__(self, request: web.Request) -> None:
        self._protocol = request.protocol
        self._transport = request.transport
        self._buffer = bytearray()
        self._ended = False
        self._paused = False
        self._arrived = asyncio.Event()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Called by aiohttp with what came from the socket."""
        self._buffer += data
        self._arrived.set()
        if len(self._buffer) > _HIGH_WATER_BYTES and not self._paused and self._transport:
            self._paused = True
            self._transport.pause_reading()
        return False, b""

    def feed_eof(self) -> None:
        self._ended = True
        self._arrived.set()

    async def read(self) -> bytes:
        while not self._buffer:
            if self._ended:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._buffer)
        self._buffer.clear()
        if self._paused and self._transport and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the client is gone")
        self._transport.write(data)
        await self._protocol._drain_helper()  # what aiohttp's own writers wait for
