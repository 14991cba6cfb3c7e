"""Addresses and node ports of Services: given out, kept unique, taken back.

Kept in memory and rebuilt from the store at start, so a crash leaks nothing. What a write takes is
reserved before it and settled when the write is known to have happened or not.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Any

from minikube_py.kinds import fields
from minikube_py.meta.errors import FieldError, InternalError, Invalid
from minikube_py.meta.objects import Object, name_of

NODE_PORT_RANGE = range(30000, 32768)
_NODE_PORT_TYPES = ("NodePort", "LoadBalancer")


class PoolEmpty(Exception):
    """Every number of the pool is in use."""


class Taken(Exception):
    """The number asked for is in use."""


class Pool:
    """Numbers of a range, each held once. The lower band is left to those who ask by number."""

    def __init__(self, numbers: range, source: random.Random) -> None:
        self._numbers = numbers
        self._source = source
        self._used: set[int] = set()
        band = 0 if len(numbers) < 16 else min(max(16, len(numbers) // 16), 256)
        self._upper, self._lower = numbers[band:], numbers[:band]

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

    @property
    def used(self) -> frozenset[int]:
        return frozenset(self._used)

    def take(self, number: int) -> None:
        """Raises Taken."""
        if number in self._used:
            raise Taken(str(number))
        self._used.add(number)

    def take_any(self) -> int:
        """Raises PoolEmpty."""
        for band in (self._upper, self._lower):
            number = self._free_in(band)
            if number is not None:
                self._used.add(number)
                return number
        raise PoolEmpty

    def give_back(self, numbers: Iterable[int]) -> None:
        self._used.difference_update(numbers)

    def _free_in(self, band: range) -> int | None:
        """From a random place on, so that an address just freed isn't given out again at once."""
        if not band:
            return None
        start = self._source.randrange(len(band))
        for offset in range(len(band)):
            number = band[(start + offset) % len(band)]
            if number not in self._used:
                return number
        return None


@dataclass(frozen=True)
class Claims:
    """What one Service holds: addresses as numbers, node ports."""

    addresses: frozenset[int] = frozenset()
    ports: frozenset[int] = frozenset()

    def __sub__(self, other: "Claims") -> "Claims":
        return Claims(self.addresses - other.addresses, self.ports - other.ports)

    def __or__(self, other: "Claims") -> "Claims":
        return Claims(self.addresses | other.addresses, self.ports | other.ports)


@dataclass(frozen=True)
class ServiceReservation:
    """Satisfies records.Reservation: `taken` goes back on undo, `given_up` on commit."""

    allocator: "ServiceAllocator"
    taken: Claims
    given_up: Claims

    def commit(self) -> None:
        self.allocator.give_back(self.given_up)

    def undo(self) -> None:
        self.allocator.give_back(self.taken)


@dataclass
class _Draft:
    """A Service while its numbers are found; errors undo what was taken so far."""

    service: Object
    held: Claims
    addresses: set[int] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)
    errors: list[FieldError] = field(default_factory=list)

    @property
    def taken(self) -> Claims:
        return Claims(frozenset(self.addresses), frozenset(self.ports))

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.service["spec"]
        return spec


