"""DNS messages as bytes: reads a question without building objects, and composes answers from
parts that were encoded before.

dnslib encodes each record once, when a name is first asked after a change; an answer then costs a
look-up and a join. Names in a question are compared in lower case and echoed as they were asked.
"""

import struct
from dataclasses import dataclass

import dnslib

from minikube_py.network.dns.records import Record

TTL_SECONDS = 5
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 1, 2, 3, 4, 5
TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "TXT": 16, "AAAA": 28, "SRV": 33}
ANY, SOA = 255, 6
_OPT = 41
_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0200, 0x0080
_RECURSION_DESIRED, _OPCODE = 0x0100, 0x7800
_PLAIN_SIZE, _LARGEST_UDP = 512, 1232
_TO_QUESTION = b"\xc0\x0c"  # compression pointer to the question's name
_OUR_OPT = b"\x00" + struct.pack("!HHIH", _OPT, _LARGEST_UDP, 0, 0)


class BadQuery(ValueError):
    """Not a query that can be answered; `reply` is what to send, None for nothing."""

    def __init__(self, reply: bytes | None) -> None:
        super().__init__("bad DNS query")
        self.reply = reply


@dataclass(frozen=True)
class Question:
    """`name` is lower case without the closing dot; `wire` the question section as asked."""

    id: int
    flags: int
    name: str
    type: int
    wire: bytes
    edns_size: int | None

    @property
    def udp_size(self) -> int:
        if self.edns_size is None:
            return _PLAIN_SIZE
        return max(_PLAIN_SIZE, min(self.edns_size, _LARGEST_UDP))


@dataclass(frozen=True)
class Answer:
    """Encoded records of one name and type, after the aliases that lead to it."""

    code: int
    records: tuple[bytes, ...] = ()
    authority: tuple[bytes, ...] = ()
    aliases: tuple[bytes, ...] = ()


def parse_question(message: bytes) -> Question:
    """Raises BadQuery for all that is not one question of class IN."""
    if len(message) < 12:
        raise BadQuery(None)
    id_, flags, questions, answers, authorities, additional = _HEADER.unpack_from(message)
    if flags & _RESPONSE:
        raise BadQuery(None)
    if flags & _OPCODE:
        raise BadQuery(_bare(id_, flags, NOTIMP))
    if questions != 1 or answers or authorities:
        raise BadQuery(_bare(id_, flags, FORMERR))
    name, end = _read_name(message, id_, flags)
    if end + 4 > len(message):
        raise BadQuery(_bare(id_, flags, FORMERR))
    type_, class_ = struct.unpack_from("!HH", message, end)
    if class_ not in (1, 255):
        raise BadQuery(_bare(id_, flags, REFUSED))
    wire = message[12 : end + 4]
    edns_size = _edns_size(message, end + 4) if additional else None
    return Question(id_, flags, name, type_, wire, edns_size)


def response(question: Question, answer: Answer, *, limit: int, turn: int = 0) -> bytes:
    """The whole message, at most `limit` bytes; `turn` says which record comes first, so that
    clients that take the first one spread over all.
    """
    flags = (
        _RESPONSE
        | _AUTHORITATIVE
        | _RECURSION_AVAILABLE
        | (question.flags & _RECURSION_DESIRED)
        | answer.code
    )
    records: tuple[bytes, ...] = answer.records
    if len(records) > 1:
        start = turn % len(records)
        records = records[start:] + records[:start]
    opt = _OUR_OPT if question.edns_size is not None else b""
    # Aliases first and in order: glibc skips records of names it was not led to yet.
    records = answer.aliases + records
    body = b"".join((question.wire, *records, *answer.authority, opt))
    if 12 + len(body) > limit:
        flags |= _TRUNCATED
        return _HEADER.pack(question.id, flags, 1, 0, 0, bool(opt)) + question.wire + opt
    counts = (1, len(records), len(answer.authority), bool(opt))
    return _HEADER.pack(question.id, flags, *counts) + body


def failure(question: Question, code: int) -> bytes:
    """An answer without records, for what others should have answered."""
    flags = _RESPONSE | _RECURSION_AVAILABLE | (question.flags & _RECURSION_DESIRED) | code
    opt = _OUR_OPT if question.edns_size is not None else b""
    return _HEADER.pack(question.id, flags, 1, 0, 0, bool(opt)) + question.wire + opt


def encode_record(record: Record, owner: str | None) -> bytes:
    """`owner` None is the question's name."""
    return _encoded(owner, TYPES[record.type], _data(record))


def encode_soa(zone: str) -> bytes:
    """Says for how long a negative answer may be kept; with a fixed serial, as nobody transfers
    the zone.
    """
    times = (1, 7200, 1800, 86400, TTL_SECONDS)
    soa = dnslib.SOA(f"ns.dns.{zone}", f"hostmaster.{zone}", times)
    return _encoded(zone, SOA, soa)


def encode_name(name: str) -> bytes:
    buffer = dnslib.DNSBuffer()
    buffer.encode_name(dnslib.DNSLabel(name))
    return bytes(buffer.data)


def _data(record: Record) -> "dnslib.RD":
    match record.type:
        case "A":
            return dnslib.A(record.value)
        case "AAAA":
            return dnslib.AAAA(record.value)
        case "CNAME":
            return dnslib.CNAME(record.value)
        case "PTR":
            return dnslib.PTR(record.value)
        case "TXT":
            return dnslib.TXT(record.value)
        case "SRV":
            return dnslib.SRV(0, 100, record.port, record.value)


def _encoded(owner: str | None, type_: int, data: "dnslib.RD") -> bytes:
    buffer = dnslib.DNSBuffer()
    data.pack(buffer)
    name = _TO_QUESTION if owner is None else encode_name(owner)
    return name + _RECORD.pack(type_, 1, TTL_SECONDS, len(buffer.data)) + bytes(buffer.data)


def _bare(id_: int, flags: int, code: int) -> bytes:
    kept = flags & (_OPCODE | _RECURSION_DESIRED)
    return _HEADER.pack(id_, _RESPONSE | kept | code, 0, 0, 0, 0)


def _read_name(message: bytes, id_: int, flags: int) -> tuple[str, int]:
    labels: list[str] = []
    position, size = 12, len(message)
    while position < size:
        length = message[position]
        position += 1
        if length == 0:
            name = ".".join(labels).lower()
            if len(name) > 253:
                break
            return name, position
        if length > 63 or position + length > size:  # a question has no name to point back to
            break
        labels.append(message[position : position + length].decode("latin-1"))
        position += length
    raise BadQuery(_bare(id_, flags, FORMERR))


def _edns_size(message: bytes, position: int) -> int | None:
    """The sender's UDP size when the first additional record is an OPT, the usual place."""
    if len(message) >= position + 11 and message[position] == 0:
        type_, size = struct.unpack_from("!HH", message, position + 1)
        if type_ == _OPT:
            return int(size)
    return None
