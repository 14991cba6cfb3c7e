"""SPDY/3.1 frames to and from bytes (draft-mbelshe-httpbis-spdy-00): the part that Kubernetes'
streaming uses. Pure; `spdy.py` speaks the protocol with it.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = (
    1, 2, 3, 4, 6, 7, 8, 9,
)  # fmt: skip
FLAG_FIN = 0x01
MAX_DATA_BYTES = 32 * 1024
_VERSION = 3
_CONTROL_BIT = 0x80000000
_STREAM_MASK = 0x7FFFFFFF
_MAX_CONTROL_BYTES = 256 * 1024
_MAX_HEADER_BYTES = 256 * 1024

_DICTIONARY_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language "
    "accept-ranges age allow authorization cache-control connection content-base "
    "content-encoding content-language content-length content-location content-md5 "
    "content-range content-type date etag expect expires from host if-match if-modified-since "
    "if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer "
    "transfer-encoding upgrade user-agent vary via warning www-authenticate method get status "
    "200_OK version HTTP/1.1 url public set-cookie keep-alive origin"
)
_DICTIONARY_VALUES = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
    "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
    "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 "
    "Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
    "application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age="
    "gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


class SpdyError(ConnectionError):
    """The peer broke the protocol; the connection can't go on."""


@dataclass(frozen=True)
class ControlFrame:
    """`headers` are those of SYN_STREAM, SYN_REPLY and HEADERS; `payload` is the rest, raw."""

    type: int
    flags: int
    stream_id: int
    payload: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DataFrame:
    stream_id: int
    flags: int
    data: bytes


Frame = ControlFrame | DataFrame


def _dictionary() -> bytes:
    """The preset of section 2.6.10.1, every word behind its length, then common values."""
    texts = [word.replace("_", " ").encode() for word in _DICTIONARY_WORDS.split()]
    return (
        b"".join(struct.pack("!I", len(text)) + text for text in texts)
        + _DICTIONARY_VALUES.encode()
    )


DICTIONARY = _dictionary()


class FrameReader:
    """Bytes in, frames out. Headers share one zlib stream, so frames must be read in order."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflater = zlib.decompressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Every frame that is complete now; raises SpdyError."""
        self._buffer += data
        while len(self._buffer) >= 8:
            word, rest = struct.unpack_from("!II", self._buffer)
            flags, length = rest >> 24, rest & 0xFFFFFF
            is_control = bool(word & _CONTROL_BIT)
            if is_control and length > _MAX_CONTROL_BYTES:
                raise SpdyError(f"control frame of {length} bytes is too large")
            if len(self._buffer) < 8 + length:
                return
            payload = bytes(self._buffer[8 : 8 + length])
            del self._buffer[: 8 + length]
            if is_control:
                yield self._control(word, flags, payload)
            else:
                yield DataFrame(word & _STREAM_MASK, flags, payload)

    def _control(self, word: int, flags: int, payload: bytes) -> ControlFrame:
        version, type_ = (word >> 16) & 0x7FFF, word & 0xFFFF
        if version != _VERSION:
            raise SpdyError(f"SPDY version {version} is not supported")
        if type_ == SETTINGS:
            return ControlFrame(type_, flags, 0, payload)
        if len(payload) < 4:
            raise SpdyError(f"control frame of type {type_} is cut short")
        first = struct.unpack_from("!I", payload)[0]
        if type_ in (SYN_STREAM, SYN_REPLY, HEADERS):
            block = payload[10:] if type_ == SYN_STREAM else payload[4:]
            return ControlFrame(type_, flags, first & _STREAM_MASK, b"", self._headers(block))
        stream_id = first if type_ == PING else first & _STREAM_MASK
        return ControlFrame(type_, flags, stream_id, payload[4:])

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            plain = self._inflater.decompress(block, _MAX_HEADER_BYTES)
        except zlib.error as error:
            raise SpdyError(f"headers can't be read: {error}") from error
        if self._inflater.unconsumed_tail:
            raise SpdyError(f"headers are larger than {_MAX_HEADER_BYTES} bytes")
        try:
            return dict(_pairs(plain))
        except (struct.error, UnicodeDecodeError) as error:
            raise SpdyError(f"headers can't be read: {error}") from error


class FrameWriter:
    def __init__(self) -> None:
        self._deflater = zlib.compressobj(zdict=DICTIONARY)

    def syn_stream(self, stream_id: int, headers: Mapping[str, str]) -> bytes:
        block = self._block(headers)
        return _control(SYN_STREAM, 0, struct.pack("!IIBB", stream_id, 0, 0, 0) + block)

    def syn_reply(self, stream_id: int, headers: Mapping[str, str]) -> bytes:
        return _control(SYN_REPLY, 0, struct.pack("!I", stream_id) + self._block(headers))

    def data(self, stream_id: int, data: bytes, *, fin: bool = False) -> bytes:
        """One frame, or as many as MAX_DATA_BYTES asks for."""
        cuts = range(0, len(data), MAX_DATA_BYTES) or (0,)
        last = cuts[-1]
        return b"".join(
            struct.pack(
                "!II",
                stream_id,
                ((FLAG_FIN if fin and start == last else 0) << 24) | len(piece),
            )
            + piece
            for start in cuts
            for piece in (data[start : start + MAX_DATA_BYTES],)
        )

    def rst_stream(self, stream_id: int, status: int) -> bytes:
        return _control(RST_STREAM, 0, struct.pack("!II", stream_id, status))

    def ping(self, ping_id: int) -> bytes:
        return _control(PING, 0, struct.pack("!I", ping_id))

    def goaway(self, last_stream_id: int) -> bytes:
        return _control(GOAWAY, 0, struct.pack("!II", last_stream_id, 0))

    def _block(self, headers: Mapping[str, str]) -> bytes:
        plain = struct.pack("!I", len(headers)) + b"".join(
            struct.pack("!I", len(text)) + text
            for name, value in headers.items()
            for text in (name.lower().encode(), value.encode())
        )
        return self._deflater.compress(plain) + self._deflater.flush(zlib.Z_SYNC_FLUSH)


def _control(type_: int, flags: int, payload: bytes) -> bytes:
    head = struct.pack("!HHI", 0x8000 | _VERSION, type_, (flags << 24) | len(payload))
    return head + payload


def _pairs(plain: bytes) -> Iterator[tuple[str, str]]:
    (count,) = struct.unpack_from("!I", plain)
    position = 4
    for _ in range(count):
        texts = []
        for _part in range(2):
            (length,) = struct.unpack_from("!I", plain, position)
            position += 4
            texts.append(plain[position : position + length].decode())
            position += length
            if position > len(plain):
                raise SpdyError("headers are cut short")
        yield texts[0].lower(), texts[1]
