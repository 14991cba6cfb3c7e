"""Reads the heads of HTTP/1 requests and responses, strictly. Pure.

The hot path of the proxies: one regular expression vouches for the shape of the whole block, then
one dictionary look-up a header finds the few that mean something to a proxy; all others are passed
on as the bytes they are. What two servers could read in two ways (both lengths, a space before the
colon, a folded line, a bare line feed) is refused, so nothing can be smuggled past the proxy.
"""

import re
from typing import Final

LARGEST_HEAD: Final = 65536
END: Final = b"\r\n\r\n"

# Possessive quantifiers: no input makes these go back over what they matched.
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_BLOCK = re.compile(rb"(?:" + _TOKEN + rb":[^\x00-\x08\x0a-\x1f\x7f]*+\r\n)*+")
_METHOD = re.compile(_TOKEN)
_TARGET = re.compile(rb"[\x21-\x7e\x80-\xff]++")
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\x00-\x08\x0a-\x1f\x7f]*+)?")
_ABSOLUTE = re.compile(rb"https?://([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]\-]*+")
_MINOR = {b"HTTP/1.1": 1, b"HTTP/1.0": 0}

(
    _PLAIN,
    _DROPPED,
    _CONTENT_LENGTH,
    _TRANSFER_ENCODING,
    _CONNECTION,
    _UPGRADE,
    _HOST_FIELD,
    _FORWARDED_FOR,
    _FORWARDED_PROTO,
    _FORWARDED_HOST,
    _REAL_IP,
) = range(11)
_MEANING = {
    b"content-length": _CONTENT_LENGTH,
    b"transfer-encoding": _TRANSFER_ENCODING,
    b"connection": _CONNECTION,
    b"upgrade": _UPGRADE,
    b"host": _HOST_FIELD,
    b"x-forwarded-for": _FORWARDED_FOR,
    b"x-forwarded-proto": _FORWARDED_PROTO,
    b"x-forwarded-host": _FORWARDED_HOST,
    b"x-real-ip": _REAL_IP,
    b"keep-alive": _DROPPED,
    b"proxy-connection": _DROPPED,
    b"proxy-authenticate": _DROPPED,
    b"proxy-authorization": _DROPPED,
    b"te": _DROPPED,
}
_KNOWN_SPELLINGS: dict[bytes, int] = {}
_MOST_SPELLINGS: Final = 2048


