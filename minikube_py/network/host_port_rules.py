"""Which ports of the host go to which pod, and the nftables that do it. Pure; `host_ports` carries
it out.

Nodes that share the host have addresses of their own, and a port of such a node is one of that
address. The first node's are all others of the host.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Any

from minikube_py.meta.cluster import Cluster
from minikube_py.meta.objects import Key, Object, get_path, key_of, uid_of
from minikube_py.network.service_proxy.targets import Protocol

_FINAL = ("Succeeded", "Failed")
_PROTOCOLS: dict[str, Protocol] = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}


@dataclass(frozen=True, order=True)
class Forward:
    """`address` "" is every address of the host but other nodes'. Sorted by who came first."""

    since: str
    uid: str
    pod: Key
    address: str
    protocol: Protocol
    port: int
    pod_ip: str
    pod_port: int


@dataclass(frozen=True, order=True)
class Unserved:
    """A port that a pod asked for and does not get."""

    pod: Key
    reason: str
    message: str


def table_name(cluster: Cluster) -> str:
    return f"{cluster.nft_table}/ports"


def forwards_of(pod: Object, nodes: Mapping[str, str] | None = None) -> tuple[Forward, ...]:
    """Nothing before the pod has its address, for one in the host's network, or one that ended.
    `nodes`: the addresses of all but the first, by name.
    """
    spec = pod.get("spec") or {}
    ports = [port for each in _serving(spec) for port in each.get("ports") or []]
    ip = str(get_path(pod, "status", "podIP", default=""))
    ended = get_path(pod, "status", "phase", default="") in _FINAL
    if not ip or ended or spec.get("hostNetwork") or not ports:
        return ()
    own = (nodes or {}).get(str(spec.get("nodeName") or ""), "")
    return tuple(
        Forward(
            since=str(get_path(pod, "metadata", "creationTimestamp", default="")),
            uid=uid_of(pod),
            pod=key_of(pod),
            address=_bare(str(port.get("hostIP") or "")) or own,
            protocol=_PROTOCOLS[port.get("protocol") or "TCP"],
            port=int(port["hostPort"]),
            pod_ip=ip,
            pod_port=int(port["containerPort"]),
        )
        for port in ports
        if port.get("hostPort")
    )


def _serving(spec: Object) -> list[Any]:
    """Containers and sidecars: what runs for as long as the pod does."""
    starting = spec.get("initContainers") or []
    sidecars = [one for one in starting if one.get("restartPolicy") == "Always"]
    return [*(spec.get("containers") or []), *sidecars]


def _bare(address: str) -> str:
    return "" if address and ip_address(address).is_unspecified else address


def settled(
    wanted: Iterable[tuple[Forward, ...]], others: Collection[str] = ()
) -> tuple[tuple[Forward, ...], tuple[Unserved, ...]]:
    """Who gets what: of two that want the same port, the older pod. `others`: addresses that are
    not the first node's.
    """
    served: list[Forward] = []
    unserved: list[Unserved] = []
    for forward in sorted(one for each in wanted for one in each):
        other = next((one for one in served if _collide(one, forward, others)), None)
        if not _is_ipv4(forward.address):
            message = f"hostIP {forward.address} of hostPort {forward.port}: only IPv4 is served"
            unserved.append(Unserved(forward.pod, "HostPortNotSupported", message))
        elif other is not None:
            message = f"hostPort {forward.port}/{forward.protocol} is served for pod {other.pod} "
            message += "on this host: choose another port or hostIP"
            unserved.append(Unserved(forward.pod, "HostPortConflict", message))
        else:
            served.append(forward)
    return tuple(served), tuple(unserved)


def _collide(one: Forward, other: Forward, others: Collection[str]) -> bool:
    if (one.protocol, one.port) != (other.protocol, other.port):
        return False
    addresses = {one.address, other.address}
    return len(addresses) == 1 or ("" in addresses and addresses.isdisjoint(others))


def _is_ipv4(address: str) -> bool:
    return not address or isinstance(ip_address(address), IPv4Address)


def ports_table(cluster: Cluster, forwards: Iterable[Forward], others: Collection[str] = ()) -> str:
    """Replaces the table, or makes it, in one transaction. Its chains come just before those of the
    Services: the first translation of a packet is the one that counts. `others`: addresses, and
    ranges, that are this host's too but not the first node's: of other nodes, and of Services.
    """
    name, known = table_name(cluster), list(forwards)
    elsewhere = f"ip daddr != {{ {', '.join(sorted(others))} }} " if others else ""
    rules = "\n    ".join(_rule(forward, elsewhere) for forward in known)
    pods = ", ".join(f"{ip} . {ip}" for ip in sorted({forward.pod_ip for forward in known}))
    return f"""add table ip {name}
delete table ip {name}
table ip {name} {{
  set hairpin {{ type ipv4_addr . ipv4_addr; elements = {{ {pods} }} }}
  chain forwards {{
    {rules}
  }}
  chain prerouting {{
    type nat hook prerouting priority -106; policy accept;
    fib daddr type local jump forwards
  }}
  chain output {{
    type nat hook output priority -106; policy accept;
    fib daddr type local jump forwards
  }}
  chain postrouting {{
    type nat hook postrouting priority 94; policy accept;
    ct status dnat ip saddr . ip daddr @hairpin masquerade
    ct status dnat oifname != "lo" ip saddr 127.0.0.0/8 masquerade
  }}
}}
"""


def _rule(forward: Forward, elsewhere: str) -> str:
    where = f"ip daddr {forward.address} " if forward.address else elsewhere
    target = f"{forward.pod_ip}:{forward.pod_port}"
    return f"{where}{forward.protocol} dport {forward.port} dnat ip to {target}"
