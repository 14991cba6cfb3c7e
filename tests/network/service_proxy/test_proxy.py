"""The whole service proxy: objects in, packets through. Needs root."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from minikube_py.control_loop.informer import Informers
from minikube_py.kinds.catalog import ENDPOINT_SLICE, NAMESPACE, SERVICE, builtin_catalog
from minikube_py.meta.objects import Key, Object
from minikube_py.network.cleanup import remove_all
from minikube_py.network.endpoints import Endpoint
from minikube_py.network.service_proxy.proxy import ServiceProxy
from minikube_py.network.service_proxy.targets import ProxySettings
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.resources import Resources
from minikube_py.store.sqlite import SqliteStore
from tests.network.conftest import World, shell
from tests.network.objects import endpoint, endpoint_slice

pytestmark = pytest.mark.root

PORT = 18080
"""Not 80: an Ingress on this host may listen there on every address."""


class Served:
    """A world with an API and a service proxy that can be stopped and started."""

    def __init__(self, world: World, resources: Resources) -> None:
        self.world = world
        self.resources = resources
        self.settings = ProxySettings(world.service_range)
        self.ips: dict[str, str] = {}
        self.servers: list[asyncio.Server] = []
        self.proxy: ServiceProxy
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        informers = Informers(self.resources)
        self.proxy = ServiceProxy(self.world.host, self.world.cluster, informers, self.settings)
        self._tasks = [asyncio.ensure_future(part.run()) for part in (informers, self.proxy)]
        await self.proxy.wait_ready()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def web_pod(self, name: str) -> None:
        """An HTTP server on port 8080 that says its name."""
        self.ips[name] = await self.world.pod(name)
        listener = self.world.socket(name)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", 8080))

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + name.encode())
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            finally:
                writer.close()

        self.servers.append(await asyncio.start_server(answer, sock=listener))

    async def service(self, name: str, *pods: str, port: Object | None = None, **spec: Any) -> str:
        """A Service over these pods; returns its address."""
        ports = [{"name": "http", "port": PORT, "targetPort": 8080} | (port or {})]
        annotations = spec.pop("annotations", {})
        body = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"ports": ports, **spec},
        }
        made = (await self.resources.create(SERVICE, "default", body)).object
        await self.endpoints(name, *pods, port_name=str(ports[0]["name"]))
        return str(made["spec"]["clusterIP"])

    async def endpoints(self, name: str, *pods: str, port_name: str = "http") -> None:
        await self.write_slice(
            name,
            *(endpoint(self.ips[pod], pod_uid=pod, ready=True) for pod in pods),
            port_name=port_name,
        )

    async def write_slice(self, name: str, *wanted: Object, port_name: str = "http") -> None:
        body = endpoint_slice(name, *wanted, port_name=port_name)
        found = self.resources.get_or_none(ENDPOINT_SLICE, "default", body["metadata"]["name"])
        if found is None:
            await self.resources.create(ENDPOINT_SLICE, "default", body)
        else:
            found["endpoints"] = list(wanted)
            await self.resources.update(ENDPOINT_SLICE, "default", body["metadata"]["name"], found)

    async def ask(self, who: str | None, address: str, port: int = PORT) -> str:
        """The answering pod's name, "503" or the like when the proxy itself answers."""
        with self.world.socket(who) as caller:
            caller.setblocking(False)
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(3):
                await loop.sock_connect(caller, (address, port))
                await loop.sock_sendall(caller, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                answer = (await loop.sock_recv(caller, 1000)).decode()
        status = answer.split(" ")[1]
        return answer[-2:] if status == "200" else status

    async def until_no_address(self) -> None:
        async with asyncio.timeout(5):
            while True:
                if not await self.world.host.service_addresses(self.world.cluster):
                    return

    async def until(self, expected: str | type, who: str | None, address: str, port: int) -> None:
        """Asks until the answer, or the error, is the expected one; one question may take 3 s."""
        seen: object = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(15):
                while True:
                    try:
                        seen = await self.ask(who, address, port)
                    except OSError as error:
                        seen = type(error)
                    if seen == expected:
                        return
                    await asyncio.sleep(0.01)
        raise AssertionError(f"{address}:{port} answers {seen}, not {expected}")


@pytest.fixture
async def served(world: World, tmp_path: Path) -> AsyncIterator[Served]:
    store = await SqliteStore.open(tmp_path / "state.db")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        allocator = ServiceAllocator(world.service_range)
        resources = Resources(store, builtin_catalog(), allocator=allocator)
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
        await resources.create(NAMESPACE, None, body)
        made = Served(world, resources)
        stack.push_async_callback(remove_all, world.host, world.cluster)
        stack.push_async_callback(made.stop)
        for name in ("p0", "p1"):
            await made.web_pod(name)
        await world.pod("c")
        await made.start()
        yield made
        for server in made.servers:
            server.close()


HTTP = "the path that declares itself"
PATHS = pytest.mark.parametrize(
    "mode", [HTTP, "kernel", "http", "userspace"], ids=["auto", "kernel", "http", "userspace"]
)


@PATHS
async def test_a_service_answers_pods_and_host_on_every_path(served: Served, mode: str) -> None:
    annotations = {} if mode == HTTP else {"mk.dev/service-proxy": mode}
    vip = await served.service(
        "web", "p0", annotations=annotations, type="NodePort", port={"nodePort": 31777}
    )

    for who in ("c", None, "p0"):
        await served.until("p0", who, vip, PORT)
    await served.until("p0", None, "127.0.0.1", 31777)
    await served.until("p0", "c", served.world.gateway, 31777)
    await served.endpoints("web", "p1")
    await served.until("p1", "c", vip, PORT)


async def test_a_port_that_declares_http_says_why_when_it_has_no_pods(served: Served) -> None:
    vip = await served.service("web")

    await served.until("503", "c", vip, PORT)


async def test_a_program_on_all_of_the_hosts_addresses_does_not_get_a_services_requests(
    served: Served,
) -> None:
    with socket.socket() as stranger:
        stranger.bind(("0.0.0.0", 0))
        stranger.listen()
        port = stranger.getsockname()[1]

        await served.web_pod("p1")
        address = await served.service("web", "p1", port={"port": port})
        await served.proxy.wait_settled()

        assert await served.ask("p1", address, port) == "p1"
        assert await served.ask(None, address, port) == "p1"


async def test_a_deleted_service_is_refused_and_its_address_gone(served: Served) -> None:
    vip = await served.service("web", "p0")
    await served.until("p0", "c", vip, PORT)

    await served.resources.delete(SERVICE, "default", "web")

    for who in ("c", None):
        await served.until(ConnectionRefusedError, who, vip, PORT)
    await served.until_no_address()


async def test_a_service_changes_its_path_while_it_is_used(served: Served) -> None:
    vip = await served.service("web", "p0")
    await served.until("p0", "c", vip, PORT)

    for mode in ("kernel", "userspace", "http", "kernel"):
        await served.resources.modify(
            SERVICE,
            "default",
            "web",
            lambda obj, mode=mode: obj["metadata"].update(  # type: ignore[misc]
                annotations={"mk.dev/service-proxy": mode}
            ),
        )
        for _ in range(5):
            assert await served.ask("c", vip) == "p0"
        await served.until("p0", None, vip, PORT)


async def test_services_go_on_while_the_daemon_is_gone_and_changes_are_made_up(
    served: Served,
) -> None:
    kernel = await served.service("sql", "p0", port={"name": "sql"})
    http = await served.service("web", "p0")
    await served.until("p0", "c", kernel, PORT)
    await served.until("p0", "c", http, PORT)
    await served.proxy.wait_settled()

    await served.stop()

    assert await served.ask("c", kernel) == "p0"
    assert await served.ask(None, kernel) == "p0"
    assert await served.ask("c", http) == "p0"  # the kernel's spare: no socket listens now
    await served.endpoints("sql", "p1", port_name="sql")
    await served.resources.delete(SERVICE, "default", "web")
    await served.start()
    assert await served.ask("c", kernel) == "p1"
    await served.until(ConnectionRefusedError, "c", http, PORT)


async def test_a_daemon_that_leaves_in_good_order_hands_its_services_to_the_kernel(
    served: Served,
) -> None:
    vip = await served.service("web", "p0")
    await served.until("p0", None, vip, PORT)

    await served.proxy.hand_to_kernel()
    await served.stop()

    assert await served.ask(None, vip) == "p0"


async def test_a_table_that_somebody_removed_is_made_again(served: Served) -> None:
    vip = await served.service("sql", "p0", port={"name": "sql"})
    await served.until("p0", "c", vip, PORT)

    shell(f"nft delete table ip {served.world.cluster.nft_table}")
    await served.endpoints("sql", "p1", port_name="sql")

    await served.until("p1", "c", vip, PORT)


async def test_a_pod_is_forgotten_once_nothing_new_is_sent_to_it(served: Served) -> None:
    vip = await served.service("sql", "p0", port={"name": "sql"})
    await served.until("p0", "c", vip, PORT)
    waiting = asyncio.ensure_future(served.proxy.wait_forgotten("p0", served.ips["p0"]))
    assert await served.ask("c", vip) == "p0"
    assert not waiting.done()

    leaving = endpoint(served.ips["p0"], pod_uid="p0", ready=False, serving=True, terminating=True)
    await served.write_slice(
        "sql", leaving, endpoint(served.ips["p1"], pod_uid="p1", ready=True), port_name="sql"
    )
    async with asyncio.timeout(5):
        await waiting

    assert await served.ask("c", vip) == "p1"


async def test_the_only_pod_of_a_service_is_not_waited_for(served: Served) -> None:
    await served.service("sql", "p0", port={"name": "sql"})
    leaving = endpoint(served.ips["p0"], pod_uid="p0", ready=False, serving=True, terminating=True)
    await served.write_slice("sql", leaving, port_name="sql")

    async with asyncio.timeout(5):
        await served.proxy.wait_forgotten("p0", served.ips["p0"])
        await served.proxy.wait_forgotten("unknown", "10.0.0.1")


async def test_a_service_can_have_its_target_on_the_host(served: Served) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Closing with the request unread would reset the connection, answer and all.
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nme")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    target = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    await served.stop()
    served.settings = ProxySettings(
        served.world.service_range, local=((Key("default/kubernetes"), target),)
    )
    await served.start()

    vip = await served.service("kubernetes", port={"name": "https", "port": 443})

    try:
        await served.until("me", "c", vip, 443)
    finally:
        server.close()


async def test_the_reserved_address_is_left_to_its_owner(served: Served) -> None:
    dns = str(IPv4Network(served.world.service_range).network_address + 10)
    await served.world.host.add_service_address(served.world.cluster, dns)
    await served.stop()
    served.settings = ProxySettings(served.world.service_range, reserved=frozenset({dns}))
    await served.start()
    await served.service("dns", clusterIP=dns)
    vip = await served.service("web", "p0")
    await served.until("p0", "c", vip, PORT)

    assert dns in await served.world.host.service_addresses(served.world.cluster)
    assert dns not in shell(f"nft list table ip {served.world.cluster.nft_table}")


async def test_udp_works_in_userspace_too(served: Served) -> None:
    loop = asyncio.get_running_loop()
    server = served.world.socket("p0", socket.SOCK_DGRAM)
    server.setblocking(False)
    server.bind(("0.0.0.0", 8080))
    vip = await served.service(
        "udp",
        annotations={"mk.dev/service-proxy": "userspace"},
        port={"name": "u", "protocol": "UDP", "port": 53},
    )
    body = endpoint_slice(
        "udp", endpoint(served.ips["p0"], ready=True), port_name="u", protocol="UDP"
    )
    body["metadata"]["name"] = "udp-2"
    await served.resources.create(ENDPOINT_SLICE, "default", body)
    caller = served.world.socket("c", socket.SOCK_DGRAM)
    caller.setblocking(False)
    caller.connect((vip, 53))

    async with asyncio.timeout(5):
        while True:
            with contextlib.suppress(ConnectionRefusedError, BlockingIOError, TimeoutError):
                caller.send(b"ping")
                async with asyncio.timeout(0.2):
                    data, sender = await loop.sock_recvfrom(server, 20)
                break
        await loop.sock_sendto(server, b"pong", sender)
        assert data == b"ping"
        answer = b""
        while answer != b"pong":
            answer = await loop.sock_recv(caller, 20)
    caller.close()
    server.close()


async def test_everything_can_be_taken_off_the_host(served: Served) -> None:
    await served.service("web", "p0", type="NodePort")
    name = served.world.cluster.name
    await served.stop()

    await remove_all(served.world.host, served.world.cluster)
    await remove_all(served.world.host, served.world.cluster)

    left = shell("nft list ruleset; ip -o link; ip route; iptables-save | grep comment || true")
    assert name not in left.replace(f"mk-{name}", "") or "mk " not in left
    assert f"table ip mk-{name}" not in left
    assert served.world.cluster.service_device not in left
    assert served.world.service_range not in left
