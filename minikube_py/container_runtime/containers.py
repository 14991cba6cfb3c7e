"""Sandboxes and containers made, started and ended on the engine, as told and nothing more."""

import asyncio
import contextlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minikube_py.container_runtime import archive, labels, names, netns, observe, translate
from minikube_py.container_runtime.engine_calls import Call, Json
from minikube_py.container_runtime.engine_socket import EngineRefused, EngineSocket
from minikube_py.container_runtime.hostnames import HostnameWriter, task_directory
from minikube_py.container_runtime.interface import (
    ContainerSpec,
    NoSuchContainer,
    Resources,
    RuntimeFailure,
    RuntimeUnavailable,
    Sandbox,
    SandboxSpec,
    StartFailed,
)
from minikube_py.container_runtime.names import ContainerName
from minikube_py.container_runtime.sandbox_image import SandboxImage
from minikube_py.container_runtime.warm_pool import WarmPool, WarmSandbox

_GONE_SECONDS = 0.05
_SIGKILL = "SIGKILL"
_NOT_FOUND, _CONFLICT = 404, 409


class Containers:
    """`changed` is told of each container something was done to; `pool` may be absent."""

    def __init__(
        self,
        call: Call,
        socket: EngineSocket,
        cluster: str,
        changed: Callable[[str], None],
    ) -> None:
        self._call = call
        self._socket = socket
        self._cluster = cluster
        self._changed = changed
        self._hostnames: dict[
            str, str
        ] = {}  # of sandboxes taken from the pool, and their containers
        self._writer: HostnameWriter | None = None

    # -- sandboxes -----------------------------------------------------------------------------

    async def run_sandbox(
        self, spec: SandboxSpec, image: SandboxImage, pool: WarmPool | None
    ) -> Sandbox:
        name = ContainerName("", spec.pod, spec.attempt, self._cluster)
        if pool is not None and translate.fits_pool(spec):
            while (warm := pool.take()) is not None:
                if self._can_write_hostnames(warm):
                    with contextlib.suppress(NoSuchContainer):  # removed by hand just now
                        return await self._claim(warm, name, spec)
        payload = translate.sandbox_payload(spec, image, self._cluster)
        container = await self.create(str(name), payload)
        await self._start(container)
        inspected = await self._call(lambda api: api.inspect_container(container))
        sandbox = observe.sandbox_from(name, inspected)
        if not spec.host_network:
            await netns.own(sandbox.pid)
        return sandbox

    def _can_write_hostnames(self, warm: WarmSandbox) -> bool:
        if self._writer is None:
            tasks = task_directory(warm.pid, warm.id)
            self._writer = HostnameWriter(tasks) if tasks is not None else None
        return self._writer is not None

    async def _claim(self, warm: WarmSandbox, name: ContainerName, spec: SandboxSpec) -> Sandbox:
        """From the rename on the sandbox is the pod's, whatever happens to this process."""
        await self._call(lambda api: api.rename(warm.id, str(name)))
        self._hostnames[warm.id] = spec.hostname
        for path, content in _etc_files(warm, spec.hostname):
            with contextlib.suppress(OSError):  # the kubelet mounts its own over them
                path.write_text(content)
        return Sandbox(warm.id, spec.pod, spec.attempt, True, warm.pid, warm.created_at)

    # -- containers ----------------------------------------------------------------------------

    async def create_container(self, spec: ContainerSpec) -> str:
        hostname = spec.hostname if await self._is_from_pool(spec.sandbox_id) else ""
        name = ContainerName(spec.name, spec.pod, spec.attempt, self._cluster)
        payload = translate.container_payload(spec, self._cluster, hostname=hostname)
        container = await self.create(str(name), payload)
        self._hostnames[container] = hostname
        return container

    async def create(self, name: str, payload: Json) -> str:
        """The new container's id. One of the same name that never ran is an interrupted attempt
        and makes way.
        """
        try:
            made = await self._call(lambda api: api.create_container_from_config(payload, name))
        except RuntimeFailure as failure:
            if not await self._removed_leftover(name):
                raise
            made = await self._again(failure, payload, name)
        return str(made["Id"])

    async def _again(self, failure: RuntimeFailure, payload: Json, name: str) -> Json:
        try:
            return await self._call(lambda api: api.create_container_from_config(payload, name))
        except RuntimeFailure as error:
            raise error from failure

    async def _removed_leftover(self, name: str) -> bool:
        try:
            inspected = await self._call(lambda api: api.inspect_container(name))
        except NoSuchContainer:
            return False
        own = inspected["Config"].get("Labels") or {}
        if own.get(labels.CLUSTER) != self._cluster or inspected["State"]["Status"] != "created":
            return False
        await self.remove(inspected["Id"])
        return True

    async def start_container(self, container_id: str) -> None:
        hostname = await self._hostname_to_write(container_id)
        if not hostname:
            await self._start(container_id)
            return
        if self._writer is None:
            raise StartFailed("this sandbox was warm but its engine's task directory is not found")
        await self._writer.start(
            container_id,
            hostname,
            start=lambda: self._start(container_id),
            kill=lambda: self._kill_and_wait(container_id),
        )

    async def _start(self, container_id: str) -> None:
        self._changed(container_id)
        try:
            await self._call(lambda api: api.start(container_id))
        except EngineRefused as refused:
            raise StartFailed(str(refused)) from refused
        finally:
            self._changed(container_id)

    async def _is_from_pool(self, sandbox_id: str) -> bool:
        if sandbox_id not in self._hostnames:
            await self._recall(sandbox_id)
        return bool(self._hostnames[sandbox_id])

    async def _hostname_to_write(self, container_id: str) -> str:
        """After a restart of the daemon the label knows."""
        if container_id not in self._hostnames:
            await self._recall(container_id)
        hostname = self._hostnames[container_id]
        if hostname and self._writer is None:
            inspected = await self._call(lambda api: api.inspect_container(container_id))
            sandbox = inspected["Config"]["Labels"][labels.SANDBOX_ID]
            state = (await self._call(lambda api: api.inspect_container(sandbox)))["State"]
            if (tasks := task_directory(int(state["Pid"]), sandbox)) is not None:
                self._writer = HostnameWriter(tasks)
        return hostname

    async def _recall(self, container_id: str) -> None:
        inspected = await self._call(lambda api: api.inspect_container(container_id))
        own = inspected["Config"].get("Labels") or {}
        if own.get(labels.POOL) and not names.is_pool_name(inspected["Name"]):
            # Only that there is one to write matters for a sandbox; which, its containers say.
            self._hostnames[container_id] = inspected["Config"]["Hostname"]
        else:
            self._hostnames[container_id] = own.get(labels.HOSTNAME, "")

    async def stop(self, container_id: str, grace_seconds: float, signal: str) -> None:
        """No thread waits meanwhile: the engine answers when the container has ended."""
        self._changed(container_id)
        try:
            if grace_seconds <= 0:
                await self._kill_and_wait(container_id)
            elif signal:
                await self._signal_and_wait(container_id, signal, grace_seconds)
            else:
                await self._ask(container_id, "stop", {"t": math.ceil(grace_seconds)})
        except NoSuchContainer:
            return
        finally:
            self._changed(container_id)

    async def _signal_and_wait(self, container_id: str, signal: str, grace_seconds: float) -> None:
        try:
            async with asyncio.timeout(grace_seconds):
                await self._kill_and_wait(container_id, signal)
        except TimeoutError:
            await self._kill_and_wait(container_id)

    async def _kill_and_wait(self, container_id: str, signal: str = _SIGKILL) -> None:
        with contextlib.suppress(EngineRefused):  # not running: nothing to wait for either
            await self._call(lambda api: api.kill(container_id, signal))
        await self.wait(container_id)

    async def wait(self, container_id: str) -> int:
        """The exit code, once it has ended; 0 for one that never ran."""
        answer = await self._ask(container_id, "wait", {})
        if "StatusCode" not in answer:
            raise RuntimeUnavailable("Docker went away while a container was waited for")
        return int(answer["StatusCode"])

    async def _ask(self, container_id: str, verb: str, query: Json) -> Any:
        path = f"/containers/{container_id}/{verb}"
        try:
            async with self._socket.request("POST", path, query=query) as stream:
                body = await stream.read_all()
        except EngineRefused as refused:
            if refused.status == _NOT_FOUND:
                raise NoSuchContainer(str(refused)) from refused
            raise
        return observe.parse_answer(body)

    async def remove(self, container_id: str) -> None:
        """Anonymous volumes go with it. Another removal of the same is waited for."""
        self._hostnames.pop(container_id, None)
        try:
            while True:
                self._changed(container_id)
                try:
                    await self._call(
                        lambda api: api.remove_container(container_id, v=True, force=True)
                    )
                except EngineRefused as refused:
                    if refused.status != _CONFLICT:
                        raise
                    await asyncio.sleep(_GONE_SECONDS)
        except NoSuchContainer:
            return
        finally:
            self._changed(container_id)

    async def read_file(self, container_id: str, path: str, limit_bytes: int) -> bytes:
        url = f"/containers/{container_id}/archive"
        try:
            async with self._socket.request("GET", url, query={"path": path}) as stream:
                tar = await stream.read_all(limit_bytes + archive.HEADERS_BYTES)
        except EngineRefused as refused:
            if refused.status != _NOT_FOUND:
                raise
            if "no such container" in str(refused).lower():
                raise NoSuchContainer(str(refused)) from refused
            return b""
        return archive.first_file(tar, limit_bytes)

    async def unpause(self, container_id: str) -> None:
        try:
            await self._call(lambda api: api.unpause(container_id))
        except EngineRefused as refused:
            if "is not paused" not in str(refused):  # somebody was faster
                raise
        finally:
            self._changed(container_id)

    async def update(self, container_id: str, resources: Resources) -> None:
        unlimited = -1
        await self._call(
            lambda api: api.update_container(
                container_id,
                cpu_shares=resources.cpu_shares or 2,
                cpu_period=translate.CPU_PERIOD_US,
                cpu_quota=resources.cpu_quota_us or unlimited,
                mem_limit=resources.memory_bytes or unlimited,
                memswap_limit=resources.memory_bytes or unlimited,
                mem_reservation=resources.memory_reservation_bytes,
            )
        )
        self._changed(container_id)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _etc_files(warm: WarmSandbox, hostname: str) -> list[tuple[Path, str]]:
    hosts = (
        f"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t{hostname}\n"
    )
    return [(warm.hostname_path, f"{hostname}\n"), (warm.hosts_path, hosts)]
