"""The composition root: the only module that names concrete adapters, and the order of starting.

Everything is made here and handed what it needs; nothing below reaches up for it.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aiohttp import web

from minikube_py.apiserver.app import build_app
from minikube_py.container_runtime.docker_engine import DockerEngine
from minikube_py.container_runtime.interface import ContainerRuntime, RuntimeFailure
from minikube_py.container_runtime.simulated import SimulatedRuntime
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.controllers.kubernetes_service import ApiAddress
from minikube_py.daemon.api import ApiEndpoint, server_context
from minikube_py.daemon.bootstrap import bootstrap
from minikube_py.daemon.certificates import CertificateAuthority
from minikube_py.daemon.choices import Choices, StartFailure
from minikube_py.daemon.controllers import (
    ClusterFacts,
    Recorders,
    new_controllers,
)
from minikube_py.daemon.ground import (
    Ground,
    host_address,
    kubernetes_address,
    lay_ground,
    node_name,
)
from minikube_py.daemon.kubeconfig import write_kubeconfig
from minikube_py.daemon.mounts import unmount_below
from minikube_py.daemon.readiness import Check, dns_answers, node_is_ready, wait_for
from minikube_py.daemon.settings import Settings
from minikube_py.kinds import catalog
from minikube_py.kubelet.agent import Kubelet, KubeletSettings
from minikube_py.meta.timestamps import system_clock
from minikube_py.network.dns.server import DnsServer
from minikube_py.network.host import HostNetworkError
from minikube_py.network.ingress.certificates import CertificateIssuer
from minikube_py.network.ingress.server import IngressServer
from minikube_py.network.service_proxy.nftables import Nft
from minikube_py.network.service_proxy.proxy import ServiceProxy
from minikube_py.network.service_proxy.targets import ProxySettings
from minikube_py.network.sockets import AddressTaken
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.resources import Resources
from minikube_py.scheduler.scheduler import Scheduler
from minikube_py.store.cipher import AesGcmCipher
from minikube_py.store.interface import Store, StoreCannotOpen, StoreUnavailable
from minikube_py.store.sqlite import SqliteStore

CLUSTER_DOMAIN = "cluster.local"
ADMIN = ("kubernetes-admin", ["system:masters"])
_SEALED_PREFIXES = ("/registry/core/secrets/",)


_EXPECTED = (
    StartFailure,
    RuntimeFailure,
    HostNetworkError,
    AddressTaken,
    StoreCannotOpen,
    StoreUnavailable,
)
"""What a user can do something about: told in one line, without a stack."""


class Component(Protocol):
    """Ends only by cancellation."""

    async def run(self) -> None: ...


@dataclass(frozen=True)
class Assembly:
    """`groups` start in order, each after the one before it was started, and stop in reverse."""

    choices: Choices
    groups: Sequence[Sequence[Component]]
    checks: dict[str, Check]
    _runtime: ContainerRuntime
    _ground: Ground
    _pods_dir: Path
    _network: "_Network | None"

    async def wait_ready(self) -> None:
        """The API, the Node and DNS answer; the caller bounds the time."""
        await wait_for(self.checks)

    async def hand_over(self) -> None:
        """Lets the kernel serve what the daemon proxied, for while only the daemon is gone."""
        if self._network is not None:
            await self._network.proxy.hand_to_kernel()

    async def stop_pods(self) -> None:
        """Takes containers, mounts and devices off the host; objects and volumes stay."""
        await self._runtime.remove_everything(volumes=False)
        await unmount_below(self._pods_dir)
        await self._ground.remove()


@dataclass(frozen=True)
class _Network:
    proxy: ServiceProxy
    dns: DnsServer
    ingress: IngressServer

    @property
    def components(self) -> Sequence[Component]:
        return [self.proxy, self.dns, self.ingress]

    def checks(self, dns_address: str) -> dict[str, Check]:
        return {
            "services": self.proxy.wait_ready,
            "dns": dns_answers(dns_address, f"kubernetes.default.svc.{CLUSTER_DOMAIN}"),
            "ingress": self.ingress.wait_listening,
        }


@asynccontextmanager
async def assemble(settings: Settings) -> AsyncIterator[Assembly]:
    """Opens what has to be open, and closes it again; raises StartFailure with advice."""
    async with AsyncExitStack() as opened:
        runtime = open_runtime(settings)
        opened.push_async_callback(runtime.close)
        try:
            await runtime.ping()
            ground = await lay_ground(settings, runtime)
            opened.push_async_callback(ground.close)
            store = await _open_store(settings)
            opened.push_async_callback(store.close)
            yield await _assemble(settings, runtime, ground, store)
        except (*_EXPECTED, ExceptionGroup) as error:
            raise _start_failure(error) from error


def _start_failure(error: Exception) -> Exception:
    """The one line to show, also when a component failed inside its task group."""
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            found = _start_failure(inner)
            if isinstance(found, StartFailure):
                return found
        return error
    if isinstance(error, StartFailure) or not isinstance(error, _EXPECTED):
        return error
    return StartFailure((isinstance(error, OSError) and error.strerror) or str(error))


def open_runtime(settings: Settings) -> ContainerRuntime:
    if settings.simulated:
        return SimulatedRuntime(
            settings.cluster,
            clock=system_clock,
            state_dir=settings.data_dir / "paper",
        )
    return DockerEngine(settings.cluster, clock=system_clock)


async def _open_store(settings: Settings) -> SqliteStore:
    path, key = settings.data_dir / "store.db", settings.data_dir / "secrets.key"
    cipher = AesGcmCipher.from_key_file(key, _SEALED_PREFIXES, create=not path.exists())
    return await SqliteStore.open(path, cipher=cipher, clock=system_clock)


async def _assemble(
    settings: Settings, runtime: ContainerRuntime, ground: Ground, store: Store
) -> Assembly:
    clock, ranges = system_clock, ground.ranges
    allocator = ServiceAllocator(ranges.service)
    resources = Resources(store, catalog.builtin_catalog(), clock=clock, allocator=allocator)
    await bootstrap(resources, dns_address=ranges.dns)
    informers = Informers(resources)
    recorders = Recorders(resources, clock, node_name())
    authority = CertificateAuthority.open(
        settings.data_dir / "pki", name=settings.cluster.name, clock=clock
    )
    kubelet = Kubelet(
        _kubelet_settings(settings, ground),
        resources,
        informers,
        runtime,
        ground.pod_network,
        recorders.new("kubelet"),
        clock,
    )
    scheduler = Scheduler(resources, informers, recorders.new("default-scheduler"), clock)
    controllers = new_controllers(
        resources,
        informers,
        recorders,
        clock,
        facts=_facts(settings, runtime, ground, authority),
    )
    network = await _network(
        settings, ground, resources, informers, authority, recorders.new("ingress")
    )
    checks = {"node": node_is_ready(informers.of(catalog.NODE))}
    if network is not None:
        checks |= network.checks(ranges.dns)
    app = build_app(
        resources, streams=kubelet.streams, checks={"runtime": runtime.ping, **checks}, clock=clock
    )
    api = _api(settings, ground, authority, app)
    return Assembly(
        choices=ground.choices,
        groups=[
            [store, informers, runtime, *recorders.made],
            [api, kubelet, scheduler, *controllers, *(network.components if network else [])],
        ],
        checks={"api": api.is_listening, **checks},
        _runtime=runtime,
        _ground=ground,
        _pods_dir=settings.pods_dir,
        _network=network,
    )


def _facts(
    settings: Settings, runtime: ContainerRuntime, ground: Ground, authority: CertificateAuthority
) -> ClusterFacts:
    """Pods reach the API at the gateway of their network."""
    address = "127.0.0.1" if ground.host is None else ground.ranges.gateway
    return ClusterFacts(
        settings.cluster,
        runtime,
        ApiAddress(address, ground.choices.api_port, kubernetes_address(ground.ranges)),
        authority.certificate_pem.decode(),
    )


def _kubelet_settings(settings: Settings, ground: Ground) -> KubeletSettings:
    return KubeletSettings(
        node_name=node_name(),
        cluster=settings.cluster,
        data_dir=settings.data_dir,
        cluster_dns=ground.ranges.dns,
        cluster_domain=CLUSTER_DOMAIN,
        host_ip=host_address(),
        pod_cidr=ground.ranges.pod,
        on_paper=settings.simulated,
    )


async def _network(
    settings: Settings,
    ground: Ground,
    resources: Resources,
    informers: Informers,
    issuer: CertificateIssuer,
    recorder: Recorder,
) -> _Network | None:
    """Nothing on paper: there are no packets."""
    ranges, choices = ground.ranges, ground.choices
    if ground.host is None:
        return None
    kernel = await Nft(settings.cluster.nft_table).is_usable()
    if settings.service_proxy == "kernel" and not kernel:
        raise StartFailure(
            "--service-proxy kernel needs nftables, which this host's kernel or PATH lacks: "
            "install the package nftables, or choose --service-proxy userspace"
        )
    proxy = ProxySettings(
        ranges.service,
        mode=settings.service_proxy,
        kernel=kernel,
        reserved=frozenset({ranges.dns}),
    )
    return _Network(
        ServiceProxy(ground.host, settings.cluster, informers, proxy),
        DnsServer(
            informers,
            [ranges.dns, ranges.gateway],
            domain=CLUSTER_DOMAIN,
            ranges=[ranges.pod, ranges.service],
        ),
        IngressServer(
            informers,
            resources,
            issuer,
            recorder,
            http_port=choices.ingress_http_port,
            https_port=choices.ingress_https_port,
        ),
    )


def _api(
    settings: Settings, ground: Ground, authority: CertificateAuthority, app: web.Application
) -> ApiEndpoint:
    """Loopback for the user; for Pods the gateway of their network."""
    addresses = ["127.0.0.1"] if ground.host is None else ["127.0.0.1", ground.ranges.gateway]
    port = ground.choices.api_port
    names = [
        "kubernetes",
        "localhost",
        "kubernetes.default",
        "kubernetes.default.svc",
        f"kubernetes.default.svc.{CLUSTER_DOMAIN}",
        kubernetes_address(ground.ranges),
        *addresses,
    ]
    user, groups = ADMIN
    write_kubeconfig(
        settings.data_dir / "kubeconfig",
        cluster=settings.cluster.name,
        server=f"https://127.0.0.1:{port}",
        ca=authority.certificate_pem,
        client=authority.issue_client(user, groups),
    )
    return ApiEndpoint(app, server_context(authority, names), addresses, port)
