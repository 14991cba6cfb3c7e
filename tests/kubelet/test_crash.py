"""The daemon is killed before and after each act on the runtime, the network and the store, while
a pod with everything in it is created, lives and goes: the end is always the same.

No act is left out: the acts of a whole life are counted first, then there is one killed life for
each side of each of them.
"""

import asyncio
from typing import Any

import pytest

from minikube_py.kinds.catalog import CONFIG_MAP, builtin_catalog
from minikube_py.meta.timestamps import system_clock
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.resources import Resources
from tests.kubelet.conftest import World
from tests.kubelet.mortal import Life, Side
from tests.kubelet.scenes import (
    Scene,
    becomes,
    crash,
    crashed,
    create,
    created,
    delete,
    lose_sandbox,
    nothing,
    portrait,
    running,
)

_IDLE_SECONDS = 0.5


async def restart(world: World, life: Life | None = None) -> None:
    """The daemon comes up again on what the one before it left; with a `life` it is mortal."""
    await world.stop_kubelet()
    whole = world.resources, world.runtime, world.network
    if life is not None:
        store = life.store(world.resources.store)
        allocator = ServiceAllocator("10.96.0.0/16")
        world.resources = Resources(
            store, builtin_catalog(), clock=system_clock, allocator=allocator
        )
        world.runtime = life.runtime(world.runtime)
        world.network = life.network(world.network)
    world.start_kubelet()
    world.resources, world.runtime, world.network = whole


async def _settled(life: Life) -> None:
    """Until the daemon has been idle for a while."""
    while True:
        before = len(life.acts)
        await asyncio.sleep(_IDLE_SECONDS)
        if len(life.acts) == before:
            return


async def _whole_life(world: World, before: Scene, scene: Scene) -> tuple[Any, list[str]]:
    """What the end looks like when nobody is killed, and the acts on the way there."""
    await before(world, "whole")
    life = Life()
    await restart(world, life)
    await _settled(life)
    adopting = len(life.acts)
    await scene(world, "whole")
    await _settled(life)
    return await portrait(world, "whole"), life.acts[: max(adopting, len(life.acts))]


async def _killed_life(
    world: World, before: Scene, scene: Scene, end: Any, number: int, side: Side
) -> None:
    name = f"{side}-{number}"
    await restart(world)
    await before(world, name)
    life = Life(number, side)
    await restart(world, life)
    await scene(world, name)
    # A little less may be done this time: then there is nobody to be killed here.
    async with asyncio.timeout(10):
        idle = asyncio.create_task(_settled(life))
        ended = asyncio.create_task(life.ended.wait())
        await asyncio.wait([idle, ended], return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        ended.cancel()
    healthy = await running(world)

    await restart(world)
    await becomes(world, name, end, f"killed {life.died_at}")

    if world.has(name):
        assert healthy <= await running(world), f"restarted when killed {life.died_at}"
        await world.delete(name)
        await world.gone(name)
        await world.nothing_left()


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize(
    ("before", "scene"),
    [
        pytest.param(nothing, create, id="creation"),
        pytest.param(created, crash, id="restart"),
        pytest.param(created, lose_sandbox, id="new sandbox"),
        pytest.param(crashed, delete, id="deletion"),
    ],
)
async def test_a_daemon_killed_at_any_act_changes_nothing_in_the_end(
    paper_world: World, before: Scene, scene: Scene, side: Side
) -> None:
    await paper_world.create(CONFIG_MAP, "settings", data={"colour": "blue"})
    end, acts = await _whole_life(paper_world, before, scene)
    if paper_world.has("whole"):
        await paper_world.delete("whole")
        await paper_world.gone("whole")

    assert len(acts) > 8
    for number in range(len(acts)):
        await _killed_life(paper_world, before, scene, end, number, side)
