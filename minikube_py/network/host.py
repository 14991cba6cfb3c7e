"""Links, addresses, routes and flows of the host: the one place that speaks netlink.

pyroute2 blocks, so every call runs in one thread of its own; the public methods are awaitable and
raise HostNetworkError with what to do. What a pod's address is lies in its link's alias, so the
kernel is the record that survives a killed daemon.
"""

import asyncio
import ctypes
import errno
import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any, TypeVar

from minikube_py.meta.cluster import Cluster

if TYPE_CHECKING:
    from pyroute2 import IPRoute

T = TypeVar("T")
_log = logging.getLogger(__name__)
_AF_INET = 2
_CLONE_NEWNET = 0x40000000
_MAIN_TABLE = 254
_UNICAST_ROUTE = 1
_POD_INTERFACE = "eth0"


class HostNetworkError(OSError):
    """The kernel refused a change to the host's network; the message says what to do."""


@dataclass(frozen=True)
class PodLink:
    """The host's end of a pod's veth pair."""

    name: str
    pod_uid: str
    ip: str


@dataclass(frozen=True)
class PodWiring:
    """What one pod's interface gets. `prefix` is the pod range's length in bits."""

    cluster: Cluster
    pod_uid: str
    ip: str
    prefix: int
    gateway: str

    @property
    def link_name(self) -> str:
        return pod_link_name(self.cluster, self.pod_uid)

    @property
    def alias(self) -> str:
        return f"mk/{self.cluster.name}/{self.pod_uid}/{self.ip}"

    @property
    def mac(self) -> str:
        """Follows from the address, so neighbours' caches stay right when one is given again."""
        return "0a:58:" + ":".join(f"{byte:02x}" for byte in IPv4Address(self.ip).packed)


@dataclass(frozen=True)
class Flows:
    """UDP flows to a Service's address (or to any, for a NodePort) that `backends` answered."""

    address: str | None
    port: int
    backends: frozenset[str]


def pod_link_name(cluster: Cluster, pod_uid: str) -> str:
    """The host's end of the pod's veth pair, an interface name."""
    return pod_link_prefix(cluster) + _digest(pod_uid, 9)


def pod_link_prefix(cluster: Cluster) -> str:
    return "mk" + _digest(cluster.name, 4)


class Host:
    """Awaitable netlink. `close` ends its thread."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="netlink")
        self._netlink = _Netlink()

    async def used_ranges(self, *, except_devices: Sequence[str] = ()) -> list[IPv4Network]:
        """Every IPv4 range routed anywhere but by the default route."""
        return await self._call(self._netlink.used_ranges, tuple(except_devices))

    async def link_exists(self, name: str) -> bool:
        return await self._call(self._netlink.link_exists, name)

    async def ensure_service_route(self, cluster: Cluster, service_range: str) -> None:
        """Routes the range to a device of the cluster's own, so no packet to it leaves the host."""
        await self._call(self._netlink.ensure_service_route, cluster.service_device, service_range)

    async def service_addresses(self, cluster: Cluster) -> set[str]:
        return await self._call(self._netlink.addresses, cluster.service_device)

    async def add_service_address(self, cluster: Cluster, ip: str) -> None:
        """Makes the host itself answer to `ip`: for DNS and for what the daemon proxies."""
        await self._call(self._netlink.change_address, "add", cluster.service_device, ip)

    async def remove_service_address(self, cluster: Cluster, ip: str) -> None:
        await self._call(self._netlink.change_address, "del", cluster.service_device, ip)

    async def pod_links(self, cluster: Cluster) -> list[PodLink]:
        """Pods wired by this or an earlier daemon; halves of an interrupted wiring are removed."""
        return await self._call(self._netlink.pod_links, cluster)

    async def is_wired(self, wiring: PodWiring, pid: int) -> bool:
        """Whether the namespace of `pid` has this address on its interface."""
        return await self._call(self._netlink.is_wired, wiring, pid)

    async def wire_pod(self, wiring: PodWiring, pid: int) -> None:
        """Makes the veth pair and sets both ends up; one of the same name is replaced."""
        await self._call(self._netlink.wire_pod, wiring, pid)

    async def remove_link(self, name: str) -> None:
        await self._call(self._netlink.remove_link, name)

    async def forget_flows(self, flows: Sequence[Flows]) -> int:
        """Makes the kernel forget UDP flows to backends that are gone; returns how many."""
        return await self._call(self._netlink.forget_flows, tuple(flows))

    async def remove_all(self, cluster: Cluster) -> None:
        """Removes the cluster's links: pods' veths, service device with its route, bridge."""
        await self._call(self._netlink.remove_all, cluster)

    async def with_netlink(self, work: Callable[["IPRoute"], T]) -> T:
        return await self._call(lambda: work(self._netlink.route))

    async def close(self) -> None:
        await self._call(self._netlink.close)
        self._thread.shutdown(wait=False)

    async def _call(self, function: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, function, *arguments)


