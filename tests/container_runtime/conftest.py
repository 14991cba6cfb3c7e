"""A Docker runtime in a cluster of its own, and the pods a test makes on it."""

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from minikube_py.container_runtime.docker_engine import DockerEngine
from minikube_py.container_runtime.interface import (
    ContainerSpec,
    LogOptions,
    PodIdentity,
    Sandbox,
    SandboxSpec,
)
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.timestamps import system_clock

IMAGE = "minikube-py/busybox:1"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(f"t-{secrets.token_hex(4)}")


@pytest.fixture
async def engine(cluster: Cluster) -> AsyncIterator[DockerEngine]:
    made = DockerEngine(cluster, clock=system_clock, pool_size=2)
    try:
        yield made
    finally:
        await made.remove_everything(volumes=True)
        await made.close()


def identity(name: str = "web") -> PodIdentity:
    return PodIdentity("default", name, str(uuid.uuid4()))


def script(sandbox: Sandbox, text: str, **more: object) -> ContainerSpec:
    fields: dict[str, object] = {"name": "main", "hostname": "web", "attempt": 0, **more}
    return ContainerSpec(
        pod=sandbox.pod,
        sandbox_id=sandbox.id,
        image=IMAGE,
        command=["sh", "-c", text],
        **fields,  # type: ignore[arg-type]
    )


async def run_sandbox(engine: DockerEngine, **more: object) -> Sandbox:
    fields: dict[str, object] = {"hostname": "web", **more}
    return await engine.run_sandbox(SandboxSpec(identity(), **fields))  # type: ignore[arg-type]


async def output(engine: DockerEngine, spec: ContainerSpec) -> str:
    """Runs it to its end."""
    container = await engine.create_container(spec)
    await engine.start_container(container)
    async with asyncio.timeout(30):
        lines = [line async for _, line in engine.logs(container, LogOptions(follow=True))]
    return b"".join(lines).decode()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - the engine is asked, it tells nobody
            await asyncio.sleep(0.02)
