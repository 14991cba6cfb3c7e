"""The daemon is killed before and after each call to the runtime: the end is always the same."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from minikube_py.container_runtime.interface import ContainerRuntime
from tests.kubelet.conftest import World, container, is_ready, sleeper

_ACTS = (
    "run_sandbox",
    "create_container",
    "start_container",
    "stop_container",
    "remove_container",
    "remove_sandbox",
)


class Frozen:
    """A runtime whose caller is killed at its `number`th act: the call, done or not, never
    returns.
    """

    def __init__(self, inner: ContainerRuntime, number: int, *, after: bool) -> None:
        self._inner = inner
        self._left = number
        self._after = after
        self.reached = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in _ACTS:
            return method

        async def act(*arguments: Any, **options: Any) -> Any:
            if self.reached.is_set():
                return await asyncio.Event().wait()
            self._left -= 1
            if self._left < 0 and not self._after:
                self.reached.set()
                return await asyncio.Event().wait()
            result = await method(*arguments, **options)
            if self._left < 0:
                self.reached.set()
                return await asyncio.Event().wait()
            return result

        return act


async def _pod(world: World) -> None:
    await world.pod(
        "web",
        volumes=[{"name": "shared", "emptyDir": {}}],
        initContainers=[sleeper("proxy", restartPolicy="Always"), container("prepare", "true")],
        containers=[
            sleeper(
                volumeMounts=[{"name": "shared", "mountPath": "/shared"}],
                lifecycle={
                    "postStart": {"exec": {"command": ["true"]}},
                    "preStop": {"exec": {"command": ["true"]}},
                },
            ),
            sleeper("other"),
        ],
    )


async def _restart_with(world: World, runtime: ContainerRuntime) -> None:
    await world.stop_kubelet()
    world.runtime = runtime
    world.start_kubelet()


async def _running(runtime: ContainerRuntime) -> dict[str, str]:
    pods: Sequence[Any] = await runtime.list_pods()
    return {c.name: c.id for pod in pods for c in pod.containers if c.state == "running"}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(9))
async def test_a_pod_whose_start_was_cut_short_comes_up_once(
    paper_world: World, number: int, after: bool
) -> None:
    whole = paper_world.runtime
    frozen = Frozen(whole, number, after=after)
    await _restart_with(paper_world, frozen)
    await _pod(paper_world)
    async with asyncio.timeout(5):
        await frozen.reached.wait()
    before = await _running(whole)

    await _restart_with(paper_world, whole)
    pod = await paper_world.ready("web")

    [found] = await whole.list_pods()
    after_restart = await _running(whole)
    assert len(found.sandboxes) == 1
    assert after_restart.keys() == {"proxy", "app", "other"}
    assert before.items() <= after_restart.items()
    assert all(c["restartCount"] == 0 for c in pod["status"]["containerStatuses"])


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(8))
async def test_a_pod_whose_end_was_cut_short_leaves_nothing(
    paper_world: World, number: int, after: bool
) -> None:
    whole = paper_world.runtime
    await _pod(paper_world)
    await paper_world.until("web", is_ready, "ready")
    frozen = Frozen(whole, number, after=after)
    await _restart_with(paper_world, frozen)
    await paper_world.delete("web")
    async with asyncio.timeout(5):
        await frozen.reached.wait()

    await _restart_with(paper_world, whole)
    await paper_world.gone("web")

    await paper_world.nothing_left()
