"""One GET over a connection of its own, told by its status code alone: what nearly every HTTP probe
is. A client library spends three times the CPU on it, and a node has hundreds of probes a second.

The caller bounds the time. Redirects, TLS and whatever is unusual are not for here.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import cast

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})[ \r]")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_HEAD_BYTES = 64 * 1024
_BODY_BYTES = 10 * 1024
_LAST_CHUNK = b"0\r\n\r\n"


class MalformedAnswer(ConnectionError):
    """Not HTTP; the message shows how it begins."""


async def get_status(host: str, port: int, path: str, headers: Mapping[str, str]) -> int:
    """The answer's status code, once it is there to its end (or to 10 KiB). Raises OSError,
    MalformedAnswer.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[int] = loop.create_future()
    request = _request(host, port, path, headers)
    transport, _ = await loop.create_connection(lambda: _Get(request, answer), host, port)
    try:
        return await answer
    finally:
        transport.abort()


def _request(host: str, port: int, path: str, headers: Mapping[str, str]) -> bytes:
    """Raises ValueError for what would end a line."""
    place = f"[{host}]" if ":" in host else host
    sent = {"Host": place if port == 80 else f"{place}:{port}"}
    for name, value in headers.items():
        sent["Host" if name.lower() == "host" else name] = value
    sent["Connection"] = "close"
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a path or header holds a line break")
    return "\r\n".join([*lines, "", ""]).encode()


class _Get(asyncio.Protocol):
    def __init__(self, request: bytes, answer: asyncio.Future[int]) -> None:
        self._request = request
        self._answer = answer
        self._data = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._request)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._answer.done():
            return
        try:
            status = _whole_answer(self._data)
        except MalformedAnswer as error:
            self._answer.set_exception(error)
            return
        if status:
            self._answer.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the connection is the end of an answer that has a head."""
        if self._answer.done():
            return
        found = _STATUS.match(self._data)
        if found and b"\r\n\r\n" in self._data and exc is None:
            self._answer.set_result(int(found[1]))
        else:
            self._answer.set_exception(exc or ConnectionError("EOF"))


def _whole_answer(data: bytearray) -> int:
    """0 while more is to come."""
    if len(data) >= 13 and not _STATUS.match(data):
        start = bytes(data[:32]).decode(errors="replace")
        raise MalformedAnswer(f'malformed HTTP response "{start}"')
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > _HEAD_BYTES:
            raise MalformedAnswer("server response headers are too long")
        return 0
    status = int(data[9:12])
    body = len(data) - end - 4
    length = _LENGTH.search(data, 0, end + 2)
    if length is not None:
        whole = body >= min(int(length[1]), _BODY_BYTES)
    else:
        whole = body >= _BODY_BYTES or data.endswith(_LAST_CHUNK) or status in (204, 304)
    return status if whole else 0
