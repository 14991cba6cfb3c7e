"""Takes everything of a cluster's network off the host."""

from minikube_py.meta.cluster import Cluster
from minikube_py.network import firewall
from minikube_py.network.host import Host
from minikube_py.network.host_port_rules import table_name
from minikube_py.network.service_proxy.nftables import Nft


async def remove_all(host: Host, cluster: Cluster) -> None:
    """Tables, firewall rule, veths, service device with its route, and the bridge if Docker's
    network no longer holds it. Run it after the runtime removed its network; again is success.
    """
    await Nft(cluster.nft_table).remove()
    await Nft(table_name(cluster)).remove()
    await firewall.remove_rules(cluster)
    await host.remove_all(cluster)
