"""One proxied request: sent on as it came, its answer streamed back, nothing kept but HTML pages
whose addresses have to be rewritten.

Made when first needed: a cluster nobody proxies through pays nothing.
"""

import asyncio
import ssl
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from yarl import URL

from minikube_py.apiserver.node_side import Reach, direct
from minikube_py.apiserver.proxy.location import Location
from minikube_py.apiserver.proxy.rewriting import (
    Rewriter,
    decoded_page,
    forwarded_headers,
    returned_headers,
)
from minikube_py.meta.errors import ServiceUnavailable

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ClientResponse

_CONNECT_SECONDS = 10.0
_CONNECTIONS = 256
_PIECE_BYTES = 64 * 1024
_PAGE_BYTES = 4 * 1024 * 1024  # a larger page passes as it is
_TAGS_A_TURN = 100
_AUTO_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class ProxyTransport:
    """`close` before the loop ends."""

    def __init__(self, reach: Reach = direct) -> None:
        self._reach = reach
        self._session: aiohttp.ClientSession | None = None

    def reach(self, location: Location) -> Location:
        """What to connect to for it."""
        host, port = self._reach(location.host, location.port)
        return replace(location, host=host, port=port)

    async def send(
        self,
        request: web.Request,
        location: Location,
        target: str,
        headers: list[tuple[str, str]],
        trust: ssl.SSLContext | None = None,
    ) -> "ClientResponse":
        """`target` is path and query. The answer's body is not read yet. Raises
        ServiceUnavailable.
        """
        reached = self.reach(location)
        url = URL(f"{location.scheme}://{reached.authority}{target}", encoded=True)
        try:
            return await self._connected().request(
                request.method,
                url,
                headers=headers,
                data=_body(request),
                allow_redirects=False,
                skip_auto_headers=_AUTO_HEADERS,
                ssl=trust or unverified(),
                server_hostname=location.server_name or None,
            )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise ServiceUnavailable(
                f"error trying to reach service: {str(error) or 'timed out'}"
            ) from error

    async def get(
        self,
        location: Location,
        path: str,
        trust: ssl.SSLContext,
        *,
        headers: list[tuple[str, str]],
        limit: int,
    ) -> tuple[int, bytes]:
        """Status and body, for what this server itself wants to know. Raises ServiceUnavailable, or
        ClientError when the body breaks off or is longer than `limit` bytes.
        """
        reached = self.reach(location)
        url = URL(f"{location.scheme}://{reached.authority}{path}", encoded=True)
        asked = [("Accept", "application/json"), *headers]
        try:
            answer = await self._connected().get(
                url, headers=asked, ssl=trust, server_hostname=location.server_name or None
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ServiceUnavailable(f"error trying to reach service: {error}") from error
        try:
            body = bytearray()
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > limit:
                    raise aiohttp.ClientPayloadError(f"more than {limit} bytes")
            return answer.status, bytes(body)
        finally:
            answer.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            )
        return self._session


PROXY = web.AppKey("proxy", ProxyTransport)


def wants_upgrade(request: web.Request) -> bool:
    tokens = request.headers.get("Connection", "").lower().split(",")
    return "upgrade" in [token.strip() for token in tokens] and "Upgrade" in request.headers


async def forward(
    request: web.Request,
    transport: ProxyTransport,
    location: Location,
    target: str,
    rewriter: Rewriter,
) -> web.StreamResponse:
    """The answer as the client is to see it, already sent."""
    headers = forwarded_headers(
        request.headers.items(),
        client=request.remote or "",
        uri=rewriter.prefix + target.partition("?")[0],
    )
    answer = await transport.send(request, location, target, headers)
    try:
        return await send_answer(request, answer, rewriter)
    finally:
        answer.close()


async def send_answer(
    request: web.Request, answer: "ClientResponse", rewriter: Rewriter | None = None
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    for name, value in returned_headers(answer.headers.items()):
        response.headers.add(name, value)
    if rewriter is not None:
        place = answer.headers.get("Location", "")
        if place:
            response.headers["Location"] = rewriter.url(place)
        elif answer.content_type == "text/html" and request.method != "HEAD":
            return await _send_page(request, answer, response, rewriter)
    await response.prepare(request)
    await _copy(answer, response)
    return response


async def _send_page(
    request: web.Request, answer: "ClientResponse", response: web.StreamResponse, rewriter: Rewriter
) -> web.StreamResponse:
    head = bytearray()
    while len(head) <= _PAGE_BYTES and (piece := await answer.content.read(_PIECE_BYTES)):
        head += piece
    page = None
    if len(head) <= _PAGE_BYTES:
        encoding = answer.headers.get("Content-Encoding", "")
        page = decoded_page(bytes(head), encoding, limit=_PAGE_BYTES)
    if page is not None:
        head = await _rewritten(page, rewriter)
        response.headers.popall("Content-Encoding", None)
        response.headers["Content-Length"] = str(len(head))
    await response.prepare(request)
    await response.write(bytes(head))
    await _copy(answer, response)
    return response


async def _rewritten(page: bytes, rewriter: Rewriter) -> bytearray:
    """Bytes that aren't UTF-8 come out as they went in. Others get a turn every few tags."""
    done = bytearray()
    for number, piece in enumerate(rewriter.page(page.decode("utf-8", "surrogateescape"))):
        done += piece.encode("utf-8", "surrogateescape")
        if number % _TAGS_A_TURN == 0:
            await asyncio.sleep(0)
    return done


async def _copy(answer: "ClientResponse", response: web.StreamResponse) -> None:
    """A body that breaks off must not look whole: the client's connection breaks too."""
    try:
        async for piece in answer.content.iter_any():
            await response.write(piece)
    except aiohttp.ClientError as error:
        raise ConnectionResetError("the proxied server broke off its answer") from error
    await response.write_eof()


def _body(request: web.Request) -> Any:
    return request.content if request.can_read_body else None


@cache
def unverified() -> ssl.SSLContext:
    """For pods and Services that are asked over HTTPS by address: no certificate could name it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
