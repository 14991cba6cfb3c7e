"""exec and attach for containers on paper: the same reading of commands as their main processes,
and `sh` and `cat` that answer to stdin.
"""

import asyncio
from collections.abc import Sequence

from minikube_py.container_runtime.interface import LogStream
from minikube_py.container_runtime.paper_container import PaperContainer
from minikube_py.container_runtime.paper_programs import Ends, Says, steps_of

_Output = tuple[LogStream, bytes] | None


class PaperExec:
    """A command run in a container."""

    def __init__(self, container: PaperContainer, command: Sequence[str], *, tty: bool) -> None:
        self._container = container
        self._command = list(command)
        self._tty = tty
        self._output: asyncio.Queue[_Output] = asyncio.Queue()
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._typed = b""
        self._reads_stdin = self._command in (["sh"], ["/bin/sh"], ["bash"], ["cat"])
        if not self._reads_stdin:
            self._say(self._command)

    async def read(self) -> tuple[LogStream, bytes] | None:
        if self._code.done() and self._output.empty():
            return None
        return await self._output.get()

    async def write(self, data: bytes) -> None:
        if self._command == ["cat"]:
            self._output.put_nowait(("stdout", data))
        elif self._reads_stdin:
            *lines, self._typed = (self._typed + data).split(b"\n")
            for line in lines:
                self._line(line.decode(errors="replace").strip())

    async def close_stdin(self) -> None:
        if self._reads_stdin:
            self._finish(0)

    async def resize(self, width: int, height: int) -> None:
        """Paper has no size."""

    async def exit_code(self) -> int:
        return await asyncio.shield(self._code)

    async def close(self) -> None:
        self._finish(137)

    def _line(self, line: str) -> None:
        if line == "exit":
            self._finish(0)
        elif line:
            self._say(["sh", "-c", line], finish=False)

    def _say(self, command: list[str], *, finish: bool = True) -> None:
        """Takes no time: what would wait is passed over."""
        for step in steps_of(command, self._container.around, main=False):
            if isinstance(step, Says):
                stream: LogStream = "stdout" if self._tty else step.stream
                self._output.put_nowait((stream, step.text.encode()))
            elif isinstance(step, Ends) and finish:
                self._finish(step.code)
                return

    def _finish(self, code: int) -> None:
        if not self._code.done():
            self._code.set_result(code)
            self._output.put_nowait(None)


class PaperAttach:
    """The main process's output from now on."""

    def __init__(self, container: PaperContainer) -> None:
        self._container = container
        self._seen = container.said

    async def read(self) -> tuple[LogStream, bytes] | None:
        container = self._container
        while self._seen >= container.said:
            if not container.is_running:
                return None
            await container.news.wait()
        lines = list(container.lines)
        _, stream, text = lines[max(0, len(lines) - (container.said - self._seen))]
        self._seen += 1
        return stream, text.encode()

    async def write(self, data: bytes) -> None:
        """Nobody reads it."""

    async def close_stdin(self) -> None:
        """Nobody reads it."""

    async def resize(self, width: int, height: int) -> None:
        """Paper has no size."""

    async def exit_code(self) -> int:
        while self._container.is_running:
            await self._container.news.wait()
        return self._container.record.exit_code

    async def close(self) -> None:
        """Nothing is held."""
