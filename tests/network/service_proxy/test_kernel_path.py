"""Services in nftables, with real namespaces as pods: needs root."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from ipaddress import IPv4Network

import pytest

from minikube_py.meta.objects import Key
from minikube_py.network.endpoints import Endpoint
from minikube_py.network.host import Flows
from minikube_py.network.service_proxy.nftables import Nft, NftFailed
from minikube_py.network.service_proxy.rules import NOTHING, RuleBook, TableNames, part_of
from minikube_py.network.service_proxy.targets import ServicePort
from tests.network.conftest import World, shell

pytestmark = pytest.mark.root


class Kernel:
    """The cluster's table and three pods `p0`…`p2` that greet on port 8080; `c` is a client."""

    def __init__(self, world: World) -> None:
        names = TableNames(world.cluster.nft_table, world.cluster.bridge, world.service_range)
        self.world = world
        self.nft = Nft(world.cluster.nft_table)
        self.book = RuleBook(names)
        base = IPv4Network(world.service_range).network_address
        self.vip, self.unknown = str(base + 20), str(base + 99)
        self.pods: dict[str, str] = {}
        self.servers: list[asyncio.Server] = []

    async def start(self) -> None:
        await self.nft.apply(self.book.whole_table())
        for name in ("p0", "p1", "p2"):
            self.pods[name] = await self.world.pod(name)
            self.servers.append(await self.world.greeter(name, 8080, name))
        await self.world.pod("c")

    async def serve(self, *pods: str, **changes: object) -> str:
        """Points the Service at these pods; returns the script that did it."""
        port = self.port(*pods, **changes)
        script = self.book.change({port.service: part_of([port])})
        if script:
            await self.nft.apply(script)
        return script

    def port(self, *pods: str, **changes: object) -> ServicePort:
        values: dict[str, object] = {
            "service": Key("default/web"),
            "protocol": "tcp",
            "port": 80,
            "addresses": (self.vip,),
            "node_port": None,
            "path": "kernel",
            "endpoints": tuple(sorted(Endpoint(self.pods[pod], 8080) for pod in pods)),
        }
        return ServicePort(**(values | changes))  # type: ignore[arg-type]

    async def answers(self, who: str | None, count: int = 12) -> Counter[str]:
        said = [await self.world.call(who, self.vip, 80) for _ in range(count)]
        return Counter(text.split()[0] for text in said)


@pytest.fixture
async def kernel(world: World) -> AsyncIterator[Kernel]:
    made = Kernel(world)
    try:
        await made.start()
        yield made
    finally:
        await made.nft.remove()
        for server in made.servers:
            server.close()


async def test_calls_are_spread_over_the_pods_and_show_the_callers_address(kernel: Kernel) -> None:
    await kernel.serve("p0", "p1", "p2")

    assert set(await kernel.answers("c", 40)) == {"p0", "p1", "p2"}
    greeting = await kernel.world.call("c", kernel.vip, 80)
    caller = kernel.world.pods.address_of("c")
    assert caller is not None
    assert greeting.split()[1] == caller.ip


async def test_the_host_itself_reaches_a_service(kernel: Kernel) -> None:
    await kernel.serve("p0", "p1")

    assert set(await kernel.answers(None, 30)) == {"p0", "p1"}


async def test_the_host_reaches_a_service_when_its_own_address_is_in_the_range(
    kernel: Kernel,
) -> None:
    dns = str(IPv4Network(kernel.world.service_range).network_address + 10)
    await kernel.world.host.add_service_address(kernel.world.cluster, dns)
    await kernel.serve("p0")

    assert await kernel.world.call(None, kernel.vip, 80) == f"p0 {kernel.world.gateway}"


async def test_a_pod_reaches_itself_through_its_service(kernel: Kernel) -> None:
    await kernel.serve("p0")

    assert await kernel.world.call("p0", kernel.vip, 80) == f"p0 {kernel.world.gateway}"


