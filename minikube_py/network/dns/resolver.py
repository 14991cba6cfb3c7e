"""Answers questions from the zone; what is not the cluster's goes upstream.

Keeps the encoded answers until the zone changes. An ExternalName outside the cluster is followed
upstream, since the clients' stub resolvers do not follow names themselves.
"""

import logging
import struct

import dnslib

from minikube_py.meta.objects import Key
from minikube_py.network.dns import wire
from minikube_py.network.dns.records import Record, Records, Zone
from minikube_py.network.dns.upstream import NoAnswer, Upstreams
from minikube_py.network.dns.wire import Answer, Question

_log = logging.getLogger(__name__)
_LONGEST_CHAIN = 8
_MOST_KEPT = 10_000
_TCP_LIMIT = 65535
_NAMES_TYPES = {number: name for name, number in wire.TYPES.items()}


class Resolver:
    """`answer_now` is the hot path, without a task; None means that `answer_upstream` must."""

    def __init__(self, zone: Zone, upstreams: Upstreams) -> None:
        self._zone = zone
        self._upstreams = upstreams
        self._answers: dict[tuple[str, int], Answer | None] = {}
        self._turn = 0

    def replace(self, key: Key, records: Records) -> None:
        if self._zone.replace(key, records):
            self._answers.clear()

    def answer_now(self, question: Question, *, tcp: bool) -> bytes | None:
        key = (question.name, question.type)
        if key in self._answers:
            answer = self._answers[key]
        else:
            answer = self._look_up(question)
            if len(self._answers) >= _MOST_KEPT:
                self._answers.clear()
            self._answers[key] = answer
        if answer is None:
            return None
        self._turn += 1
        limit = _TCP_LIMIT if tcp else question.udp_size
        return wire.response(question, answer, limit=limit, turn=self._turn)

    async def answer_upstream(self, message: bytes, question: Question, *, tcp: bool) -> bytes:
        """The upstream's answer as it is, or one for an ExternalName; SERVFAIL when there is
        none.
        """
        try:
            chain = self._chain(question.name)
            if chain:
                return await self._follow(question, chain, tcp=tcp)
            return await self._upstreams.ask(message, tcp=tcp)
        except NoAnswer:
            return wire.failure(question, wire.SERVFAIL)

    def _look_up(self, question: Question) -> Answer | None:
        found = self._zone.lookup(question.name)
        if not found.ours and not found.exists:
            return None
        origin = self._zone.origin_of(question.name) or question.name
        negative = (wire.encode_soa(origin),)
        if not found.exists:
            return Answer(wire.NXDOMAIN, authority=negative)
        wanted = [r for r in found.records if question.type in (wire.TYPES[r.type], wire.ANY)]
        if wanted:
            return Answer(wire.NOERROR, tuple(wire.encode_record(r, None) for r in wanted))
        if any(record.type == "CNAME" for record in found.records):
            return self._cname_inside(question)
        return Answer(wire.NOERROR, authority=negative)

    def _cname_inside(self, question: Question) -> Answer | None:
        """The chain with the last name's records, None where it leads out of the cluster."""
        chain = self._chain(question.name)
        last = self._zone.lookup(chain[-1].value)
        if not last.ours:
            return None
        type_ = _NAMES_TYPES.get(question.type)
        target = chain[-1].value
        wanted = [wire.encode_record(r, target) for r in last.records if r.type == type_]
        code = wire.NOERROR if last.exists else wire.NXDOMAIN
        soa = () if wanted else (wire.encode_soa(self._zone.origin_of(target) or target),)
        return Answer(code, tuple(wanted), soa, aliases=_encode_chain(chain))

    def _chain(self, name: str) -> list[Record]:
        chain: list[Record] = []
        while len(chain) < _LONGEST_CHAIN:
            aliases = [r for r in self._zone.lookup(name).records if r.type == "CNAME"]
            if not aliases:
                break
            chain.append(aliases[0])
            name = aliases[0].value
        return chain

    async def _follow(self, question: Question, chain: list[Record], *, tcp: bool) -> bytes:
        target = wire.encode_name(chain[-1].value)
        query = b"\0\0\x01\0\0\x01\0\0\0\0\0\0" + target + struct.pack("!HH", question.type, 1)
        reply = await self._upstreams.ask(query, tcp=tcp)
        try:
            message = dnslib.DNSRecord.parse(reply)
        except dnslib.DNSError as error:
            _log.debug("upstream answer not understood error=%s", error)
            return wire.failure(question, wire.SERVFAIL)
        records = (*_encode_chain(chain), *(_encode_foreign(record) for record in message.rr))
        limit = _TCP_LIMIT if tcp else question.udp_size
        answer = Answer(message.header.rcode, aliases=records)
        return wire.response(question, answer, limit=limit)


def _encode_chain(chain: list[Record]) -> tuple[bytes, ...]:
    owners = [None, *(record.value for record in chain[:-1])]
    return tuple(wire.encode_record(r, owner) for r, owner in zip(chain, owners, strict=True))


def _encode_foreign(record: dnslib.RR) -> bytes:
    """A record of another message, without that message's compression."""
    name, data = dnslib.DNSBuffer(), dnslib.DNSBuffer()
    name.encode_name(record.rname)
    record.rdata.pack(data)
    fixed = struct.pack("!HHIH", record.rtype, record.rclass, record.ttl, len(data.data))
    return bytes(name.data) + fixed + bytes(data.data)
