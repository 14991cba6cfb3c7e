"""A container's output from the engine's own files, while it is written and until it ends."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Final

from minikube_py.container_runtime.interface import (
    LogOptions,
    LogStream,
    NoSuchContainer,
    RuntimeUnavailable,
)
from minikube_py.container_runtime.log_files import LogFiles
from minikube_py.meta.encoding import decode
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.timestamps import parse_time

LOOK_SECONDS: Final = 0.05
_AWAY_SECONDS: Final = 1.0
_STREAMS: Final[dict[str, LogStream]] = {"stdout": "stdout", "stderr": "stderr"}
Message = tuple[LogStream, bytes, bytes]
"""Stream, time with nine digits of a second, content."""


async def follow(
    path: Path, options: LogOptions, ended: Callable[[], Awaitable[object]]
) -> AsyncGenerator[list[Message], None]:
    """Until `ended` returns and all is read; `tail` counts from what is there at first.

    Between two looks at the file nothing is asked of the engine: it may be away meanwhile.
    """
    files, ending = LogFiles(path), asyncio.ensure_future(_until(ended))
    try:
        async with aclosing(_portions(files, ending, options.tail)) as portions:
            async for lines in portions:
                messages = [message for line in lines if (message := _parsed(line)) is not None]
                chosen = [each for each in messages if _is_wanted(each, options)]
                if chosen:
                    yield chosen
                if options.until and any(_time(each) > options.until for each in messages):
                    return
    finally:
        ending.cancel()
        files.close()


async def _portions(
    files: LogFiles, ending: asyncio.Future[None], tail: int | None
) -> AsyncGenerator[Sequence[bytes], None]:
    if tail is not None:
        last: deque[bytes] = deque(maxlen=tail)
        while lines := files.read():
            last.extend(lines)
            await asyncio.sleep(0)
        yield list(last)
    while True:
        is_over = ending.done()  # asked first: what is read then is all there will be
        if lines := files.read():
            yield lines
            await asyncio.sleep(0)
        elif is_over:
            return
        else:
            await asyncio.wait({ending}, timeout=LOOK_SECONDS)


async def _until(ended: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await ended()
        except NoSuchContainer:
            return
        except RuntimeUnavailable:  # restarted: only it can say whether the container went with it
            await asyncio.sleep(_AWAY_SECONDS)
        else:
            return


def _parsed(line: bytes) -> Message | None:
    """None for a line that a crash of the engine left unfinished."""
    try:
        record = decode(line)
        stream = _STREAMS[record["stream"]]
        return stream, _stamp(record["time"]), record["log"].encode()
    except (BadRequest, KeyError, TypeError):
        return None


def _stamp(time: str) -> bytes:
    """With all nine digits, as the engine's own answers show it."""
    head, _, fraction = time.removesuffix("Z").partition(".")
    return f"{head}.{fraction:0<9}Z".encode()


def _is_wanted(message: Message, options: LogOptions) -> bool:
    if options.since is None and options.until is None:
        return True
    at = _time(message)
    return not (options.since and at < options.since) and not (options.until and at > options.until)


def _time(message: Message) -> datetime:
    return parse_time(message[1].decode())
