"""Exec and attach over WebSocket: `v5.channel.k8s.io` and its elders. The first byte of a message
is its channel; v5 can close stdin (KEP-4006), the base64 variants are for browsers.
"""

import base64
import binascii
from typing import Any, Literal

from aiohttp import WSMsgType, web

from minikube_py.apiserver.streams.session import Input, Remote, Resize, Stdin, StdinClosed
from minikube_py.meta.encoding import decode, encode
from minikube_py.meta.errors import ApiError

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "v3.channel.k8s.io",
    "v2.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
)
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_STATUS_PROTOCOLS = ("v5.", "v4.")


def is_websocket(request: web.Request) -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


def new_websocket(protocols: tuple[str, ...]) -> web.WebSocketResponse:
    return web.WebSocketResponse(
        protocols=protocols, max_msg_size=MAX_MESSAGE_BYTES, compress=False, timeout=2.0
    )


class WebSocketRemote(Remote):
    def __init__(self, socket: web.WebSocketResponse) -> None:
        """`socket` is prepared: its subprotocol is agreed on."""
        self._socket = socket
        self._protocol = socket.ws_protocol or "channel.k8s.io"
        self._base64 = "base64" in self._protocol

    async def receive(self) -> Input | None:
        while True:
            message = await self._socket.receive()
            if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                return None
            event = self._event(self._channel_message(message.data))
            if event is not None:
                return event

    async def send(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:
        await self._send(STDOUT if stream == "stdout" else STDERR, data)

    async def finish(self, status: dict[str, Any]) -> None:
        """Before v4 the error channel is plain text, and empty on success."""
        if self._protocol.startswith(_STATUS_PROTOCOLS):
            await self._send(ERROR, encode(status))
        elif status.get("status") != "Success":
            await self._send(ERROR, str(status.get("message", "")).encode())
        await self._socket.close()

    async def _send(self, channel: int, data: bytes) -> None:
        if self._base64:
            await self._socket.send_str(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await self._socket.send_bytes(bytes([channel]) + data)

    def _channel_message(self, message: bytes | str) -> bytes:
        """The message as channel byte and data; b"" when it is neither."""
        if not self._base64:
            return message.encode() if isinstance(message, str) else bytes(message)
        text = message if isinstance(message, str) else message.decode("ascii", "replace")
        if not text[:1].isdecimal():
            return b""
        try:
            return bytes([int(text[0])]) + base64.b64decode(text[1:], validate=True)
        except binascii.Error:
            return b""

    def _event(self, message: bytes) -> Input | None:
        if not message:
            return None
        channel, data = message[0], message[1:]
        if channel == STDIN:
            return Stdin(data) if data else None
        if channel == RESIZE:
            return read_resize(data)
        if channel == CLOSE and data[:1] == bytes([STDIN]) and self._protocol.startswith("v5."):
            return StdinClosed()
        return None


def read_resize(data: bytes) -> Resize | None:
    """`{"Width":80,"Height":24}`; anything else is ignored, as a terminal's size is never vital."""
    try:
        size = decode(data)
        return Resize(int(size["Width"]), int(size["Height"]))
    except (ApiError, KeyError, TypeError, ValueError):
        return None
