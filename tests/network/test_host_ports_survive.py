"""Host ports without the daemon, and without nftables."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest

from minikube_py.kinds.catalog import POD
from minikube_py.network.host_port_rules import table_name
from minikube_py.network.host_ports import HostPorts
from minikube_py.network.service_proxy.nftables import Nft, NftFailed
from tests.control_loop.harness import ControlPlane
from tests.network.conftest import World

pytestmark = pytest.mark.root

PORT = secrets.choice(range(20000, 30000))  # others test on this host too


@pytest.fixture
async def pod(world: World, plane: ControlPlane) -> AsyncIterator[str]:
    """A pod that greets on the host's port; its address."""
    ip = await world.pod("web")
    server = await world.greeter("web", 80, "web")
    ports = [{"containerPort": 80, "hostPort": PORT}]
    spec = {"nodeName": "host", "containers": [{"name": "a", "image": "a:1", "ports": ports}]}
    status = {"phase": "Running", "podIP": ip}
    await plane.create(POD, {"metadata": {"name": "web"}, "spec": spec})
    await plane.resources.update_status(
        POD, "default", "web", lambda found: found.update(status=status)
    )
    yield ip
    server.close()
    await Nft(table_name(world.cluster)).remove()


async def _answer(world: World) -> str:
    async with asyncio.timeout(8):
        while True:
            with suppress(OSError):
                return (await world.call(None, "127.0.0.1", PORT)).partition(" ")[0]
            await asyncio.sleep(0.02)


async def _silence(world: World) -> None:
    async with asyncio.timeout(8):
        with suppress(OSError):
            while True:
                await world.call(None, "127.0.0.1", PORT)


async def test_the_kernel_serves_while_the_daemon_is_gone(
    world: World, plane: ControlPlane, pod: str
) -> None:
    ports = HostPorts(world.host, world.cluster, plane.informers, plane.recorder)
    daemon = asyncio.create_task(ports.run())
    assert await _answer(world) == "web"

    daemon.cancel()
    with suppress(asyncio.CancelledError):
        await daemon

    assert (await world.call(None, "127.0.0.1", PORT)).startswith("web")


@pytest.fixture
def without_nftables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    async def fails(_: Nft, __: str) -> None:
        raise NftFailed("no such program")

    async def no(_: Nft) -> bool:
        return False

    with monkeypatch.context() as patched:
        patched.setattr(Nft, "apply", fails)
        patched.setattr(Nft, "is_usable", no)
        yield


async def test_the_daemon_relays_where_there_is_no_nftables(
    world: World, plane: ControlPlane, pod: str, without_nftables: None
) -> None:
    ports = HostPorts(world.host, world.cluster, plane.informers, plane.recorder)
    plane.start(ports)
    assert await _answer(world) == "web"

    await plane.resources.update_status(
        POD, "default", "web", lambda found: found["status"].update(phase="Succeeded")
    )

    await _silence(world)
