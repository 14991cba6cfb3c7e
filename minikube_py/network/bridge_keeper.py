"""Keeps the pods' bridge there: `docker network rm` and `ip link del` take it away from
running pods without a word.

Looking costs one read of a file of the kernel's; everything else happens only when it is gone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from minikube_py.meta.cluster import Cluster
from minikube_py.network import bridge, firewall, sysctl
from minikube_py.network.host import Host

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0

EnsureNetwork = Callable[[], Awaitable[None]]
"""Makes the engine's network again if that is gone too; raises with what to do."""

Tell = Callable[[str], None]
"""A Warning for the user."""


class BridgeKeeper:
    """`gateway` is the bridge's address, `prefix` the pod range's length in bits."""

    def __init__(
        self,
        host: Host,
        cluster: Cluster,
        gateway: str,
        prefix: int,
        ensure: EnsureNetwork,
        tell: Tell,
    ) -> None:
        self._host = host
        self._cluster = cluster
        self._gateway = gateway
        self._prefix = prefix
        self._ensure = ensure
        self._tell = tell
        self._told = ""

    async def run(self) -> None:
        """Ends only by cancellation."""
        known = ""
        while True:
            found = bridge.hardware_address(self._cluster.bridge)
            if not found:
                await self._try_to_mend(known)
            known = found or known
            await asyncio.sleep(_LOOK_SECONDS)

    async def _try_to_mend(self, mac: str) -> None:
        name = self._cluster.bridge
        _log.warning("bridge gone name=%s", name)
        try:
            await self._ensure()
            pods = await bridge.mend(self._host, self._cluster, mac, self._gateway, self._prefix)
            sysctl.enable_forwarding()
            sysctl.allow_loopback_node_ports(name)
            await firewall.let_node_ports_in(self._cluster)
        except Exception as error:
            # Whatever it is, the next look tries again; it is told once.
            self._tell_once(f"the pods' bridge {name} is gone and can't be made again: {error}")
            return
        self._told = ""
        self._tell(f"the pods' bridge {name} was deleted; it was made again with {pods} pods on it")

    def _tell_once(self, message: str) -> None:
        if message != self._told:
            self._told = message
            self._tell(message)
