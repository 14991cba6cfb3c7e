from collections.abc import Sequence
from typing import Any

class DNSError(Exception): ...

class DNSLabel:
    def __init__(self, label: str | bytes | Sequence[bytes]) -> None: ...

class DNSBuffer:
    data: bytes | bytearray
    def __init__(self, data: bytes = ...) -> None: ...
    def encode_name(self, name: DNSLabel) -> None: ...

class RD:
    def pack(self, buffer: DNSBuffer) -> None: ...

class A(RD):
    def __init__(self, data: str) -> None: ...

class AAAA(RD):
    def __init__(self, data: str) -> None: ...

class CNAME(RD):
    def __init__(self, label: str) -> None: ...

class PTR(RD):
    def __init__(self, label: str) -> None: ...

class TXT(RD):
    def __init__(self, data: str) -> None: ...

class SRV(RD):
    target: Any
    port: int
    def __init__(self, priority: int, weight: int, port: int, target: str) -> None: ...

class SOA(RD):
    def __init__(self, mname: str, rname: str, times: tuple[int, int, int, int, int]) -> None: ...

class RR:
    @classmethod
    def fromZone(cls, zone: str) -> list[RR]: ...
    rname: DNSLabel
    rtype: int
    rclass: int
    ttl: int
    rdata: RD

class EDNS0(RR):
    def __init__(self, *, udp_len: int = ...) -> None: ...

class DNSHeader:
    id: int
    rcode: int
    aa: int
    tc: int
    ra: int

class DNSQuestion:
    qname: DNSLabel
    qtype: int

class DNSRecord:
    header: DNSHeader
    q: DNSQuestion
    rr: list[RR]
    auth: list[RR]
    ar: list[RR]
    @classmethod
    def question(cls, qname: str, qtype: str = ...) -> DNSRecord: ...
    @classmethod
    def parse(cls, packet: bytes) -> DNSRecord: ...
    def send(self, dest: str, port: int = ..., tcp: bool = ..., timeout: float | None = ...) -> bytes: ...
    def pack(self) -> bytes: ...
    def add_ar(self, *rr: RR) -> None: ...
    def add_answer(self, *rr: RR) -> None: ...
    def reply(self, ra: int = ..., aa: int = ...) -> DNSRecord: ...
