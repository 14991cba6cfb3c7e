"""The same runtime twice: Docker's and the one on paper."""

import asyncio
import contextlib
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from minikube_py.container_runtime.docker_engine import DockerEngine
from minikube_py.container_runtime.interface import (
    ContainerRuntime,
    ContainerSpec,
    ExecSession,
    LogOptions,
    ObservedContainer,
    PodIdentity,
    Sandbox,
    SandboxSpec,
)
from minikube_py.container_runtime.simulated import SimulatedRuntime
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.timestamps import system_clock

IMAGE = "minikube-py/busybox:1"
DEADLINE = 30.0

T = TypeVar("T")


@pytest.fixture(
    params=[
        pytest.param("simulated", id="simulated"),
        pytest.param("docker", id="docker", marks=[pytest.mark.docker, pytest.mark.root]),
    ]
)
async def runtime(request: pytest.FixtureRequest) -> AsyncIterator[ContainerRuntime]:
    cluster = Cluster(f"t-{secrets.token_hex(4)}")
    made: ContainerRuntime
    if request.param == "docker":
        made = DockerEngine(cluster, clock=system_clock, pool_size=1)
    else:
        made = SimulatedRuntime(cluster, clock=system_clock, missing_images={"no/such:image"})
    try:
        yield made
    finally:
        await made.remove_everything(volumes=True)
        await made.close()


@dataclass
class Pod:
    """One pod on the runtime under test."""

    runtime: ContainerRuntime
    sandbox: Sandbox
    identity: PodIdentity
    hostname: str
    attempts: dict[str, int] = field(default_factory=dict)

    async def create(self, command: Sequence[str], *, name: str = "main", **more: Any) -> str:
        attempt = self.attempts.get(name, -1) + 1
        self.attempts[name] = attempt
        spec = ContainerSpec(
            pod=self.identity,
            sandbox_id=self.sandbox.id,
            name=name,
            image=more.pop("image", IMAGE),
            attempt=attempt,
            hostname=self.hostname,
            command=command,
            **more,
        )
        return await self.runtime.create_container(spec)

    async def start(self, command: Sequence[str], **more: Any) -> str:
        container = await self.create(command, **more)
        await self.runtime.start_container(container)
        return container

    async def script(self, text: str, **more: Any) -> str:
        return await self.start(["sh", "-c", text], **more)

    async def look(self, container: str) -> ObservedContainer:
        found = await self.runtime.observe_pod(self.identity.uid)
        assert found is not None
        return next(one for one in found.containers if one.id == container)

    async def ended(self, container: str) -> ObservedContainer:
        async def has_ended() -> ObservedContainer | None:
            seen = await self.look(container)
            return seen if seen.state == "exited" else None

        return await until(has_ended)

    async def output(self, container: str, **options: Any) -> list[str]:
        lines = self.runtime.logs(container, LogOptions(**options))
        return [line.decode() async for _, line in lines]


MakePod = Callable[..., Awaitable[Pod]]


@pytest.fixture
def new_pod(runtime: ContainerRuntime) -> MakePod:
    async def make(name: str = "web", *, hostname: str = "", **more: Any) -> Pod:
        identity = PodIdentity("default", name, str(uuid.uuid4()))
        spec = SandboxSpec(identity, hostname=hostname or name, **more)
        return Pod(runtime, await runtime.run_sandbox(spec), identity, hostname or name)

    return make


@pytest.fixture
async def pod(new_pod: MakePod) -> Pod:
    return await new_pod()


async def until(condition: Callable[[], Awaitable[T | None]]) -> T:
    """Polls; the deadline speaks for itself."""
    async with asyncio.timeout(DEADLINE):
        while True:
            if (found := await condition()) is not None:
                return found
            await asyncio.sleep(0.02)


async def read_to_end(session: ExecSession) -> dict[str, bytes]:
    output = {"stdout": b"", "stderr": b""}
    with contextlib.suppress(ConnectionError):
        while (piece := await session.read()) is not None:
            output[piece[0]] += piece[1]
    return output
