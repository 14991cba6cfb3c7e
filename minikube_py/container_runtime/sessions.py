"""A process in a container as its caller holds it: exec, or attach to the main process.

Reads what comes over the upgraded connection; the engine is asked only for size and exit code.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from minikube_py.container_runtime.frames import Frames
from minikube_py.container_runtime.interface import LogStream

_LAST_WORDS_SECONDS = 1.0


class Stream(Protocol):
    """Bytes in both directions; reading gives b"" at the end."""

    async def read(self) -> bytes: ...
    async def write(self, data: bytes) -> None: ...
    def end_input(self) -> None: ...
    async def close(self) -> None: ...


class UntilEnd:
    """A stream that also ends, moments later, when what `ended` waits for has come."""

    def __init__(self, stream: Stream, ended: Callable[[], Awaitable[int]]) -> None:
        self._stream = stream
        self._ended = asyncio.ensure_future(ended())
        self._reading: asyncio.Future[bytes] | None = None

    async def read(self) -> bytes:
        reading = self._reading or asyncio.ensure_future(self._stream.read())
        self._reading = reading
        either: set[asyncio.Future[Any]] = {reading, self._ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            await asyncio.wait({reading}, timeout=_LAST_WORDS_SECONDS)
        if not reading.done():
            return b""
        self._reading = None
        return reading.result()

    async def write(self, data: bytes) -> None:
        await self._stream.write(data)

    def end_input(self) -> None:
        self._stream.end_input()

    async def close(self) -> None:
        await self._stream.close()
        left = [task for task in (self._ended, self._reading) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


class EngineSession:
    """Satisfies ExecSession. `wait` answers the exit code once the streams have ended."""

    def __init__(
        self,
        stream: Stream,
        *,
        tty: bool,
        resize: Callable[[int, int], Awaitable[None]],
        wait: Callable[[], Awaitable[int]],
    ) -> None:
        self._stream = stream
        self._frames = Frames(raw=tty)
        self._ready: deque[tuple[LogStream, bytes]] = deque()
        self._resize = resize
        self._wait = wait

    async def read(self) -> tuple[LogStream, bytes] | None:
        while not self._ready:
            chunk = await self._stream.read()
            if not chunk:
                return None
            self._ready.extend(self._frames.feed(chunk))
        return self._ready.popleft()

    async def write(self, data: bytes) -> None:
        await self._stream.write(data)

    async def close_stdin(self) -> None:
        self._stream.end_input()

    async def resize(self, width: int, height: int) -> None:
        await self._resize(width, height)

    async def exit_code(self) -> int:
        return await self._wait()

    async def close(self) -> None:
        await self._stream.close()
