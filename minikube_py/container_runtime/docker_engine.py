"""The Docker Engine as the kubelet's container runtime, and the only importer of the Docker SDK.

The SDK blocks, so its calls run in a small thread pool, each for the milliseconds the engine needs;
whatever takes as long as it takes (logs, events, exec, stop, pull) is asyncio's own, see
`engine_socket`. Deadlines belong to the caller. Errors leave here as RuntimeFailure and its kin.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

import requests
from docker import APIClient
from docker import errors as docker_errors

from minikube_py.container_runtime import observe, translate
from minikube_py.container_runtime.cluster_resources import ClusterResources
from minikube_py.container_runtime.containers import Containers
from minikube_py.container_runtime.engine_calls import EngineCalls
from minikube_py.container_runtime.engine_logs import read_logs
from minikube_py.container_runtime.engine_socket import (
    START_IT,
    EngineAddress,
    EngineRefused,
    EngineSocket,
    check,
    parse_address,
)
from minikube_py.container_runtime.image_store import ImageStore
from minikube_py.container_runtime.interface import (
    ContainerSpec,
    ExecSession,
    ImageInfo,
    ImageNotFound,
    LogOptions,
    LogStream,
    NoSuchContainer,
    ObservedPod,
    Resources,
    RuntimeEvent,
    RuntimeFailure,
    RuntimeInfo,
    RuntimeUnavailable,
    Sandbox,
    SandboxSpec,
)
from minikube_py.container_runtime.observer import Observer
from minikube_py.container_runtime.processes import Processes
from minikube_py.container_runtime.sandbox_image import SandboxImage
from minikube_py.container_runtime.usage import Stats
from minikube_py.container_runtime.warm_pool import WarmPool
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.timestamps import Clock

T = TypeVar("T")

_CALL_SECONDS = 120  # a lost engine must not hold a thread for ever; callers' deadlines are shorter
_DEFAULT_THREADS = 4  # measured on two cores: more only queue up inside the engine
_DEFAULT_WARM = 4
_GONE_POLL_SECONDS = 5.0


class _Sdk:
    """The SDK's client, connected when first used, at the newest version both know."""

    def __init__(self, address: EngineAddress, threads: int) -> None:
        self._address = address
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="docker")
        self._size = threads
        self._client: APIClient | None = None
        self._is_lost = True
        self._connecting = asyncio.Lock()

    async def call(self, work: Callable[[EngineCalls], T], /) -> T:
        client = await self._connected()
        return await self._in_thread(lambda: work(cast(EngineCalls, client)))

    async def version(self) -> str:
        return str((await self._connected()).api_version)

    async def _connected(self) -> APIClient:
        """An engine that was lost is knocked at first: that costs no thread and says what to do."""
        async with self._connecting:
            if self._is_lost:
                await check(self._address)
            if self._client is None:
                self._client = await self._in_thread(self._connect)
            self._is_lost = False
        return self._client

    def _connect(self) -> APIClient:
        client = APIClient(
            base_url=str(self._address),
            version="auto",
            timeout=_CALL_SECONDS,
            max_pool_size=self._size,
        )
        client.trust_env = False  # no proxy and no .netrc stand between us and this host's engine
        return client

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except docker_errors.APIError as error:
            raise _translated(error) from error
        except (docker_errors.DockerException, requests.RequestException) as error:
            self._is_lost = True
            raise RuntimeUnavailable(
                f"Docker gave no answer at {self._address}: if it has stopped, {START_IT} ({error})"
            ) from error

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


