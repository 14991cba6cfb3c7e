"""A process in a container as its caller holds it: exec, or attach to the main process.

Reads what comes over the upgraded connection; the engine is asked only for size and exit code.
"""

from collections import deque
from collections.abc import Awaitable, Callable

from minikube_py.container_runtime.engine_socket import EngineStream
from minikube_py.container_runtime.frames import Frames
from minikube_py.container_runtime.interface import LogStream


class EngineSession:
    """Satisfies ExecSession. `wait` answers the exit code once the streams have ended."""

    def __init__(
        self,
        stream: EngineStream,
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
