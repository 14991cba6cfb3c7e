"""What runs on the ground: the API server, the controllers, the kubelet, the network's servers.

Importing all this takes longer than laying the ground does, so `assembly` does the two side by
side. It is for `assembly` alone, and names no adapter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from minikube_py.apiserver.app import build_app
from minikube_py.container_runtime.interface import ContainerRuntime
from minikube_py.control_loop.recorder import Recorder
from minikube_py.controllers.kubernetes_service import ApiAddress
from minikube_py.daemon.access import ADMIN
from minikube_py.daemon.aggregation import api_services, front_proxy
from minikube_py.daemon.api import ApiEndpoint, server_context
from minikube_py.daemon.base import CLUSTER_DOMAIN, Base, lay_base
from minikube_py.daemon.bridge import bridge_keeper
from minikube_py.daemon.certificates import CertificateAuthority
from minikube_py.daemon.choices import StartFailure
from minikube_py.daemon.component import Component
from minikube_py.daemon.components import component_checks
from minikube_py.daemon.controllers import ClusterFacts, new_controllers
from minikube_py.daemon.ground import Ground, host_address, kubernetes_address, zone_of
from minikube_py.daemon.kubeconfig import write_kubeconfig
from minikube_py.daemon.node_side import node_side
from minikube_py.daemon.readiness import Check, dns_answers, nodes_are_ready
from minikube_py.daemon.served_pods import ServedPodNetwork
from minikube_py.daemon.settings import Settings
from minikube_py.kinds import catalog, openapi
from minikube_py.kubelet.agent import Kubelet, KubeletSettings
from minikube_py.kubelet.tools import LogicalNode
from minikube_py.meta.timestamps import system_clock
from minikube_py.network.bridge_keeper import BridgeKeeper
from minikube_py.network.dns.server import DnsServer
from minikube_py.network.host_ports import Elsewhere, HostPorts
from minikube_py.network.ingress.paper import PaperIngress
from minikube_py.network.ingress.server import IngressServer
from minikube_py.network.service_proxy.nftables import Nft
from minikube_py.network.service_proxy.proxy import ServiceProxy
from minikube_py.network.service_proxy.targets import ProxySettings
from minikube_py.scheduler.scheduler import Scheduler
from minikube_py.store.interface import Store


@dataclass(frozen=True)
class ControlPlane:
    """`groups` start in order, each after the one before it was started; `network` is None on
    paper.
    """

    groups: Sequence[Sequence[Component]]
    checks: dict[str, Check]
    network: "Network | None"
    kubelets: Sequence[Kubelet]


def warm_up() -> None:
    """Reads the schemas, which the first write would wait for."""
    openapi.definition_name(catalog.NAMESPACE)


@dataclass(frozen=True)
class Network:
    proxy: ServiceProxy
    dns: DnsServer
    ingress: IngressServer
    host_ports: HostPorts
    bridge: BridgeKeeper

    @property
    def components(self) -> Sequence[Component]:
        return [self.proxy, self.dns, self.ingress, self.host_ports, self.bridge]

    def checks(self, dns_address: str) -> dict[str, Check]:
        return {
            "services": self.proxy.wait_ready,
            "dns": dns_answers(dns_address, f"kubernetes.default.svc.{CLUSTER_DOMAIN}"),
            "ingress": self.ingress.wait_listening,
        }


async def build(
    settings: Settings, runtime: ContainerRuntime, ground: Ground, store: Store
) -> ControlPlane:
    """Writes what every cluster holds, and wires the components; raises StartFailure."""
    base = await lay_base(settings, ground, store, system_clock)
    resources, informers, clock = base.resources, base.informers, base.clock
    recorders, access = base.recorders, base.access
    recorder = recorders.new("ingress")
    network = await _network(settings, ground, base, runtime, recorder)
    servers = network.components if network else [PaperIngress(informers, resources, recorder)]
    kubelet = Kubelet(
        _kubelet_settings(settings, ground),
        resources,
        informers,
        runtime,
        ServedPodNetwork(ground.pod_network, network.proxy) if network else ground.pod_network,
        recorders.new("kubelet", of_each_node=True),
        clock,
        access.tokens,
    )
    scheduler = Scheduler(resources, informers, recorders.new("default-scheduler"), clock)
    controllers = new_controllers(
        resources,
        informers,
        recorders,
        clock,
        facts=_facts(settings, runtime, ground, base),
    )
    checks = {"node": nodes_are_ready(informers.of(catalog.NODE), list(ground.parts))}
    if network is not None:
        checks |= network.checks(ground.ranges.dns)
    app = build_app(
        resources,
        streams=kubelet.streams,
        checks={"runtime": runtime.ping, **checks},
        authenticator=access.authenticator,
        authorizer=access.authorizer,
        tokens=access.tokens,
        components=component_checks(resources, informers),
        node=node_side(kubelet, front_proxy(base.authority), on_paper=settings.simulated),
        clock=clock,
    )
    api = _api(settings, ground, base.authority, app)
    return ControlPlane(
        groups=[
            [store, informers, runtime, *recorders.made],
            [
                api,
                kubelet,
                scheduler,
                *controllers,
                api_services(resources, informers, clock, app),
                *servers,
            ],
        ],
        checks={"api": api.is_listening, **checks},
        network=network,
        kubelets=[kubelet],
    )


def _facts(
    settings: Settings, runtime: ContainerRuntime, ground: Ground, base: Base
) -> ClusterFacts:
    """Pods reach the API at the gateway of their network; those on paper never ask."""
    return ClusterFacts(
        settings.cluster,
        runtime,
        ApiAddress(
            ground.ranges.gateway, ground.choices.api_port, kubernetes_address(ground.ranges)
        ),
        base.authority.certificate_pem.decode(),
        base.access.tokens,
    )


def _kubelet_settings(settings: Settings, ground: Ground) -> KubeletSettings:
    first, *more = [
        LogicalNode(name, str(part), ground.node_addresses.get(name, ""), zone_of(number, settings))
        for number, (name, part) in enumerate(ground.parts.items())
    ]
    return KubeletSettings(
        node_name=first.name,
        pod_cidr=first.pod_cidr,
        zone=first.zone,
        more_nodes=tuple(more),
        cluster=settings.cluster,
        data_dir=settings.data_dir,
        cluster_dns=ground.ranges.dns,
        cluster_domain=CLUSTER_DOMAIN,
        host_ip=host_address(),
        on_paper=settings.simulated,
        unsafe_sysctls=settings.allowed_unsafe_sysctls,
        static_pods_dir=settings.data_dir / "manifests",
    )


async def _network(
    settings: Settings, ground: Ground, base: Base, runtime: ContainerRuntime, recorder: Recorder
) -> Network | None:
    """Nothing on paper: there are no packets."""
    ranges, choices = ground.ranges, ground.choices
    if ground.host is None:
        return None
    if settings.service_proxy == "kernel" and not await Nft(settings.cluster.nft_table).is_usable():
        raise StartFailure(
            "--service-proxy kernel needs nftables, which this host's kernel or PATH lacks: "
            "install the package nftables, or choose --service-proxy userspace"
        )
    proxy = ProxySettings(
        ranges.service,
        mode=settings.service_proxy,
        reserved=frozenset({ranges.dns}),
        nodes=frozenset(ground.node_addresses.values()),
    )
    return Network(
        ServiceProxy(ground.host, settings.cluster, base.informers, proxy),
        DnsServer(
            base.informers,
            [ranges.dns, ranges.gateway],
            domain=CLUSTER_DOMAIN,
            ranges=[ranges.pod, ranges.service],
        ),
        IngressServer(
            base.informers,
            base.resources,
            base.authority,
            recorder,
            http_port=choices.ingress_http_port,
            https_port=choices.ingress_https_port,
        ),
        HostPorts(
            ground.host,
            settings.cluster,
            base.informers,
            base.recorders.new("kubelet", of_each_node=True),
            Elsewhere(ground.node_addresses, ranges.service),
        ),
        bridge_keeper(ground.host, ground, runtime, base),
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
    write_kubeconfig(
        settings.data_dir / "kubeconfig",
        cluster=settings.cluster.name,
        server=f"https://127.0.0.1:{port}",
        ca=authority.certificate_pem,
        client=authority.issue_client(ADMIN.name, ADMIN.groups),
    )
    return ApiEndpoint(app, server_context(authority, names), addresses, port)
