"""What a cluster stands on: its address plan and ports, the engine's network, routes, the pods'
network.

Two grounds: Docker on this host, or paper. Everything here is idempotent; `mk purge` undoes it.
"""

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

from minikube_py.container_runtime.interface import ContainerRuntime
from minikube_py.daemon.choices import (
    Choices,
    StartFailure,
    choose_api_port,
    choose_ingress_ports,
    load_choices,
    save_choices,
)
from minikube_py.daemon.settings import CHOICES_FILE, Settings
from minikube_py.meta.cluster import Cluster
from minikube_py.network.cleanup import remove_all
from minikube_py.network.host import Host
from minikube_py.network.pod_network import BridgePodNetwork, NodeParts, PaperPodNetwork
from minikube_py.network.ranges import (
    Ranges,
    RangeTaken,
    node_address,
    node_ranges,
    pick_ranges,
    plan_of,
)


@dataclass(frozen=True)
class Ground:
    """`host` is None on paper. `parts`: the nodes' names in their order, with their ranges."""

    choices: Choices
    ranges: Ranges
    pod_network: BridgePodNetwork | PaperPodNetwork
    host: Host | None
    cluster: Cluster
    parts: NodeParts = field(default_factory=dict)

    @property
    def node_addresses(self) -> Mapping[str, str]:
        """Of all nodes but the first, by name: what tells them apart on one host."""
        return {name: node_address(part) for name, part in list(self.parts.items())[1:]}

    async def remove(self) -> None:
        """Takes devices, routes and rules off the host."""
        if self.host is not None:
            await remove_all(self.host, self.cluster)

    async def close(self) -> None:
        if self.host is not None:
            await self.host.close()


async def lay_ground(settings: Settings, runtime: ContainerRuntime) -> Ground:
    """Routes to the ranges exist before any packet to them; raises StartFailure with advice."""
    if not settings.simulated:
        _require_root()
    kept = settings.data_dir / CHOICES_FILE
    last = load_choices(kept)
    host = None if settings.simulated else Host()
    ranges = _plan(settings, last, await _used_ranges(settings, host))
    parts = _parts(settings, ranges)
    http_port, https_port = choose_ingress_ports(settings, last)
    choices = Choices(
        pod_cidr=ranges.pod,
        service_cidr=ranges.service,
        dns_address=ranges.dns,
        api_port=choose_api_port(settings, last),
        ingress_http_port=http_port,
        ingress_https_port=https_port,
        runtime=settings.runtime,
        service_proxy=settings.service_proxy,
        nodes=settings.nodes,
        allowed_unsafe_sysctls=",".join(settings.allowed_unsafe_sysctls),
        zones=settings.zones,
    )
    if host is None:
        paper = PaperPodNetwork(pod_cidr=ranges.pod, gateway=ranges.gateway, parts=parts)
        save_choices(kept, choices)
        return Ground(choices, ranges, paper, None, settings.cluster, parts)
    cluster = settings.cluster
    await host.ensure_service_route(cluster, ranges.service)
    await runtime.ensure_network(
        cluster.network,
        bridge=cluster.bridge,
        subnet=ranges.pod,
        gateway=ranges.gateway,
        engine_range=ranges.engine,
    )
    save_choices(kept, choices)
    network = BridgePodNetwork(
        host, cluster, pod_cidr=ranges.pod, gateway=ranges.gateway, parts=parts
    )
    await network.start()
    ground = Ground(choices, ranges, network, host, cluster, parts)
    for address in (ranges.dns, *ground.node_addresses.values()):
        await host.add_service_address(cluster, address)
    return ground


def kubernetes_address(ranges: Ranges) -> str:
    """The first address of the service range, where every cluster has its API Service."""
    return str(IPv4Network(ranges.service).network_address + 1)


def node_name() -> str:
    """The host's name as a Node may be called."""
    name = re.sub(r"[^a-z0-9.-]+", "-", socket.gethostname().lower()).strip("-.")
    return name or "node"


def node_names(nodes: int) -> list[str]:
    """`host`, `host-2`, `host-3` …"""
    first = node_name()
    return [first, *(f"{first}-{number}" for number in range(2, nodes + 1))]


def zone_of(number: int, settings: Settings) -> str:
    """Of the node with this number, from 0; "" where there are no zones."""
    return f"zone-{number % settings.zones + 1}" if settings.zones else ""


def host_address() -> str:
    """The address by which this host reaches the network, loopback when it reaches none; sends
    nothing.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # A UDP connect only asks the routing table; TEST-NET-3 is nobody's.
            probe.connect(("203.0.113.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def resolver_path() -> Path:
    """The host's real resolvers: systemd-resolved's stub on loopback is out of reach from a pod."""
    resolved = Path("/run/systemd/resolve/resolv.conf")
    return resolved if resolved.exists() else Path("/etc/resolv.conf")


def _require_root() -> None:
    if os.geteuid() != 0:
        raise StartFailure(
            "a cluster on Docker makes networks, routes and rules on this host, which needs root: "
            "run 'sudo mk up', or try 'mk up --runtime simulated', which needs nothing"
        )


async def _used_ranges(settings: Settings, host: Host | None) -> list[IPv4Network]:
    if host is None:
        return []
    own = (settings.cluster.bridge, settings.cluster.service_device)
    return await host.used_ranges(except_devices=own)


def _plan(settings: Settings, last: Choices | None, used: list[IPv4Network]) -> Ranges:
    """A cluster keeps its ranges: addresses in its store come out of them."""
    if last is not None:
        _refuse_change("--pod-cidr", settings.pod_cidr, last.pod_cidr)
        _refuse_change("--service-cidr", settings.service_cidr, last.service_cidr)
        for kept in (last.pod_cidr, last.service_cidr):
            for other in used:
                if other.prefixlen > 0 and other.overlaps(IPv4Network(kept)):
                    raise StartFailure(
                        f"this cluster's range {kept} is now used by a route to {other} on this "
                        "host: remove that route, or start afresh with 'mk purge'"
                    )
        return plan_of(IPv4Network(last.pod_cidr), IPv4Network(last.service_cidr))
    try:
        return pick_ranges(used, pod=settings.pod_cidr, service=settings.service_cidr)
    except RangeTaken as error:
        raise StartFailure(str(error)) from error


def _parts(settings: Settings, ranges: Ranges) -> NodeParts:
    try:
        parts = node_ranges(IPv4Network(ranges.pod), settings.nodes)
    except RangeTaken as error:
        raise StartFailure(str(error)) from error
    return dict(zip(node_names(settings.nodes), parts, strict=True))


def _refuse_change(flag: str, asked: str | None, kept: str) -> None:
    if asked is not None and asked != kept:
        raise StartFailure(
            f"{flag} {asked}: this cluster was made with {kept} and keeps it; "
            "use another --cluster name, or 'mk purge' first"
        )
