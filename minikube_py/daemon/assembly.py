"""The composition root: the only module that names concrete adapters, and the order of starting.

Everything is made here and in `control_plane`, and handed what it needs; nothing below reaches up
for it.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from minikube_py.container_runtime.interface import ContainerRuntime, RuntimeFailure
from minikube_py.daemon.choices import Choices, StartFailure
from minikube_py.daemon.component import Component
from minikube_py.daemon.ground import Ground, lay_ground
from minikube_py.daemon.mounts import unmount_below
from minikube_py.daemon.readiness import Check, wait_for
from minikube_py.daemon.settings import Settings
from minikube_py.meta.timestamps import system_clock
from minikube_py.network.host import HostNetworkError
from minikube_py.network.sockets import AddressTaken
from minikube_py.store.cipher import AesGcmCipher
from minikube_py.store.interface import Store, StoreCannotOpen, StoreUnavailable
from minikube_py.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from minikube_py.daemon.control_plane import ControlPlane, Network
    from minikube_py.kubelet.agent import Kubelet

_SEALED_PREFIXES = ("/registry/core/secrets/",)
_Build = Callable[[Settings, ContainerRuntime, Ground, Store], "Awaitable[ControlPlane]"]

_EXPECTED = (
    StartFailure,
    RuntimeFailure,
    HostNetworkError,
    AddressTaken,
    StoreCannotOpen,
    StoreUnavailable,
)
"""What a user can do something about: told in one line, without a stack."""


_REST_SECONDS = 30.0
_STOP_SECONDS = 1.0


@dataclass(frozen=True)
class Assembly:
    """`groups` start in order, each after the one before it was started, and stop in reverse."""

    choices: Choices
    groups: Sequence[Sequence[Component]]
    checks: dict[str, Check]
    _runtime: ContainerRuntime
    _ground: Ground
    _pods_dir: Path
    _network: "Network | None" = None
    _kubelets: "Sequence[Kubelet]" = ()

    async def wait_ready(self) -> None:
        """The API, the Node and DNS answer; the caller bounds the time."""
        await wait_for(self.checks)

    async def hand_over(self) -> None:
        """Lets the kernel serve what the daemon proxied, for while only the daemon is gone."""
        if self._network is not None:
            await self._network.proxy.hand_to_kernel()

    async def rest_pods(self) -> None:
        """While all still runs: pods stop as when their node is shut down, with their hooks, their
        order and their grace, but none longer than half a minute.
        """
        await asyncio.gather(*(kubelet.rest(_REST_SECONDS) for kubelet in self._kubelets))

    async def stop_pods(self) -> None:
        """Takes containers, mounts and devices off the host; objects and volumes stay, and ended
        containers for their logs. What does not run by now was stopped by `rest_pods`.
        """
        pods = await self._runtime.list_pods()
        await asyncio.gather(
            *(
                self._runtime.stop_container(container.id, grace_seconds=_STOP_SECONDS)
                for pod in pods
                for container in pod.containers
                if container.state == "running"
            ),
            return_exceptions=True,  # whatever did not stop is removed all the same
        )
        await self._runtime.remove_everything(volumes=False, keep_ended=True)
        await unmount_below(self._pods_dir)
        await self._ground.remove()


@asynccontextmanager
async def assemble(settings: Settings) -> AsyncIterator[Assembly]:
    """Opens what has to be open, and closes it again; raises StartFailure with advice."""
    async with AsyncExitStack() as opened:
        runtime = open_runtime(settings)
        opened.push_async_callback(runtime.close)
        try:
            yield await _assemble(settings, runtime, opened)
        except (*_EXPECTED, ExceptionGroup) as error:
            raise _start_failure(error) from error


async def _assemble(
    settings: Settings, runtime: ContainerRuntime, opened: AsyncExitStack
) -> Assembly:
    """The ground mostly waits for the engine and the kernel: meanwhile the rest is imported."""
    async with asyncio.TaskGroup() as group:
        building = group.create_task(asyncio.to_thread(_import_control_plane))
        ground_task = group.create_task(_lay_ground(settings, runtime, opened))
        store_task = group.create_task(_open_store(settings, opened))
    ground = ground_task.result()
    build = building.result()
    plane = await build(settings, runtime, ground, store_task.result())
    return Assembly(
        choices=ground.choices,
        groups=plane.groups,
        checks=plane.checks,
        _runtime=runtime,
        _ground=ground,
        _pods_dir=settings.pods_dir,
        _network=plane.network,
        _kubelets=plane.kubelets,
    )


def _import_control_plane() -> _Build:
    with _without_public_authorities():
        import aiohttp  # noqa: F401 - for the lines after it
    from minikube_py.daemon import control_plane

    control_plane.warm_up()
    return control_plane.build


@contextmanager
def _without_public_authorities() -> Iterator[None]:
    """When imported, aiohttp reads the host's whole bundle of authorities for requests to the
    Internet, 40 ms. The daemon makes none: its own TLS trusts the cluster's authority, and probes
    ask for no certificate.
    """
    variable = "SSL_CERT_FILE"  # OpenSSL's own
    before = os.environ.get(variable)
    os.environ[variable] = os.devnull
    try:
        yield
    finally:
        del os.environ[variable]
        if before is not None:
            os.environ[variable] = before


async def _lay_ground(
    settings: Settings, runtime: ContainerRuntime, opened: AsyncExitStack
) -> Ground:
    await runtime.ping()
    ground = await lay_ground(settings, runtime)
    opened.push_async_callback(ground.close)
    return ground


def _start_failure(error: Exception) -> Exception:
    """The one line to show, also when a component failed inside its task group."""
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            found = _start_failure(inner)
            if isinstance(found, StartFailure):
                return found
        return error.exceptions[0] if len(error.exceptions) == 1 else error
    if isinstance(error, StartFailure) or not isinstance(error, _EXPECTED):
        return error
    return StartFailure((isinstance(error, OSError) and error.strerror) or str(error))


def open_runtime(settings: Settings) -> ContainerRuntime:
    """Only the chosen one is imported: the Docker SDK alone takes a tenth of a second."""
    if settings.simulated:
        from minikube_py.container_runtime.simulated import SimulatedRuntime

        return SimulatedRuntime(
            settings.cluster,
            clock=system_clock,
            state_dir=settings.data_dir / "paper",
        )
    from minikube_py.container_runtime.docker_engine import DockerEngine

    return DockerEngine(settings.cluster, clock=system_clock)


async def _open_store(settings: Settings, opened: AsyncExitStack) -> SqliteStore:
    path, key = settings.data_dir / "store.db", settings.data_dir / "secrets.key"
    cipher = AesGcmCipher.from_key_file(key, _SEALED_PREFIXES, create=not path.exists())
    store = await SqliteStore.open(path, cipher=cipher, clock=system_clock)
    opened.push_async_callback(store.close)
    return store