class ServiceAllocator:
    """`service_cidr` like `10.96.0.0/16`; the network's first and last address stay unused."""

    def __init__(
        self,
        service_cidr: str,
        node_port_range: range = NODE_PORT_RANGE,
        *,
        source: random.Random | None = None,
    ) -> None:
        self._network = IPv4Network(service_cidr)
        first = int(self._network.network_address)
        pick = source or random.SystemRandom()
        self._addresses = Pool(range(first + 1, first + self._network.num_addresses - 1), pick)
        self._node_ports = node_port_range
        self._ports = Pool(node_port_range, pick)

    def rebuild(self, services: Iterable[Object]) -> None:
        """Adds what stored Services hold; once, before the first write."""
        for service in services:
            claims = claims_of(service)
            for address in claims.addresses - self._addresses.used:
                self._addresses.take(address)
            for port in claims.ports - self._ports.used:
                self._ports.take(port)

    def reserve(self, new: Object, old: Object | None) -> ServiceReservation:
        """Fills in what `new` needs, in place; raises Invalid when it asks for what it can't have.

        `old` is the stored Service: what it holds may be kept.
        """
        held = claims_of(old) if old is not None else Claims()
        draft = _Draft(new, held)
        try:
            self._fill_address(draft)
            self._fill_ports(draft)
            self._fill_health_check_port(draft)
        except BaseException:
            self.give_back(draft.taken)
            raise
        if draft.errors:
            self.give_back(draft.taken)
            raise Invalid.of("", "Service", name_of(new), draft.errors)
        return ServiceReservation(self, draft.taken, held - claims_of(new))

    def release(self, service: Object) -> ServiceReservation:
        """For a write that removes `service`."""
        return ServiceReservation(self, Claims(), claims_of(service))

    def give_back(self, claims: Claims) -> None:
        self._addresses.give_back(claims.addresses)
        self._ports.give_back(claims.ports)

    @property
    def in_use(self) -> Claims:
        return Claims(self._addresses.used, self._ports.used)

    def _fill_address(self, draft: _Draft) -> None:
        spec = draft.spec
        if spec.get("type") == "ExternalName":
            return
        wanted = _first_address(spec)
        if wanted == "None":
            spec["clusterIP"], spec["clusterIPs"] = "None", ["None"]
            return
        address = self._take_address(draft, wanted) if wanted else self._any_address(draft)
        if address is not None:
            spec["clusterIP"], spec["clusterIPs"] = address, [address]

    def _any_address(self, draft: _Draft) -> str:
        try:
            number = self._addresses.take_any()
        except PoolEmpty as error:
            raise InternalError(
                f"failed to allocate a serviceIP: range {self._network} is full; delete Services "
                "that are not needed"
            ) from error
        draft.addresses.add(number)
        return str(IPv4Address(number))

    def _take_address(self, draft: _Draft, wanted: str) -> str | None:
        number = _as_number(wanted)
        if number in draft.held.addresses:
            return wanted
        problem = None
        if number is None or number not in self._addresses:
            problem = (
                f"provided IP is not in the valid range. The range of valid IPs is {self._network}"
            )
        else:
            try:
                self._addresses.take(number)
                draft.addresses.add(number)
            except Taken:
                problem = "provided IP is already allocated"
        if problem is None:
            return wanted
        detail = f"failed to allocate IP {wanted}: {problem}"
        draft.errors.append(fields.invalid("spec.clusterIPs", [wanted], detail))
        return None

    def _fill_ports(self, draft: _Draft) -> None:
        spec = draft.spec
        if spec.get("type") not in _NODE_PORT_TYPES:
            return
        ports = spec.get("ports") or []
        chosen: dict[int, set[str]] = {}
        for index, port in enumerate(ports):
            if port.get("nodePort"):
                self._take_listed(draft, index, port, chosen)
        if (
            spec.get("type") == "LoadBalancer"
            and spec.get("allocateLoadBalancerNodePorts") is False
        ):
            return
        for port in ports:
            if not port.get("nodePort"):
                port["nodePort"] = self._port_for(draft, port, ports)

    def _take_listed(
        self, draft: _Draft, index: int, port: Object, chosen: dict[int, set[str]]
    ) -> None:
        """One number may serve one Service in two protocols."""
        number, protocol = port["nodePort"], port.get("protocol", "TCP")
        path = f"spec.ports[{index}].nodePort"
        protocols = chosen.setdefault(number, set())
        if protocol in protocols:
            draft.errors.append(fields.duplicate(path, number))
        elif not protocols:
            self._take_port(draft, path, number)
        protocols.add(protocol)

    def _take_port(self, draft: _Draft, path: str, number: int) -> None:
        if number in draft.held.ports or number in draft.ports:
            return
        if number not in self._ports:
            low, high = self._node_ports[0], self._node_ports[-1]
            detail = (
                f"provided port is not in the valid range. The range of valid ports is {low}-{high}"
            )
            draft.errors.append(fields.invalid(path, number, detail))
            return
        try:
            self._ports.take(number)
            draft.ports.add(number)
        except Taken:
            draft.errors.append(fields.invalid(path, number, "provided port is already allocated"))

    def _port_for(self, draft: _Draft, port: Object, ports: Sequence[Object]) -> int:
        """The number its sibling of another protocol on the same port has, else a new one."""
        protocol = port.get("protocol", "TCP")
        for sibling in ports:
            number = sibling.get("nodePort")
            same_port = sibling.get("port") == port.get("port")
            if number and same_port and sibling.get("protocol", "TCP") != protocol:
                return int(number)
        return self._any_port(draft)

    def _any_port(self, draft: _Draft) -> int:
        try:
            number = self._ports.take_any()
        except PoolEmpty as error:
            raise InternalError(
                "failed to allocate a nodePort: range is full; delete NodePort Services that are "
                "not needed"
            ) from error
        draft.ports.add(number)
        return number

    def _fill_health_check_port(self, draft: _Draft) -> None:
        spec = draft.spec
        if not _needs_health_check_port(spec):
            return
        if spec.get("healthCheckNodePort"):
            self._take_port(draft, "spec.healthCheckNodePort", spec["healthCheckNodePort"])
        else:
            spec["healthCheckNodePort"] = self._any_port(draft)


