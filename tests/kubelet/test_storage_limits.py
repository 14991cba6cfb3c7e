"""When a pod's share of the disk is measured, and what is said where it can't be."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from minikube_py.container_runtime.interface import ObservedContainer, ObservedPod, PodIdentity
from minikube_py.kubelet.host_files import HostFiles
from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.probes import PodProbes
from minikube_py.kubelet.storage_limits import StorageLimits
from minikube_py.kubelet.tools import Tools
from minikube_py.kubelet.trace import PodTrace
from minikube_py.meta.objects import Object
from tests.control_loop.harness import FakeClock
from tests.kubelet.test_local_storage import container, pod

WHO = PodIdentity("default", "web", "u1")


@dataclass
class Scene:
    """A pod whose one container runs; `told` are the reasons of its Events."""

    folder: Path
    obj: Object
    clock: FakeClock = field(default_factory=FakeClock)
    told: list[str] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.app = ObservedContainer(
            "c1", WHO, "s1", "app", "i", "sha256:1", 0, "running", self.clock()
        )
        self.state = PodState(
            WHO, self.obj, ObservedPod(WHO, (), (self.app,)), cast(PodProbes, None), PodTrace("")
        )

    async def observe_pod(self, uid: str) -> ObservedPod:
        self.asked += 1
        return ObservedPod(WHO, (), (replace(self.app, log_path=str(self.folder / "log")),))

    def record(self, pod: Object, type_: str, reason: str, message: str) -> None:
        self.told.append(reason)

    async def watch(self, rounds: int) -> bool:
        """Whether anything is to be measured."""
        files = HostFiles(privileged=False)
        settings = SimpleNamespace(pods_dir=self.folder, on_paper=False)
        tools = SimpleNamespace(
            clock=self.clock, settings=settings, files=files, runtime=self, recorder=self
        )
        limits = StorageLimits(cast(Tools, tools))
        async with asyncio.TaskGroup() as self.state.group:
            for _ in range(rounds):
                at = limits.watch(self.state, self.obj)
                await asyncio.gather(*self.state.children)
                self.clock.forward(5)
        files.close()
        return at is not None


async def test_a_pod_without_a_limit_is_never_measured(tmp_path: Path) -> None:
    scene = Scene(tmp_path, pod(container("app"), volumes=({"emptyDir": {}},)))

    assert not await scene.watch(3)
    assert scene.asked == 0


async def test_a_critical_pod_is_never_measured(tmp_path: Path) -> None:
    scene = Scene(tmp_path, pod(container("app", "1Mi"), priority=2_000_000_000))

    assert not await scene.watch(3)


async def test_a_log_beyond_the_limit_is_a_reason_to_go(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(bytes(8192))
    scene = Scene(tmp_path, pod(container("app", "4Ki")))

    assert await scene.watch(2)
    assert "exceeds the total limit of containers 4Ki" in scene.state.evicted


async def test_a_layer_that_is_not_found_is_told_once(tmp_path: Path) -> None:
    scene = Scene(tmp_path, pod(container("app", "1Gi")))

    await scene.watch(4)

    assert scene.told == ["EphemeralStorageNotMeasured"]
    assert scene.state.evicted == ""
