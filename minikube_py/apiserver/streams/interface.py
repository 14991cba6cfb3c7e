"""What the API server asks of whoever runs the pods: the kubelet, or a fake in tests.

Every call may raise ApiError (BadRequest naming the containers when the choice is ambiguous,
NotFound, …) before anything is streamed.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True)
class LogRequest:
    """`tail` counts lines, `limit_bytes` bytes; `since_seconds` and `since_time` exclude each
    other.
    """

    follow: bool = False
    previous: bool = False
    tail: int | None = None
    since_seconds: int | None = None
    since_time: datetime | None = None
    timestamps: bool = False
    limit_bytes: int | None = None
    stream: Literal["All", "Stdout", "Stderr"] = "All"


class StreamSession(Protocol):
    """A process in a container: the part of the runtime's ExecSession that streaming needs."""

    async def read(self) -> tuple[Literal["stdout", "stderr"], bytes] | None: ...

    async def write(self, data: bytes) -> None: ...

    async def close_stdin(self) -> None: ...

    async def resize(self, width: int, height: int) -> None: ...

    async def exit_code(self) -> int: ...

    async def close(self) -> None: ...


class PodStreams(Protocol):
    async def logs(
        self, namespace: str, pod: str, container: str | None, options: LogRequest
    ) -> AsyncIterator[bytes]: ...

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str | None,
        command: Sequence[str],
        *,
        stdin: bool,
        tty: bool,
    ) -> StreamSession: ...

    async def attach(
        self, namespace: str, pod: str, container: str | None, *, stdin: bool, tty: bool
    ) -> StreamSession: ...

    async def port_forward(
        self, namespace: str, pod: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]: ...
