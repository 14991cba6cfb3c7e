"""The line to one watcher: chunks of an answer that doesn't end, or, as browsers watch, messages of
a WebSocket, an event each.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from aiohttp import WSMsgType, web

from minikube_py.apiserver.partings import Partings
from minikube_py.apiserver.streams.websocket import is_websocket, new_websocket

logger = logging.getLogger(__name__)
PATIENCE_SECONDS = 30.0
"""How long a client may take nothing of what is there for it before it is cut off."""
_PROTOCOLS = ("binary.k8s.io", "base64.binary.k8s.io")
"""What browsers' clients offer beside their token; in a watch they change nothing."""


class Line:
    """`async with` it, then write. Writing waits while the client's socket is full; when it stays
    full the connection is broken off, for what is queued up behind it takes memory.
    """

    def __init__(self, request: web.Request, partings: Partings) -> None:
        self._request = request
        self._partings = partings
        self._loop = asyncio.get_running_loop()
        self._waits_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._socket = new_websocket(_PROTOCOLS) if is_websocket(request) else None
        self.response = self._socket or web.StreamResponse(
            headers={"Content-Type": "application/json"}
        )

    async def __aenter__(self) -> Self:
        await self.response.prepare(self._request)
        if self._socket is None:
            self._partings.spread(self._request.transport)
        self._look_later()
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            await self._socket.close()

    async def write(self, lines: bytes) -> None:
        """Whole lines, an event each."""
        self._waits_since = self._loop.time()
        try:
            if self._socket is None:
                await self.response.write(lines)
            else:
                for line in lines.splitlines():
                    await self._socket.send_str(line.decode())
        finally:
            self._waits_since = None

    @contextmanager
    def at_closing(self, told: Callable[[], None]) -> Iterator[None]:
        """Calls `told` when the client closes its WebSocket; other clients just go away."""
        if self._socket is None:
            yield
            return
        reading = asyncio.ensure_future(_until_closed(self._socket))

        def closed(_reading: asyncio.Future[None]) -> None:
            told()

        reading.add_done_callback(closed)
        try:
            yield
        finally:
            reading.remove_done_callback(closed)
            reading.cancel()

    def _look_later(self) -> None:
        self._timer = self._loop.call_later(PATIENCE_SECONDS / 2, self._look)

    def _look(self) -> None:
        since, transport = self._waits_since, self._request.transport
        if since is not None and self._loop.time() - since >= PATIENCE_SECONDS / 2:
            logger.info("Watcher cut off path=%s: it takes nothing", self._request.path)
            if transport is not None:
                transport.abort()
        else:
            self._look_later()


async def _until_closed(socket: web.WebSocketResponse) -> None:
    """A watcher has nothing to say: only its pings are answered."""
    while (await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
        pass
