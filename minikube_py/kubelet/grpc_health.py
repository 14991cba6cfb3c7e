"""`grpc.health.v1.Health/Check` asked by hand: one HTTP/2 request with fixed, uncompressed headers,
so that a probe needs no gRPC library.

Only what such an answer can contain is read: HEADERS, CONTINUATION and DATA of stream 1, SETTINGS
and PING. Compressed trailers are not decoded: a DATA message that says SERVING is the success.
"""

import asyncio
import struct

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST, _SETTINGS, _PING, _GOAWAY = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7
_END_STREAM, _END_HEADERS, _ACK, _PADDED = 0x1, 0x4, 0x1, 0x8
_STREAM = 1
_SERVING = 1
_MAX_FRAME = 1 << 20
_STATUS_NAMES = {0: "UNKNOWN", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


async def check_grpc(host: str, port: int, service: str) -> str:
    """Why the service is not serving, "" when it is. The caller bounds the time; raises OSError."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_request(f"{host}:{port}", service))
        await writer.drain()
        return await _answer(reader, writer)
    except asyncio.IncompleteReadError:
        return "the connection was closed before a health answer came"
    finally:
        writer.close()


def _request(authority: str, service: str) -> bytes:
    name = service.encode()
    message = b"\x0a" + bytes([len(name)]) + name if name else b""
    body = b"\x00" + struct.pack(">I", len(message)) + message
    headers = b"".join(
        _literal(field, value)
        for field, value in (
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/grpc.health.v1.Health/Check"),
            (":authority", authority),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("user-agent", "kube-probe/1.37"),
        )
    )
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0, b"")
        + _frame(_HEADERS, _END_HEADERS, _STREAM, headers)
        + _frame(_DATA, _END_STREAM, _STREAM, body)
    )


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    data = b""
    while True:
        type_, flags, stream, payload = await _read_frame(reader)
        if type_ == _SETTINGS and not flags & _ACK:
            writer.write(_frame(_SETTINGS, _ACK, 0, b""))
        elif type_ == _PING and not flags & _ACK:
            writer.write(_frame(_PING, _ACK, 0, payload))
        elif type_ in (_RST, _GOAWAY):
            return "the server refused the health request"
        elif stream == _STREAM and type_ == _DATA:
            data += _unpadded(payload, flags)
        if stream == _STREAM and flags & _END_STREAM and type_ in (_DATA, _HEADERS):
            return _verdict(data)


def _verdict(data: bytes) -> str:
    if len(data) < 5:
        return "service unhealthy (the server gave no health status for it)"
    status = _status(data[5:])
    if status == _SERVING:
        return ""
    return f"service unhealthy (responded with {_STATUS_NAMES.get(status, status)!r})"


def _status(message: bytes) -> int:
    """HealthCheckResponse.status: field 1, a varint; missing is 0."""
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0


async def _read_frame(reader: asyncio.StreamReader) -> tuple[int, int, int, bytes]:
    head = await reader.readexactly(9)
    length = int.from_bytes(head[:3], "big")
    if length > _MAX_FRAME:
        raise OSError("the server does not speak HTTP/2 without TLS")
    payload = await reader.readexactly(length)
    return head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7FFFFFFF, payload


def _unpadded(payload: bytes, flags: int) -> bytes:
    if not flags & _PADDED:
        return payload
    return payload[1 : len(payload) - payload[0]]


def _frame(type_: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes([type_, flags]) + stream.to_bytes(4, "big")
    return head + payload


def _literal(name: str, value: str) -> bytes:
    """HPACK literal header field without indexing, new name, no Huffman; both below 127 bytes."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