class _Netlink:
    """The blocking calls, all made in one thread, so the socket needs no lock."""

    def __init__(self) -> None:
        self._route: IPRoute | None = None

    @property
    def route(self) -> "IPRoute":
        if self._route is None:
            # A fifth of a second: imported in the netlink thread, while the daemon does other work.
            from pyroute2 import IPRoute

            self._route = IPRoute()
        return self._route

    def close(self) -> None:
        if self._route is not None:
            self._route.close()
            self._route = None

    def used_ranges(self, except_devices: tuple[str, ...]) -> list[IPv4Network]:
        ours = {index for name in except_devices if (index := self._index(name))}
        ranges: set[IPv4Network] = set()
        for route in self.route.get_routes(family=_AF_INET, table=_MAIN_TABLE):
            destination = route.get("dst")
            if destination and route.get("oif") not in ours and route["type"] == _UNICAST_ROUTE:
                ranges.add(_network(destination, route["dst_len"]))
        for address in self.route.get_addr(family=_AF_INET):
            if address["index"] not in ours:
                ranges.add(_network(address.get("address"), address["prefixlen"]))
        return sorted(ranges)

    def link_exists(self, name: str) -> bool:
        return self._index(name) is not None

    def ensure_service_route(self, device: str, service_range: str) -> None:
        with _translated(f"make the service device {device}"):
            index = self._index(device) or self._add_service_device(device)
            self.route.link("set", index=index, state="up")
        with _translated(f"route {service_range} to {device}"):
            self.route.route("replace", dst=service_range, oif=index, scope="link")

    def _add_service_device(self, device: str) -> int:
        with _known_as_success(errno.EOPNOTSUPP):
            self.route.link("add", ifname=device, kind="dummy")
        if (index := self._index(device)) is None:
            # Kernels built without `dummy`: a bridge with no ports takes addresses and routes too.
            self.route.link("add", ifname=device, kind="bridge")
        if (index := self._index(device)) is None:
            raise HostNetworkError(f"the device {device} vanished while it was made; start again")
        _log.info("service device made device=%s", device)
        return index

    def addresses(self, device: str) -> set[str]:
        index = self._index(device)
        if index is None:
            return set()
        found = self.route.get_addr(family=_AF_INET, index=index)
        return {str(address.get("address")) for address in found}

    def change_address(self, command: str, device: str, ip: str) -> None:
        index = self._index(device)
        if index is None and command == "del":
            return
        with (
            _translated(f"{command} address {ip} on {device}"),
            _known_as_success(errno.EEXIST, errno.EADDRNOTAVAIL),
        ):
            self.route.addr(command, index=index, address=ip, prefixlen=32)

    def pod_links(self, cluster: Cluster) -> list[PodLink]:
        found: list[PodLink] = []
        for link in list(self.route.get_links()):
            name = str(link.get("ifname"))
            if not name.startswith(pod_link_prefix(cluster)):
                continue
            parts = str(link.get("ifalias") or "").split("/")
            if len(parts) == 4 and parts[:2] == ["mk", cluster.name] and link.get("master"):
                found.append(PodLink(name, parts[2], parts[3]))
            else:
                self.remove_link(name)
        return found

    def is_wired(self, wiring: PodWiring, pid: int) -> bool:
        if self._index(wiring.link_name) is None:
            return False
        with _inside(pid) as inner:
            for index in inner.link_lookup(ifname=_POD_INTERFACE):
                found = inner.get_addr(family=_AF_INET, index=index)
                return any(address.get("address") == wiring.ip for address in found)
        return False

    def wire_pod(self, wiring: PodWiring, pid: int) -> None:
        bridge_name = wiring.cluster.bridge
        self.remove_link(wiring.link_name)
        with _translated(f"wire a pod to the bridge {bridge_name}"), _namespace(pid) as netns:
            bridge = self._link(bridge_name)
            mtu = bridge.get("mtu")
            peer = {
                "ifname": _POD_INTERFACE,
                "net_ns_fd": netns,
                "address": wiring.mac,
                "mtu": mtu,
            }
            self.route.link("add", ifname=wiring.link_name, kind="veth", mtu=mtu, peer=peer)
            index = self._link(wiring.link_name)["index"]
            # Alias and bridge in one message: a link on the bridge always says whose it is.
            self.route.link(
                "set", index=index, ifalias=wiring.alias, master=bridge["index"], state="up"
            )
            # Hairpin: a pod that reaches itself through its Service leaves by the port it came in.
            self.route.brport("set", index=index, mode=1)
        with _translated("set up a pod's interface"), _inside(pid) as inner:
            _set_up_pod_end(inner, wiring)

    def remove_link(self, name: str) -> None:
        index = self._index(name)
        if index is not None:
            with _translated(f"remove the link {name}"), _known_as_success(errno.ENODEV):
                self.route.link("del", index=index)

    def forget_flows(self, flows: tuple[Flows, ...]) -> int:
        from pyroute2 import NFCTSocket
        from pyroute2.netlink.nfnetlink.nfctsocket import NFCTAttrTuple

        connections = NFCTSocket()
        forgotten = 0
        try:
            for flow in flows:
                match = NFCTAttrTuple(daddr=flow.address, proto=17, dport=flow.port)
                for entry in list(connections.dump(tuple_orig=match)):
                    answer = NFCTAttrTuple.from_netlink(_AF_INET, entry.get_attr("CTA_TUPLE_REPLY"))
                    if answer.saddr not in flow.backends:
                        continue
                    called = NFCTAttrTuple.from_netlink(_AF_INET, entry.get_attr("CTA_TUPLE_ORIG"))
                    with _translated("forget flows"), _known_as_success(errno.ENOENT):
                        connections.entry("del", tuple_orig=called)
                        forgotten += 1
        finally:
            connections.close()
        return forgotten

    def remove_all(self, cluster: Cluster) -> None:
        for link in list(self.route.get_links()):
            if str(link.get("ifname")).startswith(pod_link_prefix(cluster)):
                self.remove_link(str(link.get("ifname")))
        self.remove_link(cluster.service_device)
        self.remove_link(cluster.bridge)

    def _index(self, name: str) -> int | None:
        found = self.route.link_lookup(ifname=name)
        return found[0] if found else None

    def _link(self, name: str) -> Any:
        return self.route.link("get", ifname=name)[0]