class DockerEngine:
    """Satisfies ContainerRuntime. `base_url` as DOCKER_HOST, which it defaults to; `pool_size` is
    how many sandboxes are kept warm at least while `run` runs, four times as many at most.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        clock: Clock,
        base_url: str | None = None,
        pool_size: int = _DEFAULT_WARM,
        threads: int = _DEFAULT_THREADS,
    ) -> None:
        address = parse_address(base_url or os.environ.get("DOCKER_HOST", ""))
        self._cluster = cluster
        self._pool_size = pool_size
        self._pool: WarmPool | None = None
        self._sdk = _Sdk(address, threads)
        call = self._sdk.call
        self._socket = EngineSocket(address, self._sdk.version)
        self._observer = Observer(call, cluster.name, clock)
        self._containers = Containers(call, self._socket, cluster.name, self._observer.forget)
        self._processes = Processes(call, self._socket)
        self._images = ImageStore(call, self._socket, cluster.name)
        self._resources = ClusterResources(call, cluster.name)

    async def info(self) -> RuntimeInfo:
        info = await self._sdk.call(lambda api: api.info())
        return observe.info_from(info, await self._sdk.version())

    async def ping(self) -> None:
        await self._sdk.call(lambda api: api.ping())

    # -- sandboxes -----------------------------------------------------------------------------

    async def run_sandbox(self, spec: SandboxSpec) -> Sandbox:
        image = await self._images.ensure_sandbox_image()
        try:
            return await self._containers.run_sandbox(spec, image, self._pool)
        except ImageNotFound:  # somebody tidied up
            image = await self._images.ensure_sandbox_image(again=True)
            return await self._containers.run_sandbox(spec, image, self._pool)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        await self._containers.remove(sandbox_id)

    # -- containers ----------------------------------------------------------------------------

    async def create_container(self, spec: ContainerSpec) -> str:
        return await self._containers.create_container(spec)

    async def start_container(self, container_id: str) -> None:
        await self._containers.start_container(container_id)

    async def stop_container(
        self, container_id: str, *, grace_seconds: float, signal: str = ""
    ) -> None:
        await self._containers.stop(container_id, grace_seconds, signal)

    async def remove_container(self, container_id: str) -> None:
        await self._containers.remove(container_id)

    async def unpause_container(self, container_id: str) -> None:
        await self._containers.unpause(container_id)

    async def update_resources(self, container_id: str, resources: Resources) -> None:
        await self._containers.update(container_id, resources)

    # -- looking -------------------------------------------------------------------------------

    async def list_pods(self) -> Sequence[ObservedPod]:
        return await self._observer.pods()

    async def observe_pod(self, pod_uid: str) -> ObservedPod | None:
        return await self._observer.pod(pod_uid)

    def events(self) -> AsyncIterator[RuntimeEvent]:
        return self._observer.events(self._socket)

    def logs(
        self, container_id: str, options: LogOptions
    ) -> AsyncIterator[tuple[LogStream, bytes]]:
        return read_logs(self._sdk.call, self._socket, container_id, options, self._containers.wait)

    async def stats(self) -> Sequence[Stats]:
        return await self._observer.stats()

    # -- streams -------------------------------------------------------------------------------

    async def exec(
        self, container_id: str, command: Sequence[str], *, stdin: bool = False, tty: bool = False
    ) -> ExecSession:
        return await self._processes.exec(container_id, command, stdin=stdin, tty=tty)

    async def attach(self, container_id: str, *, stdin: bool, tty: bool) -> ExecSession:
        return await self._processes.attach(
            container_id, lambda: self._containers.wait(container_id), stdin=stdin, tty=tty
        )

    async def exec_sync(
        self, container_id: str, command: Sequence[str], *, timeout_seconds: float
    ) -> tuple[int, bytes]:
        return await self._processes.exec_sync(container_id, command, timeout_seconds)

    async def read_file(self, container_id: str, path: str, *, limit_bytes: int) -> bytes:
        return await self._containers.read_file(container_id, path, limit_bytes)

    # -- images --------------------------------------------------------------------------------

    async def image(self, reference: str) -> ImageInfo | None:
        return await self._images.image(reference)

    async def images(self) -> Sequence[ImageInfo]:
        return await self._images.images()

    async def pull_image(self, reference: str, *, auth: Mapping[str, str] | None = None) -> None:
        await self._images.pull(reference, auth)

    def image_files(self, image_id: str) -> AsyncGenerator[bytes, None]:
        return self._images.files(image_id)

    # -- volumes and the cluster ---------------------------------------------------------------

    async def create_volume(self, name: str, labels: Mapping[str, str]) -> str:
        return await self._resources.create_volume(name, labels)

    async def remove_volume(self, name: str) -> None:
        await self._resources.remove_volume(name)

    async def ensure_network(
        self, name: str, *, bridge: str, subnet: str, gateway: str, engine_range: str
    ) -> None:
        wanted = translate.network_payload(
            self._cluster.name,
            bridge=bridge,
            subnet=subnet,
            gateway=gateway,
            engine_range=engine_range,
        )
        await self._resources.ensure_network(name, wanted)

    async def remove_everything(self, *, volumes: bool, keep_ended: bool = False) -> None:
        await self._resources.remove_everything(volumes=volumes, keep_ended=keep_ended)

    async def run(self) -> None:
        """Keeps sandboxes warm. They outlive it: the next daemon takes them over."""
        if self._pool_size == 0:
            await asyncio.Event().wait()
        image = await self._sandbox_image_sooner_or_later()
        self._pool = WarmPool(self._sdk.call, self._cluster.name, image, self._pool_size)
        try:
            await self._pool.run()
        finally:
            self._pool = None

    async def _sandbox_image_sooner_or_later(self) -> SandboxImage:
        while True:
            try:
                return await self._images.ensure_sandbox_image()
            except RuntimeFailure:
                await asyncio.sleep(_GONE_POLL_SECONDS)

    async def close(self) -> None:
        self._containers.close()
        self._sdk.close()


def _translated(error: docker_errors.APIError) -> RuntimeFailure:
    message = str(error.explanation or error)
    lowered = message.lower()
    if isinstance(error, docker_errors.ImageNotFound) or "no such image" in lowered:
        return ImageNotFound(message)
    if "no such container" in lowered or "no such exec" in lowered:
        return NoSuchContainer(message)
    return EngineRefused(int(error.status_code or 500), message)
