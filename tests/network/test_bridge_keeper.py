"""Somebody deletes the pods' bridge: it is made again, and the pods are back on it as they were."""

import asyncio
from ipaddress import IPv4Network

import pytest

from minikube_py.network import bridge, bridge_keeper
from minikube_py.network.bridge_keeper import BridgeKeeper
from tests.network.conftest import World, shell

pytestmark = pytest.mark.root


class Told:
    def __init__(self) -> None:
        self.messages: list[str] = []
        self.news = asyncio.Event()

    def __call__(self, message: str) -> None:
        self.messages.append(message)
        self.news.set()


async def _ensured() -> None:
    """The engine's network is still there."""


async def test_a_deleted_bridge_is_made_again_with_its_pods(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_keeper, "_LOOK_SECONDS", 0.05)
    first, second = await world.pod("a"), await world.pod("b")
    assert await world.reaches("a", second)
    before, told = bridge.hardware_address(world.cluster.bridge), Told()
    prefix = IPv4Network(world.pod_range).prefixlen
    keeper = BridgeKeeper(world.host, world.cluster, world.gateway, prefix, _ensured, told)
    keeping = asyncio.create_task(keeper.run())
    await asyncio.sleep(0.1)

    shell(f"ip link del {world.cluster.bridge}")
    async with asyncio.timeout(5):
        await told.news.wait()
    keeping.cancel()

    assert bridge.hardware_address(world.cluster.bridge) == before
    assert "made again with 2 pods on it" in told.messages[0]
    assert await world.reaches("a", second)
    assert await world.reaches("b", world.gateway)
    assert await world.reaches(None, first)


async def test_a_bridge_that_cannot_be_made_is_told_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_keeper, "_LOOK_SECONDS", 0.02)
    tries, told = 0, Told()

    async def refused() -> None:
        nonlocal tries
        tries += 1
        raise OSError("choose other ranges")

    shell(f"ip link del {world.cluster.bridge}")
    keeper = BridgeKeeper(world.host, world.cluster, world.gateway, 17, refused, told)
    keeping = asyncio.create_task(keeper.run())
    async with asyncio.timeout(5):
        while tries < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    keeping.cancel()

    assert told.messages == [
        f"the pods' bridge {world.cluster.bridge} is gone and can't be made again: "
        "choose other ranges"
    ]
