"""`pods/<name>/log`: lines as they come, until the container ends or the client goes away."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from minikube_py.apiserver.streams.interface import LogRequest, PodStreams
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.timestamps import parse_time


async def serve_log(
    request: web.Request, streams: PodStreams, namespace: str, pod: str, closing: asyncio.Event
) -> web.StreamResponse:
    wanted = log_request(request.query)
    lines = await streams.logs(namespace, pod, request.query.get("container"), wanted)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    try:
        await response.prepare(request)
        await _copy(lines, response, closing)
    finally:
        await _close(lines)
    return response


def log_request(query: Mapping[str, str]) -> LogRequest:
    """Raises BadRequest for values that can't be read or exclude each other."""
    since_seconds, since_time = _count(query, "sinceSeconds"), query.get("sinceTime")
    if since_seconds is not None and since_time:
        raise BadRequest("at most one of `sinceTime` or `sinceSeconds` may be specified")
    try:
        since = parse_time(since_time) if since_time else None
    except ValueError as error:
        raise BadRequest(f"sinceTime: {since_time!r} is not an RFC 3339 time") from error
    return LogRequest(
        follow=_flag(query, "follow"),
        previous=_flag(query, "previous"),
        tail=_count(query, "tailLines"),
        since_seconds=since_seconds,
        since_time=since,
        timestamps=_flag(query, "timestamps"),
        limit_bytes=_count(query, "limitBytes"),
    )


async def _copy(
    lines: AsyncIterator[bytes], response: web.StreamResponse, closing: asyncio.Event
) -> None:
    stopping = asyncio.ensure_future(closing.wait())
    copying = asyncio.ensure_future(_write_all(lines, response))
    try:
        await asyncio.wait({copying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if copying.done():
            await copying
    finally:
        stopping.cancel()
        copying.cancel()
        await asyncio.gather(copying, return_exceptions=True)


async def _write_all(lines: AsyncIterator[bytes], response: web.StreamResponse) -> None:
    async for line in lines:
        await response.write(line)


async def _close(lines: AsyncIterator[bytes]) -> None:
    close = getattr(lines, "aclose", None)
    if close is not None:
        await close()


def _flag(query: Mapping[str, str], option: str) -> bool:
    return query.get(option, "false").lower() in ("true", "1", "")


def _count(query: Mapping[str, str], option: str) -> int | None:
    text = query.get(option)
    if not text:
        return None
    if not text.isdecimal():
        raise BadRequest(f"{option}: {text!r} is not a number of zero or more")
    return int(text)
