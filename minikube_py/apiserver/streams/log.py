"""`pods/<name>/log`: lines as they come, until the container ends or the client goes away."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Literal

from aiohttp import web

from minikube_py.apiserver.streams.interface import LogRequest, PodStreams
from minikube_py.apiserver.streams.websocket import is_websocket, new_websocket
from minikube_py.apiserver.targets import is_true
from minikube_py.meta.errors import BadRequest, FieldError, Invalid
from minikube_py.meta.timestamps import parse_time

Write = Callable[[bytes], Awaitable[None]]
_BINARY, _BASE64 = "binary.k8s.io", "base64.binary.k8s.io"
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_STREAMS: dict[str, Literal["All", "Stdout", "Stderr"]] = {
    "All": "All",
    "Stdout": "Stdout",
    "Stderr": "Stderr",
}


async def serve_log(
    request: web.Request,
    streams: PodStreams,
    namespace: str,
    pod: str,
    closing: asyncio.Event,
    *,
    container: str | None = None,
) -> web.StreamResponse:
    """`container` None: the one that the query names."""
    wanted = log_request(request.query, pod)
    lines = await streams.logs(namespace, pod, container or request.query.get("container"), wanted)
    response, write = _answer(request)
    try:
        await response.prepare(request)
        await _copy(lines, write, closing)
    finally:
        await _close(lines)
    return response


def _answer(request: web.Request) -> tuple[web.StreamResponse, Write]:
    """Plain text, or messages of a WebSocket."""
    if not is_websocket(request):
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        return response, response.write
    socket = new_websocket((_BINARY, _BASE64))

    async def send(data: bytes) -> None:
        if socket.ws_protocol == _BASE64:
            await socket.send_str(base64.b64encode(data).decode())
        else:
            await socket.send_bytes(data)

    return socket, send


def log_request(query: Mapping[str, str], pod: str = "") -> LogRequest:
    """Raises BadRequest for values that can't be read, Invalid for those that mean nothing.

    `insecureSkipTLSVerifyBackend` is taken and changes nothing: there is no connection to verify.
    """
    since_time = query.get("sinceTime")
    try:
        since = parse_time(since_time) if since_time else None
    except ValueError as error:
        raise BadRequest(f"sinceTime: {since_time!r} is not an RFC 3339 time") from error
    tail, limit = _number(query, "tailLines"), _number(query, "limitBytes")
    since_seconds, stream = _number(query, "sinceSeconds"), query.get("stream", "All")
    errors = [
        *_at_least(0, "tailLines", tail),
        *_at_least(1, "limitBytes", limit),
        *_at_least(1, "sinceSeconds", since_seconds),
    ]
    if since_seconds is not None and since is not None:
        errors.append(_excluded("at most one of `sinceTime` or `sinceSeconds` may be specified"))
    if stream not in _STREAMS:
        why = f'Unsupported value: "{stream}": supported values: "All", "Stderr", "Stdout"'
        errors.append(FieldError("stream", "FieldValueNotSupported", why))
    elif stream != "All" and tail is not None:
        errors.append(_excluded("`tailLines` and specific `stream` are mutually exclusive for now"))
    if errors:
        raise Invalid.of("", "PodLogOptions", pod, errors)
    return LogRequest(
        follow=is_true(query.get("follow")),
        previous=is_true(query.get("previous")),
        tail=tail,
        since_seconds=since_seconds,
        since_time=since,
        timestamps=is_true(query.get("timestamps")),
        limit_bytes=limit,
        stream=_STREAMS[stream],
    )


async def _copy(lines: AsyncIterator[bytes], write: Write, closing: asyncio.Event) -> None:
    stopping = asyncio.ensure_future(closing.wait())
    copying = asyncio.ensure_future(_write_all(lines, write))
    try:
        await asyncio.wait({copying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if copying.done():
            await copying
    finally:
        stopping.cancel()
        copying.cancel()
        await asyncio.gather(copying, return_exceptions=True)


async def _write_all(lines: AsyncIterator[bytes], write: Write) -> None:
    async for line in lines:
        await write(line)


async def _close(lines: AsyncIterator[bytes]) -> None:
    close = getattr(lines, "aclose", None)
    if close is not None:
        await close()


def _number(query: Mapping[str, str], option: str) -> int | None:
    text = query.get(option)
    if text is None:
        return None
    if not _INTEGER.fullmatch(text):
        raise BadRequest(f'{option}: parsing "{text}": invalid syntax, a whole number is needed')
    return int(text)


def _at_least(least: int, option: str, value: int | None) -> list[FieldError]:
    if value is None or value >= least:
        return []
    why = "must be greater than 0" if least else "must be greater than or equal to 0"
    return [FieldError(option, "FieldValueInvalid", f"Invalid value: {value}: {why}")]


def _excluded(why: str) -> FieldError:
    """Kubernetes names no field for what only together makes no sense."""
    return FieldError("", "FieldValueForbidden", f"Forbidden: {why}")
