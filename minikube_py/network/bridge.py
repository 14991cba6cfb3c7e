"""The pods' bridge made again after somebody deleted it, and the pods put back on it.

Pods keep their addresses and their connections: the kernel keeps a wire whose bridge is gone, and
the new bridge has the old one's hardware address, which the pods' neighbour tables know.
"""

from pathlib import Path
from typing import Any

from minikube_py.meta.cluster import Cluster
from minikube_py.network.host import Host, pod_link_prefix

_LINKS = Path("/sys/class/net")


def hardware_address(bridge: str) -> str:
    """ "" when there is no such bridge. Reads one file of the kernel's."""
    try:
        return (_LINKS / bridge / "address").read_text().strip()
    except OSError:
        return ""


async def mend(host: Host, cluster: Cluster, mac: str, address: str, prefix: int) -> int:
    """Makes the bridge if there is none, and gives it `mac`; returns how many pods were put back.
    `address` is the gateway's, `prefix` the pod range's length in bits.
    """

    def work(route: Any) -> int:
        index = _ensure(route, cluster.bridge, address, prefix)
        if mac:
            route.link("set", index=index, address=mac)
        route.link("set", index=index, state="up")
        return _plug_in(route, pod_link_prefix(cluster), index)

    return await host.with_netlink(work)


def _ensure(route: Any, bridge: str, address: str, prefix: int) -> int:
    found = route.link_lookup(ifname=bridge)
    if not found:
        route.link("add", ifname=bridge, kind="bridge")
        found = route.link_lookup(ifname=bridge)
        route.addr("add", index=found[0], address=address, prefixlen=prefix)
    return int(found[0])


def _plug_in(route: Any, link_prefix: str, bridge: int) -> int:
    loose = [
        link["index"]
        for link in list(route.get_links())
        if str(link.get("ifname")).startswith(link_prefix) and not link.get("master")
    ]
    for index in loose:
        route.link("set", index=index, master=bridge, state="up")
        # Hairpin, as when the pod was wired.
        route.brport("set", index=index, mode=1)
    return len(loose)
