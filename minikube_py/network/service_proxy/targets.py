"""What a Service asks of the proxy: for each port where it listens, which pods answer, and by
which data path. Pure; `rules` turns the kernel's share into nftables, `listeners` serves the rest.
"""

import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal, get_args

from minikube_py.meta.objects import Key, Object, annotations_of, get_path, key_of
from minikube_py.network.endpoints import Endpoint, endpoints_of

ANNOTATION = "mk.dev/service-proxy"
Mode = Literal["auto", "kernel", "http", "userspace"]
Path = Literal["kernel", "http", "userspace"]
Protocol = Literal["tcp", "udp", "sctp"]
MODES: tuple[str, ...] = get_args(Mode)
_PROTOCOLS: dict[str, Protocol] = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
_DEFAULT_AFFINITY_SECONDS = 10800


@dataclass(frozen=True)
class ServicePort:
    """One port of one Service. `endpoints` are those that get new connections, sorted."""

    service: Key
    protocol: Protocol
    port: int
    addresses: tuple[str, ...]
    node_port: int | None
    path: Path
    endpoints: tuple[Endpoint, ...]
    affinity_seconds: int | None = None


@dataclass(frozen=True)
class ProxySettings:
    """`mode` is the default path; `kernel` is False on a host whose nftables can't be used.

    `reserved` addresses are served by someone else (DNS). `local` gives Services a target on the
    host itself, such as the API server's socket on loopback. `nodes` are addresses of nodes, which
    lie beside those of Services.
    """

    service_range: str
    mode: Mode = "auto"
    kernel: bool = True
    reserved: frozenset[str] = frozenset()
    local: tuple[tuple[Key, Endpoint], ...] = ()
    nodes: frozenset[str] = frozenset()


def service_ports(
    service: Object, slices: Iterable[Object], settings: ProxySettings
) -> tuple[ServicePort, ...]:
    """Nothing for headless Services, ExternalName, and reserved addresses."""
    spec = service.get("spec") or {}
    addresses = _addresses(spec, settings.reserved)
    if not addresses:
        return ()
    slices = list(slices)
    local = dict(settings.local).get(key_of(service))
    found = []
    for port in spec.get("ports") or []:
        protocol = _PROTOCOLS.get(port.get("protocol", "TCP"))
        if protocol is None:
            continue
        endpoints = (local,) if local else endpoints_of(port, slices)
        found.append(
            ServicePort(
                service=key_of(service),
                protocol=protocol,
                port=port["port"],
                addresses=addresses,
                node_port=port.get("nodePort") or None,
                path="userspace" if local else _path(service, port, settings),
                endpoints=endpoints,
                affinity_seconds=_affinity_seconds(spec),
            )
        )
    return tuple(found)


def declares_http(port: Mapping[str, object]) -> bool:
    """`appProtocol: http`, or a name `http` or `http-…`: the convention of service meshes."""
    declared = port.get("appProtocol")
    if declared:
        return str(declared).lower() == "http"
    name = str(port.get("name") or "")
    return name == "http" or name.startswith("http-")


def mode_of(service: Object, default: Mode) -> Mode:
    """The annotation where it says something known, else the default."""
    wish = annotations_of(service).get(ANNOTATION, "")
    for mode in get_args(Mode):
        if wish == mode:
            return mode  # type: ignore[no-any-return]
    return default


def stable_number(text: str) -> int:
    """The same in every process, unlike `hash`."""
    return zlib.crc32(text.encode())


def _path(service: Object, port: Mapping[str, object], settings: ProxySettings) -> Path:
    mode = mode_of(service, settings.mode)
    plain: Path = "kernel" if settings.kernel else "userspace"
    protocol = port.get("protocol", "TCP")
    if mode == "userspace" and protocol in ("TCP", "UDP"):
        return "userspace"
    if protocol == "TCP" and mode in ("auto", "http") and _speaks_http(service, port, mode):
        return "http"
    return plain


def _speaks_http(service: Object, port: Mapping[str, object], mode: Mode) -> bool:
    if declares_http(port):
        return True
    if mode != "http":
        return False
    # Asked for on the Service itself, or a default that may cover only what declares nothing else.
    asked = annotations_of(service).get(ANNOTATION) == "http"
    return asked or not (port.get("appProtocol") or port.get("name"))


def _addresses(spec: Mapping[str, object], reserved: Collection[str]) -> tuple[str, ...]:
    if spec.get("type") == "ExternalName":
        return ()
    cluster = spec.get("clusterIPs") or [spec.get("clusterIP")]
    external = spec.get("externalIPs") or []
    assert isinstance(cluster, list)
    assert isinstance(external, list)
    found = [address for address in cluster if address not in (None, "", "None")]
    if any(address in reserved for address in found):
        return ()
    return tuple(address for address in [*found, *external] if _is_ipv4(address)) if found else ()


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def _affinity_seconds(spec: Mapping[str, object]) -> int | None:
    if spec.get("sessionAffinity") != "ClientIP":
        return None
    seconds = get_path(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds")
    return int(seconds or _DEFAULT_AFFINITY_SECONDS)
