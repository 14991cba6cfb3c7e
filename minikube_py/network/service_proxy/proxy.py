"""Keeps the data path of every Service in step with the API: the kernel's table, the daemon's own
listeners, and the addresses they need.

The order of a change is: listeners and addresses that are new, then the kernel in one transaction,
then what is no longer wanted. So at no moment does a Service that has pods have no path.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from minikube_py.control_loop.informer import Informers
from minikube_py.kinds.catalog import ENDPOINT_SLICE, SERVICE
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.objects import Key, Object, key_of
from minikube_py.network.endpoints import (
    BY_POD,
    BY_SERVICE,
    is_staying,
    pods_of,
    service_key_of,
    services_of,
)
from minikube_py.network.host import Flows, Host
from minikube_py.network.service_proxy.listeners import Closing, Listeners
from minikube_py.network.service_proxy.nftables import Nft, NftFailed
from minikube_py.network.service_proxy.rules import RuleBook, TableNames, part_of
from minikube_py.network.service_proxy.targets import ProxySettings, ServicePort, service_ports

_log = logging.getLogger(__name__)
_RETRY_SECONDS = 1.0
Ports = Mapping[Key, tuple[ServicePort, ...]]


class ServiceProxy:
    """`run` ends by cancellation and leaves the kernel's table: it goes on without the daemon."""

    def __init__(
        self, host: Host, cluster: Cluster, informers: Informers, settings: ProxySettings
    ) -> None:
        self._host = host
        self._cluster = cluster
        self._settings = settings
        self._services = informers.of(SERVICE)
        self._slices = informers.of(ENDPOINT_SLICE)
        self._nft = Nft(cluster.nft_table)
        self._book = RuleBook(self._names(spares=True))
        self._spares = True
        self._is_table_known = False
        self._listeners = Listeners()
        self._ports: dict[Key, tuple[ServicePort, ...]] = {}
        self._changing: Ports = {}
        self._kernel_lock = asyncio.Lock()
        self._dirty: set[Key] = set()
        self._kernel_only: set[Key] = set()
        self._wake = asyncio.Event()
        self._applied = asyncio.Condition()
        self._ready = asyncio.Event()

    async def wait_ready(self) -> None:
        """Until every Service that existed at the start is served."""
        await self._ready.wait()

    async def wait_settled(self) -> None:
        """Until all that the informers know is carried out."""
        async with self._applied:
            await self._applied.wait_for(lambda: not self._dirty and not self._changing)

    async def wait_forgotten(self, pod_uid: str, ip: str) -> None:
        """Until no Service sends anything new to a pod that is to go, unless it has no other: the
        moment to stop the pod.
        """
        await self._ready.wait()
        async with self._applied:
            await self._applied.wait_for(lambda: self._is_forgotten(pod_uid, ip))

    async def run(self) -> None:
        self._slices.add_index(BY_SERVICE, services_of)
        self._slices.add_index(BY_POD, pods_of)
        await self._services.wait_synced()
        await self._slices.wait_synced()
        self._services.subscribe(self._on_service)
        self._slices.subscribe(self._on_slice)
        try:
            async with asyncio.TaskGroup() as group:
                await self._start(group)
                while True:
                    await self._wake.wait()
                    self._wake.clear()
                    await self._step(group)
        finally:
            await self._listeners.close()

    async def hand_to_kernel(self) -> None:
        """Lets the kernel serve what the daemon did, for while it is gone. `run` must have ended
        or be about to.
        """
        if not self._settings.kernel:
            return
        keys = [key_of(service) for service in self._services.list()]
        async with self._kernel_lock:
            moved = {key: part_of(_by_kernel(self._wanted(key))) for key in keys}
            script = self._book.change(moved)
            if script:
                await self._nft.apply(script)

    # --- what changed ----------------------------------------------------------------------------

    def _on_service(self, old: Object | None, new: Object | None) -> None:
        self._mark(key_of(new or old or {}))

    def _on_slice(self, old: Object | None, new: Object | None) -> None:
        for obj in (old, new):
            if obj is not None:
                self._mark(service_key_of(obj))

    def _mark(self, key: Key) -> None:
        self._dirty.add(key)
        self._wake.set()

    def _is_forgotten(self, pod_uid: str, ip: str) -> bool:
        """The slices say that the pod goes, and what they say is carried out."""
        if any(is_staying(pod_uid, each) for each in self._slices.by_index(BY_POD, pod_uid)):
            return False
        pending = self._dirty | self._changing.keys()
        ports = [port for key in pending for port in self._ports.get(key, ())]
        return not any(ip == end.ip for port in ports for end in port.endpoints)

    # --- carrying it out -------------------------------------------------------------------------

    async def _start(self, group: asyncio.TaskGroup) -> None:
        """The whole table at once, in place of what an earlier daemon left."""
        if self._settings.kernel:
            # Each question takes the kernel 30 ms: the one that needs more is asked first.
            self._spares = await self._nft.can_match_sockets()
            if not self._spares and not await self._nft.is_usable():
                _log.warning("nftables can't be used here, Services are relayed by the daemon")
                self._settings = replace(self._settings, kernel=False)
        if self._settings.kernel:
            self._book = RuleBook(self._names(spares=self._spares))
        self._dirty = {key_of(service) for service in self._services.list()}
        await self._step(group, whole=True)
        await self._drop_addresses()
        self._ready.set()

    async def _step(self, group: asyncio.TaskGroup, *, whole: bool = False) -> None:
        dirty, self._dirty = self._dirty, set()
        new = {key: self._wanted(key) for key in dirty}
        old = {key: self._ports.get(key, ()) for key in dirty}
        changed = {key: ports for key, ports in new.items() if ports != old[key]}
        if not changed and not whole:
            await self._tell()
            return
        self._changing = changed
        try:
            await self._add_addresses(self._all(changed))
            problems = await self._listeners.open(self._all(changed))
            await self._change_kernel(changed, whole=whole)
        except (OSError, NftFailed):
            _log.exception("services not applied, trying again services=%s", sorted(changed))
            self._retry(dirty)
            return
        for key, ports in changed.items():
            if ports:
                self._ports[key] = ports
            else:
                self._ports.pop(key, None)
        for key, lines in problems.items():
            self._ports.pop(key, None)
            self._work_around(key, lines[0])
        self._changing = {}
        unwanted = self._listeners.take_others(changed, self._all(changed))
        if unwanted:
            group.create_task(self._retire(unwanted))
        await self._forget_flows({key: old[key] for key in changed}, changed)
        await self._tell()

    def _work_around(self, key: Key, problem: str) -> None:
        """A program that listens on all of the host's addresses stands in the daemon's way, not in
        the kernel's, which translates before anybody listens.
        """
        if not self._settings.kernel or key in self._kernel_only:
            _log.error("service not served on all addresses service=%s problem=%s", key, problem)
            self._retry({key})
            return
        _log.warning("service goes through the kernel service=%s because=%s", key, problem)
        self._kernel_only.add(key)
        self._mark(key)

    async def _tell(self) -> None:
        async with self._applied:
            self._applied.notify_all()

    def _wanted(self, key: Key) -> tuple[ServicePort, ...]:
        service = self._services.get(key)
        if service is None:
            self._kernel_only.discard(key)
            return ()
        ports = service_ports(service, self._slices.by_index(BY_SERVICE, key), self._settings)
        return tuple(_by_kernel(ports)) if key in self._kernel_only else ports

    async def _change_kernel(self, changed: Ports, *, whole: bool) -> None:
        if not self._settings.kernel:
            return
        parts = {key: part_of(ports, spares=self._spares) for key, ports in changed.items()}
        async with self._kernel_lock:
            await self._apply(self._book.change(parts), whole=whole)

    async def _apply(self, script: str, *, whole: bool) -> None:
        was_known, self._is_table_known = self._is_table_known, False
        if was_known and not whole:
            try:
                if script:
                    await self._nft.apply(script)
            except NftFailed as error:
                # Someone else touched the table: put it right as a whole.
                _log.warning("table differs from what is known, replacing it error=%s", error)
            else:
                self._is_table_known = True
                return
        clients = await self._nft.remembered_clients()
        await self._nft.apply(self._book.whole_table(clients))
        self._is_table_known = True
        _log.info("service table replaced table=%s", self._cluster.nft_table)

    async def _add_addresses(self, ports: Iterable[ServicePort]) -> None:
        for address in sorted(self._own_addresses(ports)):
            await self._host.add_service_address(self._cluster, address)

    async def _retire(self, unwanted: Iterable[Closing]) -> None:
        """Lets requests in flight finish on their address, then gives the address up."""
        for one in unwanted:
            await one.close()
        await self._drop_addresses()

    async def _drop_addresses(self) -> None:
        """Addresses no listener needs, those of an earlier daemon among them."""
        ports = self._all(self._ports) + self._all(self._changing)
        wanted = self._own_addresses(ports) | self._settings.reserved | self._settings.nodes
        for address in await self._host.service_addresses(self._cluster) - wanted:
            await self._host.remove_service_address(self._cluster, address)

    def _own_addresses(self, ports: Iterable[ServicePort]) -> set[str]:
        """Virtual addresses that the host must answer to itself; the first is the cluster IP."""
        return {port.addresses[0] for port in ports if port.path != "kernel"}

    async def _forget_flows(self, old: Ports, new: Ports) -> None:
        if not self._settings.kernel:
            return
        flows = []
        for key, ports in old.items():
            now = {(p.port, end.ip) for p in new.get(key, ()) for end in p.endpoints}
            for port in ports:
                gone = frozenset(e.ip for e in port.endpoints if (port.port, e.ip) not in now)
                if port.protocol == "udp" and gone:
                    flows += [Flows(address, port.port, gone) for address in port.addresses]
                    if port.node_port:
                        flows.append(Flows(None, port.node_port, gone))
        if flows:
            await self._host.forget_flows(flows)

    def _retry(self, keys: set[Key]) -> None:
        loop = asyncio.get_running_loop()
        for key in keys:
            loop.call_later(_RETRY_SECONDS, partial(self._mark, key))

    def _all(self, ports: Ports) -> list[ServicePort]:
        return [port for each in ports.values() for port in each]

    def _names(self, *, spares: bool) -> TableNames:
        cluster = self._cluster
        return TableNames(
            cluster.nft_table, cluster.bridge, self._settings.service_range, spares=spares
        )


def _by_kernel(ports: Iterable[ServicePort]) -> list[ServicePort]:
    return [replace(port, path="kernel") if port.path == "http" else port for port in ports]
