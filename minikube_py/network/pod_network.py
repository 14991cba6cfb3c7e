"""Gives every pod its address and its wire to the bridge; the kubelet calls it through its
PodNetwork Protocol.

The bridge is Docker's (the runtime makes the network around it). Which pod has which address is
read back from the links themselves after a restart, so nothing is kept on disk.
"""

import asyncio
import logging
from collections.abc import Mapping
from ipaddress import IPv4Network

from minikube_py.meta.cluster import Cluster
from minikube_py.meta.pod_address import PodAddress
from minikube_py.network import firewall, sysctl
from minikube_py.network.addresses import AddressPool
from minikube_py.network.host import Host, HostNetworkError, PodWiring, pod_link_name
from minikube_py.network.ranges import engine_part, node_address

_log = logging.getLogger(__name__)

NodeParts = Mapping[str, IPv4Network]
"""The part of the pod range that the pods of each node have their addresses from, by its name."""


class BridgePodNetwork:
    """veth pairs between the pods' namespaces and the cluster's bridge."""

    def __init__(
        self,
        host: Host,
        cluster: Cluster,
        *,
        pod_cidr: str,
        gateway: str,
        parts: NodeParts | None = None,
    ) -> None:
        self._host = host
        self._cluster = cluster
        self._range = IPv4Network(pod_cidr)
        self._gateway = gateway
        self._parts = parts or {}
        self._pool = _pool(self._range, self._parts)
        self._locks: dict[str, asyncio.Lock] = {}

    async def start(self) -> None:
        """Readies the bridge, which must exist, and books the addresses of pods that run."""
        if not await self._host.link_exists(self._cluster.bridge):
            raise HostNetworkError(
                f"the bridge {self._cluster.bridge} of Docker's network {self._cluster.network} "
                f"does not exist; `docker network rm {self._cluster.network}` and start again"
            )
        sysctl.enable_forwarding()
        sysctl.allow_loopback_node_ports(self._cluster.bridge)
        await firewall.let_node_ports_in(self._cluster)
        for link in await self._host.pod_links(self._cluster):
            self._pool.restore(link.pod_uid, link.ip)

    async def attach(self, pod_uid: str, pid: int, node: str = "") -> PodAddress:
        """See PodNetwork.attach; a sandbox that replaced another one gets a new address."""
        async with self._locks.setdefault(pod_uid, asyncio.Lock()):
            known = self._pool.get(pod_uid)
            if known is not None:
                if await self._host.is_wired(self._wiring(pod_uid, known), pid):
                    return PodAddress(known, self._gateway)
                self._pool.give_back(pod_uid)
            ip = self._pool.take(pod_uid, self._parts.get(node))
            try:
                await self._host.wire_pod(self._wiring(pod_uid, ip), pid)
            except BaseException:
                self._pool.give_back(pod_uid)
                raise
            _log.info("pod wired uid=%s ip=%s", pod_uid, ip)
            return PodAddress(ip, self._gateway)

    async def release(self, pod_uid: str) -> None:
        async with self._locks.setdefault(pod_uid, asyncio.Lock()):
            # Also without an address: an attach that was cancelled may have left its link.
            await self._host.remove_link(pod_link_name(self._cluster, pod_uid))
            if (ip := self._pool.get(pod_uid)) is not None:
                self._pool.give_back(pod_uid)
                _log.info("pod address given back uid=%s ip=%s", pod_uid, ip)
        self._locks.pop(pod_uid, None)

    async def drained(self, pod_uid: str) -> None:
        """Wires know no Services; the daemon joins those in."""

    def address_of(self, pod_uid: str) -> PodAddress | None:
        ip = self._pool.get(pod_uid)
        return None if ip is None else PodAddress(ip, self._gateway)

    def pod_uids(self) -> set[str]:
        """Pods that hold an address: what the kubelet compares with the pods it knows."""
        return self._pool.owners()

    def _wiring(self, pod_uid: str, ip: str) -> PodWiring:
        return PodWiring(self._cluster, pod_uid, ip, self._range.prefixlen, self._gateway)


class PaperPodNetwork:
    """Addresses on paper, for pods that exist on paper: no privilege, no interface."""

    def __init__(self, *, pod_cidr: str, gateway: str, parts: NodeParts | None = None) -> None:
        network = IPv4Network(pod_cidr)
        self._gateway = gateway
        self._parts = parts or {}
        self._pool = _pool(network, self._parts)

    async def start(self) -> None: ...

    async def attach(self, pod_uid: str, pid: int, node: str = "") -> PodAddress:
        return PodAddress(self._pool.take(pod_uid, self._parts.get(node)), self._gateway)

    async def release(self, pod_uid: str) -> None:
        self._pool.give_back(pod_uid)

    async def drained(self, pod_uid: str) -> None:
        """Nothing is sent on paper."""

    def address_of(self, pod_uid: str) -> PodAddress | None:
        ip = self._pool.get(pod_uid)
        return None if ip is None else PodAddress(ip, self._gateway)

    def pod_uids(self) -> set[str]:
        return self._pool.owners()


def _pool(network: IPv4Network, parts: NodeParts) -> AddressPool:
    """Without the addresses of the nodes themselves."""
    return AddressPool(network, engine_part(network), [node_address(p) for p in parts.values()])