@pytest.mark.parametrize("who", ["c", None], ids=["from a pod", "from the host"])
async def test_a_service_without_pods_and_an_unknown_address_refuse_at_once(
    kernel: Kernel, who: str | None
) -> None:
    await kernel.serve("p0")
    await kernel.serve()

    for address in (kernel.vip, kernel.unknown):
        with pytest.raises(ConnectionRefusedError):
            await kernel.world.call(who, address, 80)


@pytest.mark.parametrize("who", ["c", None], ids=["from a pod", "from the host"])
async def test_udp_to_an_unknown_address_is_refused(kernel: Kernel, who: str | None) -> None:
    with kernel.world.socket(who, socket.SOCK_DGRAM) as caller:
        caller.setblocking(False)
        caller.connect((kernel.unknown, 53))
        # The kernel tells a sender on the host itself already in send().
        with pytest.raises((ConnectionRefusedError, PermissionError)):
            await _send_and_wait(caller)


async def test_node_ports_answer_on_every_address_of_the_host(kernel: Kernel) -> None:
    await kernel.serve("p0", "p1", node_port=31234)
    world = kernel.world

    for address in ("127.0.0.1", world.gateway):
        assert (await world.call(None, address, 31234)).split()[0] in {"p0", "p1"}
    assert (await world.call("c", world.gateway, 31234)).split()[0] in {"p0", "p1"}


async def test_another_machine_reaches_a_node_port_and_is_seen_with_its_own_address(
    kernel: Kernel,
) -> None:
    await kernel.serve("p0", node_port=31236)
    world = kernel.world
    here, there = "198.18.7.1", "198.18.7.2"
    pid = world.sandbox("outside")
    name = f"out{world.cluster.name[2:]}"
    shell(f"ip link add {name} type veth peer name eth0 netns {pid}")
    try:
        shell(f"ip addr add {here}/30 dev {name} && ip link set {name} up")
        world.run_in("outside", f"ip addr add {there}/30 dev eth0")
        world.run_in("outside", "ip link set eth0 up")
        world.run_in("outside", f"ip route add default via {here}")

        assert await world.call("outside", here, 31236) == f"p0 {there}"
    finally:
        shell(f"ip link del {name}")


async def test_a_pod_cannot_use_the_loopback_route_to_reach_the_hosts_own_services(
    kernel: Kernel,
) -> None:
    world = kernel.world
    for change in (
        "ip route del local 127.0.0.1 dev lo table local",
        "ip route del local 127.0.0.0/8 dev lo table local",
        f"ip route add 127.0.0.1/32 via {world.gateway}",
    ):
        world.run_in("c", change)
    service = world.socket(None, socket.SOCK_DGRAM)
    service.bind(("127.0.0.1", 0))
    service.settimeout(0.3)
    caller = world.socket("c", socket.SOCK_DGRAM)

    caller.sendto(b"attack", service.getsockname())
    with pytest.raises(TimeoutError):
        service.recv(10)

    shell(f"nft flush chain ip {world.cluster.nft_table} input")  # the packet was a real one
    caller.sendto(b"attack", service.getsockname())
    assert service.recv(10) == b"attack"
    service.close()
    caller.close()


async def test_affinity_keeps_a_client_at_its_pod_and_survives_a_new_table(kernel: Kernel) -> None:
    await kernel.serve("p0", "p1", "p2", affinity_seconds=600)
    first = await kernel.answers("c")
    assert len(first) == 1

    clients = await kernel.nft.remembered_clients()
    await kernel.nft.apply(kernel.book.whole_table(clients))

    assert [client.client for client in clients] == [_ip(kernel.world, "c")]
    assert set(await kernel.answers("c")) == set(first)
    (kept,) = first
    await kernel.serve(*({"p0", "p1", "p2"} - {kept}), affinity_seconds=600)
    assert set(await kernel.answers("c")).isdisjoint(first)


