"""PodStreams without pods: small programs that behave like processes in containers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Literal

from minikube_py.apiserver.streams.interface import LogRequest
from minikube_py.meta.errors import BadRequest, NotFound

Output = tuple[Literal["stdout", "stderr"], bytes]


class EchoSession:
    """`echo a b` prints and ends, `cat` echoes stdin until it closes, `exit n` ends with n, `both`
    writes to stdout and stderr, `size` reports the first resize, `sleep` never ends.
    """

    def __init__(self, command: Sequence[str], *, tty: bool) -> None:
        self._name, self._arguments = command[0], list(command[1:])
        self._tty = tty
        self._output: asyncio.Queue[Output | None] = asyncio.Queue()
        self.closed = asyncio.Event()
        self.received = b""
        self._code = 0
        self._start()

    def _start(self) -> None:
        match self._name:
            case "echo":
                self._output.put_nowait(("stdout", " ".join(self._arguments).encode() + b"\n"))
                self._end()
            case "both":
                self._output.put_nowait(("stdout", b"out\n"))
                self._output.put_nowait(("stdout" if self._tty else "stderr", b"err\n"))
                self._end()
            case "exit":
                self._end(int(self._arguments[0]))
            case "flood":
                for _ in range(int(self._arguments[0])):
                    self._output.put_nowait(("stdout", b"x" * 32768))
                self._end()

    def _end(self, code: int = 0) -> None:
        self._code = code
        self._output.put_nowait(None)

    async def read(self) -> Output | None:
        return await self._output.get()

    async def write(self, data: bytes) -> None:
        self.received += data
        if self._name == "cat":
            self._output.put_nowait(("stdout", data))

    async def close_stdin(self) -> None:
        if self._name == "cat":
            self._end()
        elif self._name == "count":
            self._output.put_nowait(("stdout", f"{len(self.received)}\n".encode()))
            self._end()

    async def resize(self, width: int, height: int) -> None:
        if self._name == "size":
            self._output.put_nowait(("stdout", f"{width}x{height}\n".encode()))
            self._end()

    async def exit_code(self) -> int:
        return self._code

    async def close(self) -> None:
        self.closed.set()


class EchoStreams:
    """One pod, `web`, with the containers `main` and `side`."""

    def __init__(self) -> None:
        self.sessions: list[EchoSession] = []
        self.log_requests: list[LogRequest] = []
        self.more_lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.forward_to = ("127.0.0.1", 0)
        self.left = asyncio.Event()

    def _check(self, namespace: str, pod: str, container: str | None) -> None:
        if pod != "web":
            raise NotFound.of("", "pods", pod)
        if container not in (None, "main", "side"):
            raise BadRequest(f"container {container} is not valid for pod {pod}: main, side")

    async def logs(
        self, namespace: str, pod: str, container: str | None, options: LogRequest
    ) -> AsyncIterator[bytes]:
        self._check(namespace, pod, container)
        self.log_requests.append(options)
        return self._lines(options)

    async def _lines(self, options: LogRequest) -> AsyncIterator[bytes]:
        lines = [b"one\n", b"two\n", b"three\n"]
        for line in lines[-options.tail :] if options.tail is not None else lines:
            yield line
        try:
            while options.follow and (line := await self.more_lines.get()) is not None:  # type: ignore[assignment]
                yield line
        finally:
            self.left.set()

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str | None,
        command: Sequence[str],
        *,
        stdin: bool,
        tty: bool,
    ) -> EchoSession:
        self._check(namespace, pod, container)
        session = EchoSession(command, tty=tty)
        self.sessions.append(session)
        return session

    async def attach(
        self, namespace: str, pod: str, container: str | None, *, stdin: bool, tty: bool
    ) -> EchoSession:
        return await self.exec(namespace, pod, container, ["cat"], stdin=stdin, tty=tty)

    async def port_forward(
        self, namespace: str, pod: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._check(namespace, pod, None)
        if port == 81:
            raise ConnectionRefusedError(f"nothing listens on port {port}")
        return await asyncio.open_connection(*self.forward_to)
