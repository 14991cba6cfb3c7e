"""The host's ports that pods ask for (`hostPort`): what arrives there is passed on to the pod.

The kernel does it, in a table of its own beside the Services', which therefore goes on while the
daemon is gone; where there is no nftables the daemon relays. The scheduler keeps two pods of one
node apart; where pods of several nodes name the same address, the older has the port here.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import POD
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.objects import Key, Object, uid_of
from minikube_py.network.endpoints import Endpoint
from minikube_py.network.host import Flows, Host
from minikube_py.network.host_port_rules import (
    Forward,
    Unserved,
    forwards_of,
    ports_table,
    settled,
    table_name,
)
from minikube_py.network.service_proxy.listeners import Closing, Listeners
from minikube_py.network.service_proxy.nftables import Nft, NftFailed
from minikube_py.network.service_proxy.targets import ServicePort

_log = logging.getLogger(__name__)
_RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Elsewhere:
    """Where the host answers but not as the first node: `nodes` are the addresses of the others by
    name, `services` the range in which it answers for Services that the daemon proxies.
    """

    nodes: Mapping[str, str] = field(default_factory=dict)
    services: str = ""

    def addresses(self) -> list[str]:
        return [*self.nodes.values(), *filter(None, [self.services])]


NOWHERE = Elsewhere()


class HostPorts:
    """`run` ends by cancellation and leaves the kernel's table. `nodes`: the addresses of all nodes
    but the first, by name.
    """

    def __init__(
        self,
        host: Host,
        cluster: Cluster,
        informers: Informers,
        recorder: Recorder,
        elsewhere: Elsewhere = NOWHERE,
    ) -> None:
        self._host = host
        self._elsewhere = elsewhere
        self._cluster = cluster
        self._pods = informers.of(POD)
        self._recorder = recorder
        self._nft = Nft(table_name(cluster))
        self._kernel = True
        self._listeners = Listeners()
        self._wanted: dict[str, tuple[Forward, ...]] = {}
        self._applied: tuple[Forward, ...] | None = None
        self._relayed: set[Key] = set()
        self._told: set[Unserved] = set()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        await self._pods.wait_synced()
        self._pods.subscribe(self._on_pod)
        for pod in self._pods.list():
            self._on_pod(None, pod)
        self._wake.set()
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._wake.wait()
                    self._wake.clear()
                    await self._step(group)
        finally:
            await self._listeners.close()

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid_of(new) != uid_of(old)):
            self._want(uid_of(old), ())
        if new is not None:
            self._want(uid_of(new), forwards_of(new, self._elsewhere.nodes))

    def _want(self, uid: str, forwards: tuple[Forward, ...]) -> None:
        if self._wanted.get(uid, ()) == forwards:
            return
        if forwards:
            self._wanted[uid] = forwards
        else:
            del self._wanted[uid]
        self._wake.set()

    async def _step(self, group: asyncio.TaskGroup) -> None:
        wanted, unserved = settled(self._wanted.values(), self._elsewhere.nodes.values())
        self._tell(unserved)
        if wanted == self._applied:
            return
        try:
            await self._carry_out(group, wanted)
        except (OSError, NftFailed) as error:
            _log.warning("host ports not applied, trying again error=%s", error)
            asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._wake.set)
            return
        gone = set(self._applied or ()) - set(wanted)
        self._applied = wanted
        await self._forget_flows(gone)

    async def _carry_out(self, group: asyncio.TaskGroup, wanted: tuple[Forward, ...]) -> None:
        if self._kernel:
            try:
                await self._change_kernel(wanted)
            except (OSError, NftFailed):
                if await self._nft.is_usable():
                    raise
                _log.warning("nftables can't be used here, host ports are relayed by the daemon")
                self._kernel = False
        if not self._kernel:
            await self._relay(group, wanted)

    async def _change_kernel(self, wanted: tuple[Forward, ...]) -> None:
        if wanted:
            await self._nft.apply(ports_table(self._cluster, wanted, self._elsewhere.addresses()))
        else:
            await self._nft.remove()

    async def _relay(self, group: asyncio.TaskGroup, wanted: tuple[Forward, ...]) -> None:
        ports = [_as_service_port(forward) for forward in wanted]
        problems = await self._listeners.open(ports)
        for line in (line for lines in problems.values() for line in lines):
            _log.error("host port not relayed problem=%s", line)
        keys = {port.service for port in ports}
        closing = self._listeners.take_others(self._relayed | keys, ports)
        self._relayed = keys
        for one in closing:
            group.create_task(_close(one))

    def _tell(self, unserved: Iterable[Unserved]) -> None:
        now = set(unserved)
        for one in sorted(now - self._told):
            pod = self._pods.get(one.pod)
            if pod is not None:
                self._recorder.record(pod, "Warning", one.reason, one.message)
        self._told = now

    async def _forget_flows(self, gone: Iterable[Forward]) -> None:
        """UDP has no end: without this a client that goes on sending keeps the pod that left."""
        flows = [
            Flows(one.address or None, one.port, frozenset({one.pod_ip}))
            for one in gone
            if one.protocol == "udp"
        ]
        if flows and self._kernel:
            await self._host.forget_flows(flows)


async def _close(one: Closing) -> None:
    await one.close()


def _as_service_port(forward: Forward) -> ServicePort:
    return ServicePort(
        service=Key(f"{forward.pod} {forward.address}"),
        protocol=forward.protocol,
        port=forward.port,
        addresses=(forward.address,) if forward.address else (),
        node_port=None if forward.address else forward.port,
        path="userspace",
        endpoints=(Endpoint(forward.pod_ip, forward.pod_port),),
    )
