"""What the cluster's names mean: Services, the pods behind headless ones, addresses back to names.

Pure. Follows the Kubernetes DNS specification 1.1.0 and, where it is silent, what CoreDNS does.
Names are lower case and without the closing dot. A Zone also knows names that only have names
below them, since those exist: answering NXDOMAIN for them breaks resolvers' search.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, ip_address
from typing import Literal

from minikube_py.meta.objects import Key, Object, get_path, name_of, namespace_of

SPECIFICATION = "1.1.0"
Type = Literal["A", "AAAA", "CNAME", "PTR", "SRV", "TXT"]


@dataclass(frozen=True)
class Record:
    """`value` is an address, a name or a text; of an SRV record it is the target."""

    type: Type
    value: str
    port: int = 0


Records = Mapping[str, tuple[Record, ...]]


@dataclass(frozen=True)
class Found:
    """What a name has. `exists` is False only where the zone has no such name at all."""

    ours: bool
    exists: bool = False
    records: tuple[Record, ...] = ()


@dataclass(frozen=True)
class _Named:
    """One pod of a headless Service."""

    host: str
    ip: str
    has_hostname: bool


@dataclass
class _Gathered:
    records: dict[str, list[Record]] = field(default_factory=dict)

    def add(self, name: str, record: Record) -> None:
        known = self.records.setdefault(name.lower(), [])
        if record not in known:
            known.append(record)

    def done(self) -> Records:
        return {name: tuple(records) for name, records in self.records.items()}


def service_records(service: Object, slices: Iterable[Object], domain: str) -> Records:
    """All records of one Service."""
    spec = service.get("spec") or {}
    name = f"{name_of(service)}.{namespace_of(service)}.svc.{domain}"
    gathered = _Gathered()
    if spec.get("type") == "ExternalName":
        if spec.get("externalName"):
            gathered.add(name, Record("CNAME", str(spec["externalName"]).rstrip(".").lower()))
    elif spec.get("clusterIP") == "None":
        _add_headless(gathered, name, slices)
    else:
        _add_cluster(gathered, name, spec)
    return gathered.done()


def zone_records(domain: str) -> Records:
    """What the zone has without any Service."""
    return {f"dns-version.{domain}": (Record("TXT", SPECIFICATION),)}


def pod_records(pod: Object, domain: str) -> Records:
    """`10-244-0-5.default.pod.cluster.local`."""
    gathered = _Gathered()
    status = pod.get("status") or {}
    if status.get("phase") not in ("Succeeded", "Failed"):
        for entry in status.get("podIPs") or (
            [{"ip": status["podIP"]}] if "podIP" in status else []
        ):
            ip = entry.get("ip", "")
            if ip:
                name = f"{_dashed(ip)}.{namespace_of(pod)}.pod.{domain}"
                gathered.add(name, _address_record(ip))
    return gathered.done()


def reverse_name(ip: str) -> str:
    """`5.0.244.10.in-addr.arpa`."""
    return ip_address(ip).reverse_pointer


class Zone:
    """The cluster's names, by the object they come from."""

    def __init__(self, domain: str, ranges: Iterable[IPv4Network] = ()) -> None:
        self._origins = (domain, *(_reverse_zone(network) for network in ranges))
        self._by_origin: dict[Key, Records] = {}
        self._records: dict[str, dict[Key, tuple[Record, ...]]] = {}
        self._existing: Counter[str] = Counter()
        self.replace(Key(""), zone_records(domain))
        for origin in self._origins:
            self._existing[origin] += 1

    def replace(self, key: Key, records: Records) -> bool:
        """Puts `records` in place of those that came from `key`; whether that changed anything."""
        old = self._by_origin.get(key, {})
        if old == records:
            return False
        for name in old:
            del self._records[name][key]
            if not self._records[name]:
                del self._records[name]
            self._existing.subtract(self._levels(name))
        for name, values in records.items():
            self._records.setdefault(name, {})[key] = values
            self._existing.update(self._levels(name))
        if records:
            self._by_origin[key] = records
        else:
            self._by_origin.pop(key, None)
        return True

    def origins(self) -> set[Key]:
        return set(self._by_origin)

    def lookup(self, name: str) -> Found:
        """`name` in lower case, without the closing dot."""
        by_key = self._records.get(name)
        if by_key is not None:
            return Found(
                True, True, tuple(record for records in by_key.values() for record in records)
            )
        if not self.is_ours(name):
            return Found(False)
        return Found(True, self._existing.get(name, 0) > 0)

    def is_ours(self, name: str) -> bool:
        return self.origin_of(name) is not None

    def origin_of(self, name: str) -> str | None:
        """The zone that answers for the name with authority."""
        for origin in self._origins:
            if name == origin or name.endswith("." + origin):
                return origin
        return None

    def _levels(self, name: str) -> Iterator[str]:
        """The name and those above it."""
        while name:
            yield name
            name = name.partition(".")[2]


def _add_cluster(gathered: _Gathered, name: str, spec: Mapping[str, object]) -> None:
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP")]
    assert isinstance(addresses, list)
    for address in addresses:
        if address:
            gathered.add(name, _address_record(address))
            gathered.add(reverse_name(address), Record("PTR", name))
    ports = spec.get("ports") or []
    assert isinstance(ports, list)
    for port in ports:
        if port.get("name") and name in gathered.records:
            gathered.add(_port_name(port, name), Record("SRV", name, port["port"]))


def _add_headless(gathered: _Gathered, name: str, slices: Iterable[Object]) -> None:
    for endpoint_slice in slices:
        for pod in _pods_of(endpoint_slice):
            host = f"{pod.host}.{name}"
            gathered.add(name, _address_record(pod.ip))
            gathered.add(host, _address_record(pod.ip))
            if pod.has_hostname:
                gathered.add(reverse_name(pod.ip), Record("PTR", host))
            for port in endpoint_slice.get("ports") or []:
                if port.get("name") and port.get("port"):
                    gathered.add(_port_name(port, name), Record("SRV", host, port["port"]))


def _pods_of(endpoint_slice: Object) -> Iterator[_Named]:
    if endpoint_slice.get("addressType", "IPv4") == "FQDN":
        return
    for endpoint in endpoint_slice.get("endpoints") or []:
        if get_path(endpoint, "conditions", "ready") is False:
            continue
        for ip in endpoint.get("addresses") or []:
            hostname = endpoint.get("hostname")
            yield _Named(hostname or _dashed(ip), ip, bool(hostname))


def _port_name(port: Mapping[str, object], name: str) -> str:
    return f"_{port['name']}._{str(port.get('protocol', 'TCP')).lower()}.{name}"


def _address_record(ip: str) -> Record:
    is_v6 = isinstance(ip_address(ip), IPv6Address)
    return Record("AAAA" if is_v6 else "A", ip)


def _dashed(ip: str) -> str:
    return ip.replace(".", "-").replace(":", "-")


def _reverse_zone(network: IPv4Network) -> str:
    """The whole octets of the range: what is asked below them is never for another server."""
    octets = str(network.network_address).split(".")[: max(1, network.prefixlen // 8)]
    return ".".join(reversed(octets)) + ".in-addr.arpa"