def _set_up_pod_end(inner: "IPRoute", wiring: PodWiring) -> None:
    index = inner.link("get", ifname=_POD_INTERFACE)[0]["index"]
    inner.link("set", index=1, state="up")
    inner.addr("add", index=index, address=wiring.ip, prefixlen=wiring.prefix)
    inner.link("set", index=index, state="up")
    inner.route("add", dst="default", gateway=wiring.gateway)


@contextmanager
def _namespace(pid: int) -> Iterator[int]:
    """A file descriptor of the process's network namespace."""
    try:
        descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise HostNetworkError(
            f"process {pid} of the pod's sandbox is gone ({error.strerror}); it is started again"
        ) from error
    try:
        if os.path.samestat(os.fstat(descriptor), _own_namespace()):
            raise HostNetworkError(f"process {pid} of the pod's sandbox is in the host's network")
        yield descriptor
    finally:
        os.close(descriptor)


def _own_namespace() -> os.stat_result:
    return os.stat("/proc/thread-self/ns/net")  # noqa: PTH116 - a number of the kernel's, no file


@contextmanager
def _inside(pid: int) -> Iterator["IPRoute"]:
    """Netlink in the process's namespace: only the socket is made there, the thread returns."""
    from pyroute2 import IPRoute

    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        with _namespace(pid) as netns:
            _enter(netns)
            try:
                inner = IPRoute()
            finally:
                _enter(own)
    finally:
        os.close(own)
    try:
        yield inner
    finally:
        inner.close()


def _enter(netns: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(netns, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise HostNetworkError(code, f"cannot enter a network namespace: {os.strerror(code)}")


@contextmanager
def _translated(act: str) -> Iterator[None]:
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        yield
    except NetlinkError as error:
        hint = ""
        if error.code == errno.EPERM:
            hint = "; the daemon needs root (CAP_NET_ADMIN), start it with sudo"
        elif error.code == errno.ENODEV:
            hint = "; the device is gone, restart the cluster with `mk down` and `mk up`"
        why = os.strerror(error.code)
        raise HostNetworkError(error.code, f"cannot {act}: {why}{hint}") from error


@contextmanager
def _known_as_success(*codes: int) -> Iterator[None]:
    """The state asked for is there already."""
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        yield
    except NetlinkError as error:
        if error.code not in codes:
            raise


def _network(address: str, prefix: int) -> IPv4Network:
    return IPv4Network((address, prefix), strict=False)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
