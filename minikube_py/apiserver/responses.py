"""Writing answers. Objects arrive encoded and leave joined, never encoded again; large answers go
out in pieces so that one of them does not hold up the others.
"""

import asyncio
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
import yaml
from aiohttp import web

from minikube_py.apiserver.negotiation import Media
from minikube_py.meta.encoding import decode, encode

GZIP_FROM_BYTES = 128 * 1024
_PIECE_BYTES = 128 * 1024
_LIST_END = b"]}\n"
_GZIP_LEVEL = 1
_GZIP_WINDOW = zlib.MAX_WBITS | 16


async def send_object(
    request: web.Request, media: Media, value: Any, *, status: int = 200
) -> web.StreamResponse:
    """One decoded object."""
    return await send_encoded(request, media, _encode_for(request, media, value), status=status)


async def send_encoded(
    request: web.Request, media: Media, encoded: bytes, *, status: int = 200
) -> web.StreamResponse:
    """One object's JSON bytes, turned into what `media` asks for."""
    if media.format == "yaml":
        encoded = to_yaml(decode(encoded))
    elif _is_pretty(request):
        encoded = _pretty(decode(encoded))
    return await send_body(request, media.content_type, encoded, status=status)


async def send_list(
    request: web.Request, media: Media, head: bytes, items: Sequence[bytes]
) -> web.StreamResponse:
    """`head` is the list up to and with the bracket that opens its items."""
    headers = {"Content-Type": media.content_type}
    if media.format == "yaml":
        return await _send_unsized(request, _yaml_pieces(head, items), headers)
    if _is_pretty(request):
        return await _send_unsized(request, _pretty_pieces(head, items), headers)
    size = len(head) + sum(map(len, items)) + max(0, len(items) - 1) + len(_LIST_END)
    return await _send(request, _joined_pieces(head, items), size, headers)


async def _send_unsized(
    request: web.Request, pieces: Iterable[bytes], headers: Mapping[str, str]
) -> web.StreamResponse:
    """What has to be written out before its size is known, a turn for others after each piece."""
    written: list[bytes] = []
    for piece in pieces:
        written.append(piece)
        await asyncio.sleep(0)
    return await _send(request, written, sum(map(len, written)), headers)


async def send_body(
    request: web.Request,
    content_type: str,
    body: bytes,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    """Small ones at once; from GZIP_FROM_BYTES piece by piece, compressed if the client likes."""
    together = {**(headers or {}), "Content-Type": content_type}
    return await _send(request, _cut(body), len(body), together, status=status)


async def _send(
    request: web.Request,
    pieces: Iterable[bytes],
    size: int,
    headers: Mapping[str, str],
    *,
    status: int = 200,
) -> web.StreamResponse:
    """`size` is that of all pieces together."""
    if size < GZIP_FROM_BYTES:
        return web.Response(status=status, body=b"".join(pieces), headers=headers)
    response = web.StreamResponse(status=status, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.headers["Content-Encoding"] = "gzip"
        response.headers.add("Vary", "Accept-Encoding")
        pieces = _gzip(pieces)
    else:
        response.content_length = size
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
        await asyncio.sleep(0)  # write() yields only when the socket is full
    await response.write_eof()
    return response


def list_head(kind: str, api_version: str, metadata: dict[str, Any]) -> bytes:
    return b'{"kind":"%s","apiVersion":"%s","metadata":%s,"items":[' % (
        kind.encode(),
        api_version.encode(),
        encode(metadata),
    )


def list_metadata(revision: int, continue_token: str, remaining: int | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": str(revision)}
    if continue_token:
        metadata["continue"] = continue_token
        if remaining:
            metadata["remainingItemCount"] = remaining
    return metadata


def to_yaml(value: Any) -> bytes:
    text: str = yaml.dump(value, Dumper=_YamlDumper, default_flow_style=False, allow_unicode=True)
    return text.encode()


class _YamlDumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _encode_for(request: web.Request, media: Media, value: Any) -> bytes:
    return encode(value) if media.format == "yaml" or _is_pretty(request) else encode(value) + b"\n"


def _is_pretty(request: web.Request) -> bool:
    pretty = request.query.get("pretty")
    return pretty is not None and pretty.lower() not in ("false", "0")


def _joined_pieces(head: bytes, items: Sequence[bytes]) -> Iterator[bytes]:
    """Items with their commas, some hundred kilobytes a piece."""
    pending, size = [head], len(head)
    for index, item in enumerate(items):
        if index:
            pending.append(b",")
        pending.append(item)
        size += len(item) + 1
        if size >= _PIECE_BYTES:
            yield b"".join(pending)
            pending, size = [], 0
    pending.append(_LIST_END)
    yield b"".join(pending)


def _yaml_pieces(head: bytes, items: Sequence[bytes]) -> Iterator[bytes]:
    """Item by item, as one dump of the whole list would have it."""
    for name, value in sorted(decode(head + b"]}").items()):
        if value != [] or not items:
            yield to_yaml({name: value})
            continue
        yield f"{name}:\n".encode()
        for item in items:
            yield to_yaml([decode(item)])


def _pretty_pieces(head: bytes, items: Sequence[bytes]) -> Iterator[bytes]:
    """Item by item; encoded strings hold no line breaks, so indenting lines is safe."""
    empty = _pretty(decode(head + b"]}"))
    if not items:
        yield empty
        return
    yield empty.removesuffix(b"]\n}")
    for index, item in enumerate(items):
        lines = _pretty(decode(item)).replace(b"\n", b"\n    ")
        yield (b",\n    " if index else b"\n    ") + lines
    yield b"\n  ]\n}"


def _pretty(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)


def _cut(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


def _gzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    for piece in pieces:
        if squeezed := compressor.compress(piece):
            yield squeezed
    yield compressor.flush()
