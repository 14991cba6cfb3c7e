"""Output of containers as the engine frames it, back to streams and whole lines. Pure.

Without a tty each write is a frame: stream number, three zero bytes, length (4 bytes, big-endian),
content. With a tty the bytes come as they are and all count as stdout.
"""

from collections.abc import Iterator

from minikube_py.container_runtime.interface import LogStream

_STREAMS: dict[int, LogStream] = {0: "stdout", 1: "stdout", 2: "stderr"}
_HEADER = 8
_LONGEST_LINE = 1 << 20


class Frames:
    """Takes chunks cut anywhere, gives whole frames."""

    def __init__(self, *, raw: bool) -> None:
        self._raw = raw
        self._pending = bytearray()

    def feed(self, chunk: bytes) -> Iterator[tuple[LogStream, bytes]]:
        if self._raw:
            yield "stdout", chunk
            return
        pending = self._pending
        pending += chunk
        start = 0
        while len(pending) - start >= _HEADER:
            size = int.from_bytes(pending[start + 4 : start + _HEADER], "big")
            end = start + _HEADER + size
            if len(pending) < end:
                break
            yield _STREAMS.get(pending[start], "stdout"), bytes(pending[start + _HEADER : end])
            start = end
        del pending[:start]


class Lines:
    """Joins what the engine's log cut: it stores a line longer than 16 KiB in pieces, each with a
    time of its own. A line above 1 MiB is passed on in parts.
    """

    def __init__(self) -> None:
        self._open: dict[LogStream, bytearray] = {}

    def feed(
        self, stream: LogStream, piece: bytes, *, stamp: bytes = b""
    ) -> Iterator[tuple[LogStream, bytes]]:
        """`stamp` goes before a line that begins with this piece."""
        line = self._open.pop(stream, None) or bytearray(stamp)
        line += piece
        whole, newline, rest = bytes(line).rpartition(b"\n")
        if newline:
            for text in whole.split(b"\n"):
                yield stream, text + b"\n"
        if len(rest) > _LONGEST_LINE:
            yield stream, rest
        elif rest:
            self._open[stream] = bytearray(rest)

    def end(self) -> Iterator[tuple[LogStream, bytes]]:
        """What is left when the container has ended without a last newline."""
        for stream, rest in self._open.items():
            yield stream, bytes(rest)
        self._open.clear()
