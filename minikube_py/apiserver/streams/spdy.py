"""One SPDY/3.1 connection, the server's side: which streams the client opened and what came on
them.

Pulled, not pushed: nothing is read from the network until someone asks for the next event, so a
slow consumer slows its client. Windows are not kept, as no Kubernetes client keeps them.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from minikube_py.apiserver.streams.spdy_frames import (
    FLAG_FIN,
    GOAWAY,
    PING,
    RST_STREAM,
    SYN_STREAM,
    ControlFrame,
    DataFrame,
    Frame,
    FrameReader,
    FrameWriter,
)

_MAX_STREAMS = 4096
_REFUSED_STREAM = 3


class ByteTransport(Protocol):
    """A TCP connection after its upgrade, or the same tunnelled in a WebSocket."""

    async def read(self) -> bytes:
        """b"" at the end."""
        ...

    async def write(self, data: bytes) -> None: ...


@dataclass(frozen=True)
class Opened:
    stream_id: int
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Received:
    """`data` may be empty; `fin`: the client will send no more on this stream."""

    stream_id: int
    data: bytes
    fin: bool


@dataclass(frozen=True)
class Reset:
    stream_id: int


Event = Opened | Received | Reset


class SpdyConnection:
    def __init__(self, transport: ByteTransport) -> None:
        self._transport = transport
        self._reader = FrameReader()
        self._writer = FrameWriter()
        self._frames: deque[Frame] = deque()
        self._open: set[int] = set()
        self._ended = False

    async def next_event(self) -> Event | None:
        """None when the client is gone; raises SpdyError when it broke the protocol."""
        while not self._ended:
            while self._frames:
                event = await self._handle(self._frames.popleft())
                if event is not None or self._ended:
                    return event
            data = await self._transport.read()
            if not data:
                break
            self._frames.extend(self._reader.feed(data))
        return None

    async def send(self, stream_id: int, data: bytes, *, fin: bool = False) -> None:
        """Silently nothing once the client has reset the stream."""
        if stream_id not in self._open:
            return
        if fin:
            self._open.discard(stream_id)
        await self._transport.write(self._writer.data(stream_id, data, fin=fin))

    async def go_away(self) -> None:
        await self._transport.write(self._writer.goaway(max(self._open, default=0)))

    async def _handle(self, frame: Frame) -> Event | None:
        if isinstance(frame, DataFrame):
            return Received(frame.stream_id, frame.data, bool(frame.flags & FLAG_FIN))
        match frame.type:
            case t if t == SYN_STREAM:
                return await self._accept(frame)
            case t if t == RST_STREAM:
                self._open.discard(frame.stream_id)
                return Reset(frame.stream_id)
            case t if t == PING and frame.stream_id % 2 == 1:
                await self._transport.write(self._writer.ping(frame.stream_id))
            case t if t == GOAWAY:
                self._ended = not self._open
        return None

    async def _accept(self, frame: ControlFrame) -> Event | None:
        if len(self._open) >= _MAX_STREAMS:
            await self._transport.write(self._writer.rst_stream(frame.stream_id, _REFUSED_STREAM))
            return None
        self._open.add(frame.stream_id)
        await self._transport.write(self._writer.syn_reply(frame.stream_id, {}))
        return Opened(frame.stream_id, frame.headers)
