"""A thousand pods come and go in waves, on paper: no task, file, address or memory of them stays.

Their Events stay for an hour as on any cluster; here they go with each wave, for what is measured
is the kubelet.
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from minikube_py.control_loop import recorder
from minikube_py.kinds.catalog import CONFIG_MAP, EVENT, POD
from minikube_py.meta.objects import Object
from tests.kubelet.conftest import World, is_ready, sleeper

WAVES, WAVE = 20, 50
GROWTH_BLOCKS = 5_000
"""Of memory, some 60 bytes each: less than seven a pod."""


async def _wave(world: World, number: int) -> None:
    names = [f"pod-{number}-{one}" for one in range(WAVE)]
    mounts = [{"name": "map", "mountPath": "/map"}, {"name": "disk", "mountPath": "/disk"}]
    volumes = [
        {"name": "map", "configMap": {"name": "settings"}},
        {"name": "disk", "emptyDir": {}},
    ]
    spec = {"containers": [sleeper(volumeMounts=mounts)], "volumes": volumes}
    quick = {"automountServiceAccountToken": False}
    await asyncio.gather(*(world.pod(name, annotations=None, **spec, **quick) for name in names))
    await _until(lambda: all(is_ready(pod) for pod in _pods(world)))
    await asyncio.gather(*(world.delete(name) for name in names))
    await _until(lambda: not _pods(world))
    await world.nothing_left()
    await world.resources.delete_collection(EVENT, "default")


async def _until(check: Callable[[], bool]) -> None:
    """Asks seldom: what is measured is not the asking."""
    async with asyncio.timeout(60):
        while not check():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def _pods(world: World) -> list[Object]:
    return list(world.resources.list(POD, "default").objects())


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _in_use() -> int:
    gc.collect()
    return sys.getallocatedblocks()


@pytest.mark.timeout(300)
async def test_a_thousand_pods_on_paper_leave_nothing_behind(
    paper_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_KEPT", 64)  # what is remembered of Events is full at once
    await paper_world.create(CONFIG_MAP, "settings", data={"colour": "blue"})
    for number in range(5):
        await _wave(paper_world, number)
    tasks, descriptors, before = len(asyncio.all_tasks()), _descriptors(), _in_use()

    for number in range(5, WAVES):
        await _wave(paper_world, number)

    assert len(asyncio.all_tasks()) <= tasks
    assert _descriptors() <= descriptors
    assert paper_world.network.pod_uids() == set()
    assert _in_use() - before < GROWTH_BLOCKS
