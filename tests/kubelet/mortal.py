"""A daemon that can be killed at any one of its acts: every call that changes something, to the
runtime, the pods' network or the store, is counted, and at the chosen one nothing returns any
more, as when the process is gone. What it acts upon outlives it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Literal, cast

from minikube_py.container_runtime.interface import ContainerRuntime
from minikube_py.kubelet.pod_network import PodNetwork
from minikube_py.store.interface import Store

_ACTS = {
    "runtime": (
        "run_sandbox",
        "create_container",
        "start_container",
        "stop_container",
        "remove_container",
        "remove_sandbox",
        "exec_sync",
        "pull_image",
        "create_volume",
    ),
    "network": ("attach", "release"),
    "store": ("write",),
}

Side = Literal["before", "after"]


class Life:
    """Ends `side` its `number`th act, counted from 0; None = never. `acts` says what it did."""

    def __init__(self, number: int | None = None, side: Side = "before") -> None:
        self._last = number
        self._side = side
        self.acts: list[str] = []
        self.ended = asyncio.Event()
        self.died_at = ""

    def runtime(self, whole: ContainerRuntime) -> ContainerRuntime:
        return cast(ContainerRuntime, _Mortal(self, "runtime", whole))

    def network(self, whole: PodNetwork) -> PodNetwork:
        return cast(PodNetwork, _Mortal(self, "network", whole))

    def store(self, whole: Store) -> Store:
        return cast(Store, _Mortal(self, "store", whole))

    def end_at(self, number: int, side: Side) -> None:
        """Of the acts from now on."""
        self._last, self._side = len(self.acts) + number, side

    async def act(self, what: str, work: Callable[[], Any]) -> Any:
        await self._stay_dead()
        number = len(self.acts)
        self.acts.append(what)
        if number == self._last and self._side == "before":
            await self._die(what)
        result = await work()
        if number == self._last:
            await self._die(what)
        # Others died meanwhile: what was asked of the engine is done, but nobody hears of it.
        await self._stay_dead()
        return result

    async def _die(self, what: str) -> None:
        self.died_at = f"{self._side} {what}"
        self.ended.set()
        await asyncio.Event().wait()

    async def _stay_dead(self) -> None:
        if self.ended.is_set():
            await asyncio.Event().wait()


class _Mortal:
    def __init__(self, life: Life, kind: str, whole: Any) -> None:
        self._life = life
        self._kind = kind
        self._whole = whole

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._whole, name)
        if name not in _ACTS[self._kind]:
            return method

        async def act(*arguments: Any, **options: Any) -> Any:
            what = f"{self._kind}.{name}"
            return await self._life.act(what, lambda: method(*arguments, **options))

        return act