def keep_allocated(new: Object, old: Object) -> None:
    """On update: what was allocated stays when the new spec doesn't speak of it, and goes when its
    type has no use for it (service's patchAllocatedValues and dropTypeDependentFields).
    """
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    if _needs_address(spec) and _needs_address(before):
        _keep(spec, before, "clusterIP")
        if spec.get("clusterIP") == before.get("clusterIP"):
            _keep(spec, before, "clusterIPs")
    if not _needs_address(spec) and spec.get("clusterIP") == before.get("clusterIP"):
        spec.pop("clusterIP", None)
        spec.pop("clusterIPs", None)
    _carry_ports(spec, before)
    if _needs_health_check_port(spec) and _needs_health_check_port(before):
        _keep(spec, before, "healthCheckNodePort")
    elif spec.get("healthCheckNodePort") == before.get("healthCheckNodePort"):
        spec.pop("healthCheckNodePort", None)


def _carry_ports(spec: Object, before: Object) -> None:
    known = {port.get("name", ""): port.get("nodePort") for port in before.get("ports") or []}
    had, has = before.get("type") in _NODE_PORT_TYPES, spec.get("type") in _NODE_PORT_TYPES
    used = {port.get("nodePort") for port in spec.get("ports") or []}
    for port in spec.get("ports") or []:
        number = known.get(port.get("name", ""))
        if has and had and not port.get("nodePort") and number and number not in used:
            port["nodePort"] = number
        elif had and not has and number and port.get("nodePort") == number:
            del port["nodePort"]


def _keep(spec: Object, before: Object, name: str) -> None:
    if not spec.get(name) and before.get(name):
        spec[name] = before[name]


def claims_of(service: Object) -> Claims:
    spec = service.get("spec") or {}
    return Claims(frozenset(_addresses_of(spec)), frozenset(_ports_of(spec)))


def _addresses_of(spec: Object) -> Iterator[int]:
    if not _needs_address(spec):
        return
    for text in {spec.get("clusterIP"), *(spec.get("clusterIPs") or [])}:
        number = _as_number(text)
        if number is not None:
            yield number


def _ports_of(spec: Object) -> Iterator[int]:
    if spec.get("type") in _NODE_PORT_TYPES:
        yield from (port["nodePort"] for port in spec.get("ports") or [] if port.get("nodePort"))
        if spec.get("healthCheckNodePort"):
            yield spec["healthCheckNodePort"]


def _needs_address(spec: Object) -> bool:
    return spec.get("type") != "ExternalName"


def _needs_health_check_port(spec: Object) -> bool:
    local = spec.get("externalTrafficPolicy") == "Local"
    return spec.get("type") == "LoadBalancer" and local


def _first_address(spec: Object) -> str:
    listed = spec.get("clusterIPs") or []
    return str(spec.get("clusterIP") or (listed[0] if listed else ""))


def _as_number(text: str | None) -> int | None:
    try:
        return int(ip_address(text or ""))
    except ValueError:
        return None
