"""A container runtime on paper: the whole control plane without Docker, without root.

Any image exists unless it is declared missing; containers do what `paper_programs` reads out of
their commands. Passes the same contract tests as Docker. With a state directory its containers
outlive the daemon as real ones do: one file each, replaced as a whole.
"""

import asyncio
import itertools
import os
import platform
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from minikube_py.container_runtime import observe
from minikube_py.container_runtime.interface import (
    ContainerSpec,
    ExecSession,
    ImageInfo,
    ImageNotFound,
    LogOptions,
    LogStream,
    NoSuchContainer,
    ObservedPod,
    PodIdentity,
    Resources,
    RuntimeEvent,
    RuntimeFailure,
    RuntimeInfo,
    Sandbox,
    SandboxSpec,
    StartFailed,
)
from minikube_py.container_runtime.paper_container import (
    PaperContainer,
    image_id,
    record_from,
    record_of,
)
from minikube_py.container_runtime.paper_programs import Ends, Says, steps_of
from minikube_py.container_runtime.paper_session import PaperAttach, PaperExec
from minikube_py.container_runtime.paper_state import PaperState
from minikube_py.container_runtime.usage import Stats
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.timestamps import Clock, parse_time

_OUTPUT_LIMIT = 10 * 1024
_MEMORY_BYTES = 16 << 30
_CONTAINER_MEMORY = 8 << 20
_EMPTY_TAR = 10 * 1024  # nothing but zeroes
_SANDBOX_PID = 1 << 22


