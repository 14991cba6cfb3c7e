"""A container's output as the engine keeps it (json-file): whole lines, also after it has ended.

Followed, it is read from the engine's files. Where those can't be read (of a container that was
not started yet, or of another log driver) the engine is asked to follow. It ends that stream when
the container ends, even when it has not sent all yet, and when it is restarted itself. So each
message is read with its time, and whatever ended the stream, reading goes on behind the last
message until an ended container has been read to its end.
"""

import os
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
)
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from minikube_py.container_runtime import observe
from minikube_py.container_runtime.engine_calls import Call
from minikube_py.container_runtime.engine_socket import EngineSocket
from minikube_py.container_runtime.followed_logs import Message, follow
from minikube_py.container_runtime.frames import Frames, Lines
from minikube_py.container_runtime.interface import LogOptions, LogStream, NoSuchContainer


async def read_logs(
    call: Call,
    socket: EngineSocket,
    container_id: str,
    options: LogOptions,
    ended: Callable[[str], Awaitable[object]],
) -> AsyncIterator[tuple[LogStream, bytes]]:
    """Ends with the container when following; `ended` waits for that. Raises NoSuchContainer."""
    inspected = await call(lambda api: api.inspect_container(container_id))
    path = str(inspected.get("LogPath") or "")
    if options.follow and os.access(path, os.R_OK):
        messages = follow(Path(path), options, lambda: ended(container_id))
    else:
        messages = _asked(call, socket, inspected, options)
    lines = Lines()
    async with aclosing(messages):
        async for portion in messages:
            for stream, stamp, content in portion:
                shown = stamp + b" " if options.timestamps else b""
                for line in lines.feed(stream, content, stamp=shown):
                    yield line
    for line in lines.end():
        yield line


async def _asked(
    call: Call, socket: EngineSocket, inspected: Mapping[str, Any], options: LogOptions
) -> AsyncGenerator[list[Message], None]:
    container_id = inspected["Id"]
    reader = _Reader(socket, container_id, raw=bool(inspected["Config"]["Tty"]))
    if options.follow and options.tail == 0:
        await reader.skip_to_end(options)
        options = replace(options, tail=None)
    try:
        while True:
            follow = options.follow and bool(inspected["State"]["Running"])
            async for messages in reader.read(replace(options, follow=follow)):
                yield messages
            if not follow:
                return
            inspected = await call(lambda api: api.inspect_container(container_id))
    except NoSuchContainer:  # removed while followed
        pass


class _Reader:
    """Remembers the time of the last message and how many of that very time have been read."""

    def __init__(self, socket: EngineSocket, container_id: str, *, raw: bool) -> None:
        self._socket = socket
        self._path = f"/containers/{container_id}/logs"
        self._raw = raw
        self._last = b""
        self._of_last = 0
        self._repeated = 0

    async def skip_to_end(self, options: LogOptions) -> None:
        async for _ in self.read(replace(options, follow=False, tail=1)):
            pass

    async def read(self, options: LogOptions) -> AsyncIterator[list[Message]]:
        """Those after the last one read, as many at a time as there are."""
        self._repeated = self._of_last
        pieces = _Pieces(raw=self._raw)
        async with self._socket.request("GET", self._path, query=self._query(options)) as stream:
            while chunk := await stream.read():
                yield self._new(pieces.feed(chunk))
        yield self._new(pieces.end())

    def _new(self, pieces: Iterable[tuple[LogStream, bytes]]) -> list[Message]:
        new: list[Message] = []
        for source, piece in pieces:
            stamp, _, content = piece.partition(b" ")
            if stamp != self._last:
                self._last, self._of_last, self._repeated = stamp, 0, 0
            elif self._repeated:
                self._repeated -= 1
                continue
            self._of_last += 1
            new.append((source, stamp, content))
        return new

    def _query(self, options: LogOptions) -> dict[str, Any]:
        query: dict[str, Any] = {
            "stdout": 1,
            "stderr": 1,
            "timestamps": 1,
            "follow": int(options.follow),
            "tail": "all" if options.tail is None or self._last else options.tail,
        }
        if self._last:
            query["since"] = _exact(self._last)
        elif options.since is not None:
            query["since"] = observe.engine_time(options.since)
        if options.until is not None:
            query["until"] = observe.engine_time(options.until)
        return query


class _Pieces:
    """What was logged, message by message. With a terminal they come unframed and are lines."""

    def __init__(self, *, raw: bool) -> None:
        self._frames = Frames(raw=False)
        self._raw = raw
        self._pending = b""

    def feed(self, chunk: bytes) -> Iterable[tuple[LogStream, bytes]]:
        if not self._raw:
            return self._frames.feed(chunk)
        *whole, self._pending = (self._pending + chunk).split(b"\n")
        return [("stdout", line + b"\n") for line in whole]

    def end(self) -> Iterable[tuple[LogStream, bytes]]:
        return [("stdout", self._pending)] if self._pending else []


def _exact(stamp: bytes) -> str:
    """Seconds and nanoseconds of a time with nine digits, which datetime cannot hold."""
    head, _, fraction = stamp.decode().rstrip("Z").partition(".")
    seconds = datetime.fromisoformat(f"{head}+00:00") - datetime.fromisoformat(_EPOCH)
    return f"{seconds // timedelta(seconds=1)}.{fraction.ljust(9, '0')}"


_EPOCH = "1970-01-01T00:00:00+00:00"
