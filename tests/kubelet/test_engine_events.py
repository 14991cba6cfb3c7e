"""What the engine says of its containers may come late, twice, in no order or never: the end is
always the same.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal, cast

import pytest

from minikube_py.container_runtime.interface import (
    ContainerRuntime,
    RuntimeEvent,
    RuntimeUnavailable,
)
from minikube_py.kinds.catalog import CONFIG_MAP
from minikube_py.kubelet import agent
from tests.kubelet.conftest import World
from tests.kubelet.scenes import (
    Scene,
    becomes,
    crash,
    create,
    created,
    delete,
    lose_sandbox,
    nothing,
    portrait,
)

Fault = Literal["late", "doubled", "reversed", "missing", "broken"]

_LATE_SECONDS = 0.3
_BATCH_SECONDS = 0.1


class _Unreliable:
    """A runtime whose events have a fault; all else is true."""

    def __init__(self, whole: ContainerRuntime, fault: Fault) -> None:
        self._whole = whole
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    async def events(self) -> AsyncIterator[RuntimeEvent]:
        told = 0
        async for batch in _batches(self._whole.events()):
            if self._fault == "late":
                await asyncio.sleep(_LATE_SECONDS)
            if self._fault == "reversed":
                batch.reverse()
            for event in batch:
                if self._fault == "missing" and event.pod_uid:
                    continue
                yield event
                if self._fault == "doubled":
                    yield event
                told += 1
                if self._fault == "broken" and told % 3 == 0:
                    raise RuntimeUnavailable("the stream broke off")


async def _batches(events: AsyncIterator[RuntimeEvent]) -> AsyncIterator[list[RuntimeEvent]]:
    """What came within a moment, together."""
    queue: asyncio.Queue[RuntimeEvent] = asyncio.Queue()

    async def fill() -> None:
        async for event in events:
            queue.put_nowait(event)

    filling = asyncio.create_task(fill())
    try:
        while True:
            batch = [await queue.get()]
            await asyncio.sleep(_BATCH_SECONDS)
            while not queue.empty():
                batch.append(queue.get_nowait())
            yield batch
    finally:
        filling.cancel()


async def _settled(world: World, name: str) -> Any:
    """What it looks like once it has looked the same for a while."""
    found, same = await portrait(world, name), 0
    while same < 5:
        await asyncio.sleep(0.1)
        found, before = await portrait(world, name), found
        same = same + 1 if found == before else 0
    return found


async def _after(world: World, fault: Fault, before: Scene, scene: Scene) -> Any:
    whole = world.runtime
    await world.stop_kubelet()
    world.runtime = cast(ContainerRuntime, _Unreliable(whole, fault))
    world.start_kubelet()
    await before(world, fault)
    await scene(world, fault)
    return whole


@pytest.mark.parametrize("fault", ["late", "doubled", "reversed", "missing", "broken"])
@pytest.mark.parametrize(
    ("before", "scene"),
    [
        pytest.param(nothing, create, id="creation"),
        pytest.param(created, crash, id="restart"),
        pytest.param(created, lose_sandbox, id="new sandbox"),
        pytest.param(created, delete, id="deletion"),
    ],
)
async def test_events_with_a_fault_change_nothing_in_the_end(
    paper_world: World,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    before: Scene,
    scene: Scene,
) -> None:
    monkeypatch.setattr(agent, "_RELIST_SECONDS", 0.2)
    monkeypatch.setattr(agent, "_RETRY_SECONDS", 0.1)
    await paper_world.create(CONFIG_MAP, "settings", data={"colour": "blue"})
    await before(paper_world, "whole")
    await scene(paper_world, "whole")
    end = await _settled(paper_world, "whole")
    if paper_world.has("whole"):
        await paper_world.delete("whole")
        await paper_world.gone("whole")

    await _after(paper_world, fault, before, scene)

    await becomes(paper_world, fault, end, f"events {fault}")
    assert await _settled(paper_world, fault) == end
