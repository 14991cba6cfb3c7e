"""Finds where a message's body ends, without looking at what is in it. Pure.

`feed` returns the bytes that belong to the body and may be passed on, and keeps to itself what it
can't vouch for yet (half a chunk's header line).
"""

import re
from typing import Final, Protocol

from minikube_py.network.http.head import BadMessage

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*+(?:;[\t\x20-\x7e\x80-\xff]*+)?\r\n")
_TRAILER_LINE = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[^\x00-\x08\x0a-\x1f\x7f]*+)?\r\n")
_LONGEST_LINE: Final = 4096
_LARGEST_TRAILER: Final = 16384


class Body(Protocol):
    """`done` once the body is complete; bytes after its end are then in `rest`."""

    done: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes: ...


class Fixed:
    """Content-Length."""

    __slots__ = ("_left", "done", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        if len(data) < self._left:
            self._left -= len(data)
            return data
        body, self.rest = data[: self._left], data[self._left :]
        self._left = 0
        self.done = True
        return body


class UntilClose:
    """The body of an answer that names no length."""

    __slots__ = ("done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        return data


class Chunked:
    """Transfer-Encoding: chunked, passed on as it is. Raises BadMessage on anything unusual."""

    __slots__ = ("_held", "_in_trailer", "_left", "_trailer_size", "done", "rest")

    def __init__(self) -> None:
        self._held = b""
        self._left = 0  # of a chunk's data and the CRLF behind it
        self._in_trailer = False
        self._trailer_size = 0
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        if self._held:
            data = self._held + data
            self._held = b""
        position = 0
        while position < len(data) and not self.done:
            step = self._data(data, position) if self._left else self._line(data, position)
            if step == 0:
                self._held = data[position:]
                return data[:position]
            position += step
        if self.done:
            self.rest = data[position:]
        return data[:position]

    def _data(self, data: bytes, position: int) -> int:
        """Bytes of the chunk in hand; its closing CRLF is judged as a whole."""
        have = len(data) - position
        if have < self._left:
            step = min(have, self._left - 2)
            self._left -= max(step, 0)
            return max(step, 0)
        end = position + self._left
        if data[end - 2 : end] != b"\r\n":
            raise BadMessage(400, "a chunk does not end where it said")
        step, self._left = self._left, 0
        return step

    def _line(self, data: bytes, position: int) -> int:
        pattern = _TRAILER_LINE if self._in_trailer else _SIZE_LINE
        found = pattern.match(data, position)
        if found is None:
            end = data.find(b"\n", position, position + _LONGEST_LINE)
            if end >= 0 or len(data) - position >= _LONGEST_LINE:
                raise BadMessage(400, "a chunk's header is malformed")
            return 0
        step = found.end() - position
        if self._in_trailer:
            self._trailer_size += step
            self.done = step == 2
            if self._trailer_size > _LARGEST_TRAILER:
                raise BadMessage(400, "the trailer is too large")
        else:
            size = int(found[1], 16)
            self._left = size + 2 if size else 0
            self._in_trailer = size == 0
        return step


def request_body(length: int | None, *, chunked: bool) -> Body | None:
    if chunked:
        return Chunked()
    return Fixed(length) if length else None


def response_body(method: bytes, status: int, length: int | None, *, chunked: bool) -> Body | None:
    """RFC 9112 section 6.3."""
    if method == b"HEAD" or status in (204, 304):
        return None
    if chunked:
        return Chunked()
    if length is None:
        return UntilClose()
    return Fixed(length) if length else None
