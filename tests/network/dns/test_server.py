"""The server over real sockets on loopback, with an upstream of the test's own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import dnslib
import pytest

from minikube_py.kinds.catalog import ENDPOINT_SLICE, SERVICE
from minikube_py.network.dns.server import DnsServer
from minikube_py.network.dns.upstream import Upstreams, name_servers
from minikube_py.network.sockets import AddressTaken
from tests.control_loop.harness import ControlPlane
from tests.loopback import own_address
from tests.network.objects import endpoint, endpoint_slice, service

ADDRESS = own_address(10)
UPSTREAM = own_address(53)
PORT = 5393


class FakeUpstream(asyncio.DatagramProtocol):
    """Knows example.com; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        query = dnslib.DNSRecord.parse(data)
        name = str(query.q.qname).lower()
        self.asked.append(name)
        if name == "silent.example.com.":
            return
        reply = query.reply(ra=1, aa=0)
        if name == "example.com.":
            reply.add_answer(*dnslib.RR.fromZone("example.com. 60 IN A 192.0.2.7"))
        else:
            reply.header.rcode = 3
        self.transport.sendto(reply.pack(), addr)  # type: ignore[attr-defined]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        FakeUpstream, local_addr=(UPSTREAM, PORT)
    )
    yield protocol
    transport.close()


@pytest.fixture
async def dns(plane: ControlPlane, tmp_path: Path) -> DnsServer:
    conf = tmp_path / "resolv.conf"
    conf.write_text(f"# ours\nnameserver {ADDRESS}\nnameserver {UPSTREAM}\nsearch example.com\n")
    server = DnsServer(
        plane.informers,
        [ADDRESS],
        ranges=["10.96.0.0/16", "10.244.0.0/16"],
        upstreams=Upstreams(conf, own=[ADDRESS], port=PORT),
        port=PORT,
    )
    plane.start(server)
    await server.wait_listening()
    return server