class SimulatedRuntime:
    """Satisfies ContainerRuntime. `start_seconds` and `pull_seconds` are how long it pretends to
    need.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        clock: Clock,
        state_dir: Path | None = None,
        missing_images: Collection[str] = (),
        start_seconds: float = 0.0,
        pull_seconds: float = 0.0,
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._state = PaperState(state_dir)
        self._missing = missing_images
        self._start_seconds = start_seconds
        self._pull_seconds = pull_seconds
        self._sandboxes: dict[str, Sandbox] = {}
        self._containers: dict[str, PaperContainer] = {}
        self._used_images: set[str] = set()
        self._listeners: set[asyncio.Queue[RuntimeEvent]] = set()
        self._networks: dict[str, tuple[str, ...]] = {}
        self._volumes: dict[str, dict[str, str]] = {}
        self._numbers = itertools.count(1)
        self._is_loaded = False

    async def info(self) -> RuntimeInfo:
        return RuntimeInfo(
            name="simulated",
            version="1",
            api_version="1",
            cgroup_version=2,
            cgroup_driver="none",
            kernel=platform.release(),
            operating_system="paper",
            architecture=platform.machine(),
            cpus=os.cpu_count() or 1,
            memory_bytes=_MEMORY_BYTES,
            root_dir=str(self._state.folder or ""),
        )

    async def ping(self) -> None:
        """Paper is always there."""

    # -- sandboxes -----------------------------------------------------------------------------

    async def run_sandbox(self, spec: SandboxSpec) -> Sandbox:
        self._load()
        await self._pretend(self._start_seconds)
        number = next(self._numbers)
        sandbox = Sandbox(
            id=f"{number:064x}",
            pod=spec.pod,
            attempt=spec.attempt,
            running=True,
            pid=_SANDBOX_PID + number,
            created_at=self._clock(),
            host_network=spec.host_network,
        )
        self._sandboxes[sandbox.id] = sandbox
        self._state.write("sandbox", sandbox.id, _plain(asdict(sandbox)))
        self._tell(sandbox.pod.uid, sandbox.id, "start")
        return sandbox

    async def remove_sandbox(self, sandbox_id: str) -> None:
        self._load()
        sandbox = self._sandboxes.pop(sandbox_id, None)
        if sandbox is not None:
            self._state.remove("sandbox", sandbox_id)
            self._tell(sandbox.pod.uid, sandbox_id, "destroy")

    # -- containers ----------------------------------------------------------------------------

    async def create_container(self, spec: ContainerSpec) -> str:
        self._load()
        if spec.image in self._missing:
            raise ImageNotFound(f"No such image: {spec.image}")
        self._used_images.add(spec.image)
        record = record_of(spec, next(self._numbers), self._clock())
        self._containers[record.id] = PaperContainer(record, self._clock, self._changed)
        self._state.write("container", record.id, asdict(record))
        return record.id

    async def start_container(self, container_id: str) -> None:
        container = self._get(container_id)
        if container.record.sandbox_id not in self._sandboxes:
            raise StartFailed(f"sandbox {container.record.sandbox_id} is gone")
        await self._pretend(self._start_seconds)
        if not container.is_running:
            container.start()

    async def stop_container(
        self, container_id: str, *, grace_seconds: float, signal: str = ""
    ) -> None:
        self._load()
        container = self._containers.get(container_id)
        if container is None or not container.is_running:
            return
        if grace_seconds > 0 and not container.stop(signal or "SIGTERM"):
            try:
                async with asyncio.timeout(grace_seconds):
                    await PaperAttach(container).exit_code()
            except TimeoutError:
                pass
        if container.is_running:
            container.stop("SIGKILL")

    async def remove_container(self, container_id: str) -> None:
        self._load()
        container = self._containers.get(container_id)
        if container is None:
            return
        if container.is_running:
            container.stop("SIGKILL")
        container.discard()
        del self._containers[container_id]
        self._state.remove("container", container_id)
        self._changed(container, "destroy")

    async def unpause_container(self, container_id: str) -> None:
        self._get(container_id)  # nobody pauses on paper

    async def update_resources(self, container_id: str, resources: Resources) -> None:
        self._get(container_id)

    # -- looking -------------------------------------------------------------------------------

    async def list_pods(self) -> Sequence[ObservedPod]:
        self._load()
        containers = [container.observed() for container in self._containers.values()]
        return observe.pods_from([*self._sandboxes.values(), *containers])

    async def observe_pod(self, pod_uid: str) -> ObservedPod | None:
        return next((pod for pod in await self.list_pods() if pod.pod.uid == pod_uid), None)

    async def events(self) -> AsyncIterator[RuntimeEvent]:
        queue: asyncio.Queue[RuntimeEvent] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield RuntimeEvent(pod_uid="", container_id="", action="connected")
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def logs(
        self, container_id: str, options: LogOptions
    ) -> AsyncIterator[tuple[LogStream, bytes]]:
        container = self._get(container_id)
        seen = container.said
        kept = [line for line in container.lines if _within(line[0], options)]
        if options.tail is not None:
            kept = kept[-options.tail :] if options.tail else []
        for at, stream, text in kept:
            yield stream, _line(at, text, options)
        while options.follow and (seen < container.said or container.is_running):
            news = container.news
            if seen == container.said:
                await news.wait()
            fresh = container.said - seen
            seen = container.said
            for at, stream, text in list(container.lines)[-fresh:] if fresh else ():
                yield stream, _line(at, text, options)

    async def stats(self) -> Sequence[Stats]:
        self._load()
        now = self._clock()
        return [_stats(one, now) for one in self._containers.values() if one.is_running]

    # -- streams -------------------------------------------------------------------------------

    async def exec(
        self, container_id: str, command: Sequence[str], *, stdin: bool = False, tty: bool = False
    ) -> ExecSession:
        return PaperExec(self._get_running(container_id), command, tty=tty)

    async def attach(self, container_id: str, *, stdin: bool, tty: bool) -> ExecSession:
        return PaperAttach(self._get_running(container_id))

    async def exec_sync(
        self, container_id: str, command: Sequence[str], *, timeout_seconds: float
    ) -> tuple[int, bytes]:
        container = self._get_running(container_id)
        output = b""
        async with asyncio.timeout(timeout_seconds):
            for step in steps_of(command, container.around, main=False):
                if isinstance(step, Says):
                    output += step.text.encode()
                elif isinstance(step, Ends):
                    return step.code, output[:_OUTPUT_LIMIT]
                else:
                    await asyncio.sleep(min(step.seconds, 2 * timeout_seconds))
        return 0, output[:_OUTPUT_LIMIT]

    async def read_file(self, container_id: str, path: str, *, limit_bytes: int) -> bytes:
        content = self._get(container_id).around.file(path)
        return (content or "").encode()[:limit_bytes]

    # -- images --------------------------------------------------------------------------------

    async def image(self, reference: str) -> ImageInfo | None:
        if reference in self._missing:
            return None
        return ImageInfo(id=image_id(reference), tags=(reference,), size_bytes=1 << 20)

    async def images(self) -> Sequence[ImageInfo]:
        found = [await self.image(reference) for reference in sorted(self._used_images)]
        return [image for image in found if image is not None]

    async def pull_image(self, reference: str, *, auth: Mapping[str, str] | None = None) -> None:
        await self._pretend(self._pull_seconds)
        if reference in self._missing:
            raise ImageNotFound(f"manifest for {reference} not found")
        self._used_images.add(reference)

    async def image_files(self, image_id: str) -> AsyncGenerator[bytes, None]:
        """On paper, images are empty."""
        if image_id in self._missing:
            raise ImageNotFound(f"No such image: {image_id}")
        yield bytes(_EMPTY_TAR)

    # -- volumes and the cluster ---------------------------------------------------------------

    async def create_volume(self, name: str, labels: Mapping[str, str]) -> str:
        self._volumes.setdefault(name, dict(labels))
        folder = (self._state.folder or Path("/nonexistent")) / "volumes" / name
        if self._state.folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    async def remove_volume(self, name: str) -> None:
        self._volumes.pop(name, None)

    async def ensure_network(
        self, name: str, *, bridge: str, subnet: str, gateway: str, engine_range: str
    ) -> None:
        wanted = (bridge, subnet, gateway, engine_range)
        if self._networks.setdefault(name, wanted) != wanted:
            have = self._networks[name]
            raise RuntimeFailure(f"network {name} is another: {have} instead of {wanted}")

    async def remove_everything(self, *, volumes: bool, keep_ended: bool = False) -> None:
        self._load()
        for container_id, container in list(self._containers.items()):
            if not (keep_ended and container.observed().state == "exited"):
                await self.remove_container(container_id)
        for sandbox_id in list(self._sandboxes):
            await self.remove_sandbox(sandbox_id)
        self._networks.clear()
        if volumes:
            self._volumes.clear()

    async def run(self) -> None:
        self._load()
        await asyncio.Event().wait()

    async def close(self) -> None:
        for container in self._containers.values():
            container.discard()

    # -- inside --------------------------------------------------------------------------------

    def _load(self) -> None:
        """What an earlier daemon left, when first asked for anything."""
        if self._is_loaded:
            return
        self._is_loaded = True
        for data in self._state.read("sandbox"):
            pod = PodIdentity(**data.pop("pod"))
            created = parse_time(data.pop("created_at"))
            self._sandboxes[data["id"]] = Sandbox(pod=pod, created_at=created, **data)
        for data in self._state.read("container"):
            container = PaperContainer(record_from(data), self._clock, self._changed)
            self._containers[container.record.id] = container
            if container.is_running:
                container.resume()
            elif container.record.started_at:
                container.replay()
        taken = [int(one, 16) for one in (*self._sandboxes, *self._containers)]
        self._numbers = itertools.count(max(taken, default=0) + 1)

    def _get(self, container_id: str) -> PaperContainer:
        self._load()
        if container_id not in self._containers:
            raise NoSuchContainer(f"No such container: {container_id}")
        return self._containers[container_id]

    def _get_running(self, container_id: str) -> PaperContainer:
        container = self._get(container_id)
        if not container.is_running:
            raise RuntimeFailure(f"container {container_id} is not running")
        return container

    def _changed(self, container: PaperContainer, action: str) -> None:
        record = container.record
        if action != "destroy":
            self._state.write("container", record.id, asdict(record))
        self._tell(record.pod["uid"], record.id, action)

    def _tell(self, pod_uid: str, container_id: str, action: str) -> None:
        for queue in self._listeners:
            queue.put_nowait(RuntimeEvent(pod_uid, container_id, action))

    async def _pretend(self, seconds: float) -> None:
        if seconds:
            await asyncio.sleep(seconds)


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "created_at": data["created_at"].isoformat()}


def _within(at: datetime, options: LogOptions) -> bool:
    return (options.since is None or at >= options.since) and (
        options.until is None or at <= options.until
    )


def _line(at: datetime, text: str, options: LogOptions) -> bytes:
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z ") if options.timestamps else ""
    return f"{stamp}{text}".encode()


def _stats(container: PaperContainer, now: datetime) -> Stats:
    record = container.record
    age = (now - datetime.fromisoformat(record.started_at)).total_seconds()
    return Stats(
        container_id=record.id,
        pod_uid=record.pod["uid"],
        container_name=record.name,
        cpu_nanoseconds=int(max(0.0, age) * 1_000_000),  # one thousandth of a processor
        memory_working_set_bytes=_CONTAINER_MEMORY,
        read_at=now,
    )
