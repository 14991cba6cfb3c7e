"""The pods' bridge is watched over: joins who looks, who makes it again and who is told."""

from ipaddress import IPv4Network

from minikube_py.container_runtime.interface import ContainerRuntime
from minikube_py.daemon.base import Base
from minikube_py.daemon.ground import Ground, node_name
from minikube_py.kinds import catalog
from minikube_py.network.bridge_keeper import BridgeKeeper
from minikube_py.network.host import Host


def bridge_keeper(
    host: Host, ground: Ground, runtime: ContainerRuntime, base: Base
) -> BridgeKeeper:
    """What happens to the bridge is an Event of the first node."""
    cluster, ranges = ground.cluster, ground.ranges
    recorder = base.recorders.new("bridge-keeper")

    async def ensure() -> None:
        await runtime.ensure_network(
            cluster.network,
            bridge=cluster.bridge,
            subnet=ranges.pod,
            gateway=ranges.gateway,
            engine_range=ranges.engine,
        )

    def tell(message: str) -> None:
        node = base.resources.get_or_none(catalog.NODE, None, node_name())
        if node is not None:
            recorder.record(node, "Warning", "BridgeGone", message)

    prefix = IPv4Network(ranges.pod).prefixlen
    return BridgeKeeper(host, cluster, ranges.gateway, prefix, ensure, tell)