class BadMessage(ValueError):
    """`status` is what a client that sent it is told."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Fields:
    """Headers: `kept` as they came, and what those said that are for the next hop only."""

    __slots__ = (
        "chunked",
        "connection",
        "forwarded_for",
        "forwarded_host",
        "forwarded_proto",
        "host",
        "kept",
        "length",
        "real_ip",
        "upgrade",
    )

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.length: int | None = None
        self.chunked = False
        self.connection: frozenset[bytes] = _NO_TOKENS
        self.upgrade = b""
        self.host: bytes | None = None
        self.forwarded_for = b""
        self.forwarded_proto = b""
        self.forwarded_host = b""
        self.real_ip = b""


_NO_TOKENS: frozenset[bytes] = frozenset()


class RequestHead:
    """`target` is in origin form (`/path?query`) or `*`; `host` is lower case with its port."""

    __slots__ = ("fields", "host", "keep_alive", "method", "minor", "target", "upgrade")

    def __init__(self, method: bytes, target: bytes, minor: int, fields: Fields) -> None:
        self.method = method
        self.target = target
        self.minor = minor
        self.fields = fields
        self.host = fields.host or b""
        connection = fields.connection
        self.keep_alive = b"close" not in connection if minor else b"keep-alive" in connection
        self.upgrade = fields.upgrade if b"upgrade" in connection else b""


class ResponseHead:
    """`line` is the status line as it came."""

    __slots__ = ("fields", "keep_alive", "line", "status")

    def __init__(self, line: bytes, minor: int, status: int, fields: Fields) -> None:
        self.line = line
        self.status = status
        self.fields = fields
        connection = fields.connection
        self.keep_alive = b"close" not in connection if minor else b"keep-alive" in connection


def parse_request(head: bytes) -> RequestHead:
    """`head` ends with one CRLF (that of the last header). Raises BadMessage."""
    line, _, block = head.partition(b"\r\n")
    parts = line.split(b" ")
    if len(parts) != 3 or not _METHOD.fullmatch(parts[0]) or not _TARGET.fullmatch(parts[1]):
        raise BadMessage(400, "the request line is malformed")
    method, target, version = parts
    minor = _MINOR.get(version)
    if minor is None:
        raise BadMessage(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
    fields = _parse_fields(block)
    if target[0] != 47:  # "/"
        target = _origin_form(method, target, fields)
    request = RequestHead(method, target, minor, fields)
    _check_request(request)
    return request


def parse_response(head: bytes) -> ResponseHead:
    """`head` ends with one CRLF. Raises BadMessage 502."""
    line, _, block = head.partition(b"\r\n")
    found = _STATUS.fullmatch(line)
    if found is None:
        raise BadMessage(502, "the pod's status line is malformed")
    try:
        fields = _parse_fields(block)
    except BadMessage as error:
        raise BadMessage(502, f"the pod's answer is malformed: {error}") from None
    if fields.chunked:
        fields.length = None
    return ResponseHead(line, 1 if found[1] == b"1" else 0, int(found[2]), fields)


def _parse_fields(block: bytes) -> Fields:
    if not _BLOCK.fullmatch(block):
        raise BadMessage(400, "a header line is malformed")
    fields = Fields()
    kept = fields.kept
    known = _KNOWN_SPELLINGS
    for line in block.split(b"\r\n"):
        name, _, value = line.partition(b":")
        meaning = known.get(name)
        if meaning is None:
            meaning = _meaning_of(name)
        if meaning == _PLAIN:
            kept.append(line)
        elif meaning != _DROPPED:
            _READERS[meaning](fields, line, value.strip(b" \t"))
    kept.pop()  # what follows the last CRLF is empty
    if len(fields.connection) > 0:
        _drop_named(fields)
    return fields


def _meaning_of(name: bytes) -> int:
    """Remembers each spelling (`Content-Length`, `content-length`), up to a bound."""
    meaning = _MEANING.get(name.lower(), _PLAIN)
    if len(_KNOWN_SPELLINGS) < _MOST_SPELLINGS:
        _KNOWN_SPELLINGS[name] = meaning
    return meaning


def _read_length(fields: Fields, line: bytes, value: bytes) -> None:
    if fields.length is not None:
        raise BadMessage(400, "there is more than one Content-Length")
    if not value.isdigit() or len(value) > 18:
        raise BadMessage(400, "Content-Length is not a number")
    fields.length = int(value)
    fields.kept.append(line)


def _read_coding(fields: Fields, line: bytes, value: bytes) -> None:
    if fields.chunked or value.lower() != b"chunked":
        raise BadMessage(501, "the only transfer coding understood is a single 'chunked'")
    fields.chunked = True
    fields.kept.append(line)


def _read_connection(fields: Fields, _line: bytes, value: bytes) -> None:
    tokens = {token.strip().lower() for token in value.split(b",")}
    fields.connection = fields.connection | tokens


def _read_upgrade(fields: Fields, _line: bytes, value: bytes) -> None:
    fields.upgrade = value


def _read_host(fields: Fields, line: bytes, value: bytes) -> None:
    if fields.host is not None:
        raise BadMessage(400, "there is more than one Host")
    if not _HOST.fullmatch(value):
        raise BadMessage(400, "Host is malformed")
    fields.host = value.lower()
    fields.kept.append(line)


def _read_forwarded_for(fields: Fields, _line: bytes, value: bytes) -> None:
    fields.forwarded_for = b", ".join(filter(None, (fields.forwarded_for, value)))


def _read_forwarded_proto(fields: Fields, _line: bytes, value: bytes) -> None:
    fields.forwarded_proto = value


def _read_forwarded_host(fields: Fields, _line: bytes, value: bytes) -> None:
    fields.forwarded_host = value


def _read_real_ip(fields: Fields, _line: bytes, value: bytes) -> None:
    fields.real_ip = value


_READERS = {
    _CONTENT_LENGTH: _read_length,
    _TRANSFER_ENCODING: _read_coding,
    _CONNECTION: _read_connection,
    _UPGRADE: _read_upgrade,
    _HOST_FIELD: _read_host,
    _FORWARDED_FOR: _read_forwarded_for,
    _FORWARDED_PROTO: _read_forwarded_proto,
    _FORWARDED_HOST: _read_forwarded_host,
    _REAL_IP: _read_real_ip,
}
_HOP_WORDS = frozenset((b"close", b"keep-alive", b"upgrade", b""))


def _drop_named(fields: Fields) -> None:
    """Headers that Connection names end at this hop; those that frame or route are never among
    `kept`'s droppable ones.
    """
    named = fields.connection - _HOP_WORDS - _MEANING.keys()
    if named:
        fields.kept = [line for line in fields.kept if line.partition(b":")[0].lower() not in named]


def _origin_form(method: bytes, target: bytes, fields: Fields) -> bytes:
    """`http://host/path` as `/path`; its host counts, not the header's."""
    if target == b"*" and method == b"OPTIONS":
        return target
    found = _ABSOLUTE.fullmatch(target)
    if found is None or not _HOST.fullmatch(found[1]):
        raise BadMessage(400, "the request target must be a path")
    fields.kept = [line for line in fields.kept if line[:5].lower() != b"host:"]
    fields.kept.insert(0, b"Host: " + found[1])
    fields.host = found[1].lower()
    rest = found[2]
    return rest if rest.startswith(b"/") else b"/" + rest


def _check_request(request: RequestHead) -> None:
    fields = request.fields
    if fields.chunked and (fields.length is not None or not request.minor):
        raise BadMessage(400, "Transfer-Encoding and Content-Length contradict each other")
    if request.minor and fields.host is None:
        raise BadMessage(400, "Host is missing")
    if request.method == b"CONNECT":
        raise BadMessage(405, "CONNECT is not for a reverse proxy")
    if request.upgrade.lower() == b"h2c":
        request.upgrade = b""