async def test_endpoints_come_and_go_while_calls_run_and_none_fails(kernel: Kernel) -> None:
    await kernel.serve("p0", "p1")
    done = asyncio.Event()
    failures: list[Exception] = []

    async def keep_calling() -> None:
        while not done.is_set():
            try:
                await kernel.world.call("c", kernel.vip, 80)
            except Exception as error:
                failures.append(error)

    async with asyncio.TaskGroup() as group:
        group.create_task(keep_calling())
        for pods in (("p1", "p2"), ("p2",), ("p0", "p2"), ("p0",), ("p0", "p1")) * 3:
            await kernel.serve(*pods)
        await kernel.nft.apply(kernel.book.whole_table())
        done.set()

    assert failures == []


async def test_a_change_touches_only_the_service_it_is_about(kernel: Kernel) -> None:
    await kernel.serve("p0")

    script = await kernel.serve("p0", service=Key("default/other"), addresses=(kernel.unknown,))

    assert "default/web" not in script
    assert (await kernel.world.call("c", kernel.unknown, 80)).startswith("p0")
    assert (await kernel.world.call("c", kernel.vip, 80)).startswith("p0")


async def test_removing_services_leaves_only_the_base(kernel: Kernel) -> None:
    await kernel.nft.apply(kernel.book.whole_table())
    empty = shell(f"nft list table ip {kernel.world.cluster.nft_table}")
    await kernel.serve("p0", "p1", affinity_seconds=60, node_port=31235)

    await kernel.nft.apply(kernel.book.change({Key("default/web"): NOTHING}))

    assert shell(f"nft list table ip {kernel.world.cluster.nft_table}") == empty


async def test_udp_flows_to_a_pod_that_is_gone_are_forgotten(kernel: Kernel) -> None:
    world = kernel.world
    loop = asyncio.get_running_loop()
    servers = {pod: world.socket(pod, socket.SOCK_DGRAM) for pod in ("p0", "p1")}
    for server in servers.values():
        server.setblocking(False)
        server.bind(("0.0.0.0", 5300))

    async def point_to(pod: str) -> None:
        ends = (Endpoint(kernel.pods[pod], 5300),)
        await kernel.serve(pod, protocol="udp", port=53, endpoints=ends)

    caller = world.socket("c", socket.SOCK_DGRAM)
    caller.setblocking(False)
    caller.connect((kernel.vip, 53))
    await point_to("p0")
    caller.send(b"one")
    async with asyncio.timeout(3):
        await loop.sock_recv(servers["p0"], 10)
    await point_to("p1")
    gone = Flows(kernel.vip, 53, frozenset({kernel.pods["p0"]}))

    assert await world.host.forget_flows([gone]) == 1
    caller.send(b"two")
    async with asyncio.timeout(3):
        assert await loop.sock_recv(servers["p1"], 10) == b"two"
    for one in (caller, *servers.values()):
        one.close()


async def test_a_bad_script_changes_nothing_and_says_why(kernel: Kernel) -> None:
    await kernel.serve("p0")
    bad = f"flush map ip {kernel.world.cluster.nft_table} services\nadd nonsense\n"

    with pytest.raises(NftFailed, match="syntax error"):
        await kernel.nft.apply(bad)

    assert (await kernel.world.call("c", kernel.vip, 80)).startswith("p0")


async def test_two_clusters_serve_side_by_side(kernel: Kernel, second_world: World) -> None:
    other = Kernel(second_world)
    await kernel.serve("p0")
    try:
        await other.start()
        await other.serve("p1")

        assert (await kernel.world.call(None, kernel.vip, 80)).startswith("p0")
        assert (await second_world.call(None, other.vip, 80)).startswith("p1")
        await other.nft.remove()
        assert (await kernel.world.call("c", kernel.vip, 80)).startswith("p0")
    finally:
        await other.nft.remove()
        for server in other.servers:
            server.close()


def _ip(world: World, uid: str) -> str:
    address = world.pods.address_of(uid)
    assert address is not None
    return address.ip


async def _send_and_wait(caller: socket.socket) -> None:
    caller.send(b"?")
    async with asyncio.timeout(3):
        await asyncio.get_running_loop().sock_recv(caller, 10)