class _Once(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        self.got.set_result(data)


async def by_udp(message: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Once, remote_addr=(ADDRESS, PORT))
    try:
        transport.sendto(message)
        async with asyncio.timeout(5):
            return await protocol.got
    finally:
        transport.close()


async def by_tcp(message: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(ADDRESS, PORT)
    writer.write(len(message).to_bytes(2, "big") + message)
    async with asyncio.timeout(5):
        reply = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    writer.close()
    await writer.wait_closed()
    return reply


async def ask(name: str, type_: str = "A", *, tcp: bool = False) -> dnslib.DNSRecord:
    query = dnslib.DNSRecord.question(name, type_)
    reply = dnslib.DNSRecord.parse(await (by_tcp if tcp else by_udp)(query.pack()))
    assert reply.header.id == query.header.id
    return reply


def values(reply: dnslib.DNSRecord) -> list[str]:
    return [str(record.rdata) for record in reply.rr]


async def until_known(name: str, type_: str = "A") -> dnslib.DNSRecord:
    async with asyncio.timeout(5):
        while True:
            reply = await ask(name, type_)
            if reply.rr:
                return reply


async def create_web(plane: ControlPlane) -> None:
    await plane.create(SERVICE, service("web", selector={"app": "web"}))


async def test_a_service_is_found_by_udp_and_tcp_in_any_case(
    plane: ControlPlane, dns: DnsServer
) -> None:
    await create_web(plane)

    reply = await until_known("Web.Default.svc.Cluster.Local")

    assert values(reply) == ["10.96.1.1"]
    assert str(reply.rr[0].rname) == "Web.Default.svc.Cluster.Local."
    assert (reply.header.aa, reply.header.ra, reply.header.rcode) == (1, 1, 0)
    assert values(await ask("web.default.svc.cluster.local", tcp=True)) == ["10.96.1.1"]
    srv = values(await ask("_http._tcp.web.default.svc.cluster.local", "SRV"))
    assert srv == ["0 100 80 web.default.svc.cluster.local."]
    reverse = await ask("1.1.96.10.in-addr.arpa", "PTR")
    assert values(reverse) == ["web.default.svc.cluster.local."]


async def test_a_missing_name_is_nxdomain_and_a_missing_type_is_not(
    plane: ControlPlane, dns: DnsServer
) -> None:
    await create_web(plane)
    await until_known("web.default.svc.cluster.local")

    no_type = await ask("web.default.svc.cluster.local", "AAAA")
    no_name = await ask("nothing.default.svc.cluster.local")

    assert (no_type.header.rcode, no_type.rr, len(no_type.auth)) == (0, [], 1)
    assert (no_name.header.rcode, no_name.rr, len(no_name.auth)) == (3, [], 1)


async def test_pods_behind_a_headless_service_take_turns_at_being_first(
    plane: ControlPlane, dns: DnsServer
) -> None:
    await plane.create(SERVICE, service("db", clusterIP="None", selector={"app": "db"}))
    pods = [endpoint(f"10.244.0.{n}", hostname=f"db-{n}", ready=True) for n in range(3)]
    await plane.create(ENDPOINT_SLICE, endpoint_slice("db", *pods))
    await until_known("db-1.db.default.svc.cluster.local")

    firsts = {values(await ask("db.default.svc.cluster.local"))[0] for _ in range(6)}

    assert firsts == {"10.244.0.0", "10.244.0.1", "10.244.0.2"}


async def test_an_answer_too_large_for_udp_is_cut_and_comes_whole_by_tcp(
    plane: ControlPlane, dns: DnsServer
) -> None:
    await plane.create(SERVICE, service("many", clusterIP="None", selector={"app": "many"}))
    pods = [endpoint(f"10.244.1.{n}", hostname=f"p{n}", ready=True) for n in range(100)]
    await plane.create(ENDPOINT_SLICE, endpoint_slice("many", *pods))
    await until_known("p99.many.default.svc.cluster.local")

    cut = await ask("many.default.svc.cluster.local")
    whole = await ask("many.default.svc.cluster.local", tcp=True)

    assert (cut.header.tc, cut.rr) == (1, [])
    assert len(whole.rr) == 100


async def test_edns_clients_get_larger_answers(plane: ControlPlane, dns: DnsServer) -> None:
    await plane.create(SERVICE, service("some", clusterIP="None", selector={"app": "some"}))
    pods = [endpoint(f"10.244.1.{n}", hostname=f"p{n}", ready=True) for n in range(40)]
    await plane.create(ENDPOINT_SLICE, endpoint_slice("some", *pods))
    await until_known("p39.some.default.svc.cluster.local")
    query = dnslib.DNSRecord.question("some.default.svc.cluster.local")
    query.add_ar(dnslib.EDNS0(udp_len=4096))

    reply = dnslib.DNSRecord.parse(await by_udp(query.pack()))

    assert (reply.header.tc, len(reply.rr), len(reply.ar)) == (0, 40, 1)


async def test_other_names_go_to_the_hosts_servers_but_never_to_itself(
    dns: DnsServer, upstream: FakeUpstream
) -> None:
    assert values(await ask("example.com")) == ["192.0.2.7"]
    assert (await ask("nowhere.example.com")).header.rcode == 3
    assert upstream.asked == ["example.com.", "nowhere.example.com."]


async def test_an_external_name_is_followed_upstream(
    plane: ControlPlane, dns: DnsServer, upstream: FakeUpstream
) -> None:
    body = service("api", type="ExternalName", externalName="example.com", clusterIP="")
    await plane.create(SERVICE, body)
    await until_known("api.default.svc.cluster.local", "CNAME")

    assert values(await ask("api.default.svc.cluster.local")) == ["example.com.", "192.0.2.7"]


async def test_an_alias_always_comes_before_what_it_leads_to(
    plane: ControlPlane, dns: DnsServer
) -> None:
    inside = "web.default.svc.cluster.local"
    await create_web(plane)
    body = service("api", type="ExternalName", externalName=inside, clusterIP="")
    await plane.create(SERVICE, body)
    await until_known("api.default.svc.cluster.local", "CNAME")

    answers = [values(await ask("api.default.svc.cluster.local")) for _ in range(4)]

    assert answers == [[f"{inside}.", "10.96.1.1"]] * 4
    no_data = await ask("api.default.svc.cluster.local", "AAAA")
    assert values(no_data) == [f"{inside}."]
    assert len(no_data.auth) == 1


async def test_an_alias_of_a_name_that_does_not_exist_says_so(
    plane: ControlPlane, dns: DnsServer
) -> None:
    away = "away.default.svc.cluster.local"
    body = service("api", type="ExternalName", externalName=away, clusterIP="")
    await plane.create(SERVICE, body)
    await until_known("api.default.svc.cluster.local", "CNAME")

    reply = await ask("api.default.svc.cluster.local")

    assert (reply.header.rcode, values(reply)) == (3, [f"{away}."])


async def test_without_an_upstream_the_client_is_told_soon(dns: DnsServer) -> None:
    async with asyncio.timeout(3):
        assert (await ask("example.com")).header.rcode == 2


async def test_a_silent_upstream_does_not_delay_the_clusters_own_names(
    plane: ControlPlane, dns: DnsServer, upstream: FakeUpstream
) -> None:
    await create_web(plane)
    await until_known("web.default.svc.cluster.local")
    waiting = asyncio.ensure_future(by_udp(dnslib.DNSRecord.question("silent.example.com").pack()))

    async with asyncio.timeout(0.5):
        assert values(await ask("web.default.svc.cluster.local")) == ["10.96.1.1"]
    assert dnslib.DNSRecord.parse(await waiting).header.rcode == 2


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param(b"\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00", 1, id="no question"),
        pytest.param(b"\x12\x34\x28\x00\x00\x01\x00\x00\x00\x00\x00\x00", 4, id="an update"),
        pytest.param(
            b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01",
            1,
            id="a name that points to itself",
        ),
        pytest.param(
            b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x3fabc", 1, id="a name cut short"
        ),
    ],
)
async def test_malformed_questions_get_an_error_and_hurt_nobody(
    dns: DnsServer, message: bytes, code: int
) -> None:
    reply = await by_udp(message)

    assert reply[:2] == message[:2]
    assert reply[3] & 0x0F == code


async def test_a_taken_address_says_how_to_find_who_has_it(
    plane: ControlPlane, dns: DnsServer
) -> None:
    second = DnsServer(plane.informers, [ADDRESS], port=PORT)

    with pytest.raises(AddressTaken, match="ss -lunp"):
        await second.run()


def test_name_servers_are_read_in_order() -> None:
    text = "# x\nsearch a\nnameserver 192.0.2.1\nnameserver\n nameserver fd00::1 # y\n"

    assert name_servers(text) == ["192.0.2.1", "fd00::1"]
