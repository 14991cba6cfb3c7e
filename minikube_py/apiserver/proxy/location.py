"""Which address a proxied request goes to: `[scheme:]name[:port]` of the path, and the pod or the
Service that it names. Pure; the rules are those of Kubernetes' pod, service and node strategies.
"""

import ipaddress
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minikube_py.meta.errors import BadRequest, ServiceUnavailable
from minikube_py.meta.objects import Object, get_path, name_of

_PORT_CHARACTERS = 63
_SCHEMES = ("http", "https", "")


@dataclass(frozen=True)
class Reference:
    """`scheme` and `port` are "" when the path leaves them out; a port may be a name."""

    scheme: str
    name: str
    port: str


@dataclass(frozen=True)
class Location:
    """`server_name` is whom a certificate must name, "" for the host itself."""

    scheme: str
    host: str
    port: int
    server_name: str = ""

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == default else f"{host}:{self.port}"


def parse_reference(text: str, what: str) -> Reference:
    """`what` is the noun of the message: pod, service or node. Raises BadRequest."""
    parts = text.split(":")
    if len(parts) == 1:
        found = Reference("", parts[0], "")
    elif len(parts) == 2:
        found = Reference("", parts[0], parts[1])
    elif len(parts) == 3 and parts[0] in _SCHEMES:
        found = Reference(*parts)
    else:
        raise BadRequest(f'invalid {what} request "{text}"')
    if not found.name or len(found.port) > _PORT_CHARACTERS:
        raise BadRequest(f'invalid {what} request "{text}"')
    return found


def pod_location(pod: Object, wanted: Reference) -> Location:
    """The pod's address; without a port, the first that a container declares. An ended pod has none
    any more: it may be another's by now.
    """
    phase = get_path(pod, "status", "phase", default="")
    if phase in ("Succeeded", "Failed"):
        raise ServiceUnavailable(f'pod "{wanted.name}" has ended; its phase is {phase}')
    address = get_path(pod, "status", "podIP", default="")
    if not address:
        raise ServiceUnavailable(f'pod "{wanted.name}" has no IP address yet: wait until it runs')
    port = int(wanted.port) if wanted.port.isdecimal() else _declared_port(pod, wanted.port)
    return _checked(wanted, str(address), port)


def service_location(service: Object, slices: Sequence[Object], wanted: Reference) -> Location:
    """One of the endpoints that are ready. Raises ServiceUnavailable when there is none."""
    port = wanted.port
    if port.isdecimal():
        port = _port_name(service, int(port))
    found = [
        (str(address), int(slice_port["port"]))
        for one in slices
        for slice_port in one.get("ports") or ()
        if (slice_port.get("name") or "") == port and slice_port.get("port")
        for endpoint in one.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint.get("addresses") or ()
    ]
    if not found:
        raise ServiceUnavailable(f'no endpoints available for service "{_said(wanted)}"')
    return _checked(wanted, *random.choice(found))  # noqa: S311 - spreads load


def node_location(node: Object, wanted: Reference) -> Location:
    """A port of the node other than the kubelet's."""
    if not wanted.port.isdecimal():
        raise BadRequest(f'invalid node request "{_said(wanted)}": the port must be a number')
    for address in get_path(node, "status", "addresses", default=()):
        if address.get("type") == "InternalIP":
            return _checked(wanted, address["address"], int(wanted.port))
    raise ServiceUnavailable(f'node "{wanted.name}" has no address of type InternalIP')


def _said(wanted: Reference) -> str:
    text = f"{wanted.name}:{wanted.port}" if wanted.port else wanted.name
    return f"{wanted.scheme}:{text}" if wanted.scheme else text


def _declared_port(pod: Object, name: str) -> int:
    """Of that name, or with "" the very first; 80 when none is declared."""
    declared: list[Mapping[str, Any]] = [
        port
        for container in get_path(pod, "spec", "containers", default=())
        for port in container.get("ports") or ()
    ]
    for port in declared:
        if not name or port.get("name") == name:
            return int(port["containerPort"])
    if name:
        raise BadRequest(f'pod "{name_of(pod)}" declares no port named "{name}"')
    return 80


def _port_name(service: Object, number: int) -> str:
    for port in get_path(service, "spec", "ports", default=()):
        if port.get("port") == number:
            return str(port.get("name") or "")
    raise ServiceUnavailable(f'no service port {number} found for service "{name_of(service)}"')


def _checked(wanted: Reference, address: str, port: int) -> Location:
    """Never the daemon's own host by its private names: a proxy is no way around its firewall."""
    if not 0 < port < 65536:
        raise BadRequest(f"port {port} is not between 1 and 65535")
    try:
        ip = ipaddress.ip_address(address)
    except ValueError as error:
        raise BadRequest(f'"{address}" is no IP address: only those are proxied to') from error
    if ip.is_unspecified or ip.is_loopback or ip.is_link_local or ip.is_multicast:
        raise BadRequest("address not allowed")
    return Location(wanted.scheme or "http", address, port)
