"""Which ports of the host go to which pod, and the nftables that do it. Pure; `host_ports` carries
it out.
"""

from collections.abc import Iterable
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
    """`address` "" is every address of the host. Sorted by who came first."""

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


def forwards_of(pod: Object) -> tuple[Forward, ...]:
    """Nothing before the pod has its address, for one in the host's network, or one that ended."""
    spec = pod.get("spec") or {}
    ports = [port for each in _serving(spec) for port in each.get("ports") or []]
    ip = str(get_path(pod, "status", "podIP", default=""))
    ended = get_path(pod, "status", "phase", default="") in _FINAL
    if not ip or ended or spec.get("hostNetwork") or not ports:
        return ()
    return tuple(
        Forward(
            since=str(get_path(pod, "metadata", "creationTimestamp", default="")),
            uid=uid_of(pod),
            pod=key_of(pod),
            address=_bare(str(port.get("hostIP") or "")),
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
    wanted: Iterable[tuple[Forward, ...]],
) -> tuple[tuple[Forward, ...], tuple[Unserved, ...]]:
    """Who gets what: of two that want the same port, the older pod."""
    served: list[Forward] = []
    unserved: list[Unserved] = []
    for forward in sorted(one for each in wanted for one in each):
        other = next((one for one in served if _collide(one, forward)), None)
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


def _collide(one: Forward, other: Forward) -> bool:
    same_address = one.address == other.address or "" in (one.address, other.address)
    return same_address and (one.protocol, one.port) == (other.protocol, other.port)


def _is_ipv4(address: str) -> bool:
    return not address or isinstance(ip_address(address), IPv4Address)


def ports_table(cluster: Cluster, forwards: Iterable[Forward]) -> str:
    """Replaces the table, or makes it, in one transaction. Its chains come just before those of the
    Services: the first translation of a packet is the one that counts.
    """
    name, known = table_name(cluster), list(forwards)
    rules = "\n    ".join(_rule(forward) for forward in known)
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


def _rule(forward: Forward) -> str:
    where = f"ip daddr {forward.address} " if forward.address else ""
    target = f"{forward.pod_ip}:{forward.pod_port}"
    return f"{where}{forward.protocol} dport {forward.port} dnat ip to {target}"
