"""Decides the cluster's nftables: what each Service needs, and the smallest script that gets there.

Pure. A RuleBook knows what the table holds, by Service; `change` answers with a script that
touches only what differs, `whole_table` with one that replaces the table in one transaction.

Layout: verdict maps from (address, protocol, port) and (protocol, node port) to a chain a Service
port; that chain picks a pod at random, or the one the client had before. What is in the service
range and in no map is rejected, so a Service with no pods answers at once instead of hanging.
Ports that the daemon proxies itself are in maps of their own, the spares: they count only while no
socket listens there, so those Services go on, for pods and other hosts, when the daemon is killed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from minikube_py.meta.objects import Key
from minikube_py.network.endpoints import Endpoint
from minikube_py.network.service_proxy.targets import ServicePort

Element = tuple[str, str]
"""(map, key as nft writes it)."""


@dataclass(frozen=True)
class TableNames:
    """What the base chains depend on. `spares` needs a kernel that can match sockets."""

    table: str
    bridge: str
    service_range: str
    spares: bool = True


@dataclass(frozen=True)
class Part:
    """One Service's share of the table."""

    elements: Mapping[Element, str] = field(default_factory=dict)
    """Map element → chain."""
    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sets: Mapping[str, int] = field(default_factory=dict)
    """Sets of clients an endpoint has seen → seconds they are remembered."""
    pods: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Remembered:
    """A client that keeps its pod, as read from the kernel before the table is replaced."""

    set_name: str
    client: str
    seconds_left: int


NOTHING = Part()


def part_of(ports: Iterable[ServicePort], *, spares: bool = True) -> Part:
    """The kernel's share of a Service. A port without endpoints has none: it is rejected."""
    elements: dict[Element, str] = {}
    chains: dict[str, tuple[str, ...]] = {}
    sets: dict[str, int] = {}
    pods: set[str] = set()
    for port in ports:
        is_spare = port.path == "http" and spares
        if not port.endpoints or not (is_spare or port.path == "kernel"):
            continue
        chain = _service_chain(port)
        prefix = "spare_" if is_spare else ""
        for address in port.addresses:
            elements[f"{prefix}services", f"{address} . {port.protocol} . {port.port}"] = chain
        if port.node_port:
            elements[f"{prefix}node_ports", f"{port.protocol} . {port.node_port}"] = chain
        if port.affinity_seconds is None:
            chains[chain] = (_balance(port),)
        else:
            chains |= _sticky_chains(port, chain)
            sets |= {_client_set(port, end): port.affinity_seconds for end in port.endpoints}
        pods |= {endpoint.ip for endpoint in port.endpoints}
    return Part(elements, chains, sets, frozenset(pods))


class RuleBook:
    """What the table holds. Two Services may claim one element (an external IP): the first by
    name has it.
    """

    def __init__(self, names: TableNames) -> None:
        self._names = names
        self._parts: dict[Key, Part] = {}
        self._claims: dict[Element, dict[Key, str]] = {}
        self._pods: Counter[str] = Counter()

    def services(self) -> set[Key]:
        return set(self._parts)

    def change(self, updates: Mapping[Key, Part]) -> str:
        """Books the updates (NOTHING removes a Service) and returns the script for them, "" when
        the table is right already.
        """
        before = {key: self._parts.get(key, NOTHING) for key in updates}
        touched = {e for key in updates for p in (before[key], updates[key]) for e in p.elements}
        had = {element: self._winner(element) for element in touched}
        pods = {pod for key in updates for p in (before[key], updates[key]) for pod in p.pods}
        known = {pod for pod in pods if self._pods[pod] > 0}
        for key, part in updates.items():
            self._book(key, part)
        lines = _Script(self._names.table)
        now_known = {pod for pod in pods if self._pods[pod] > 0}
        lines.hairpin("add", now_known - known)
        lines.hairpin("delete", known - now_known)
        gone, new = _merged(before.values()), _merged(updates.values())
        lines.make_chains(gone, new)
        lines.move_elements(had, {element: self._winner(element) for element in touched})
        lines.drop_chains(gone, new)
        return lines.text()

    def whole_table(self, remembered: Iterable[Remembered] = ()) -> str:
        """Replaces the table, or makes it, in one transaction; packets see either the old or the
        new one.
        """
        table = self._names.table
        whole = _merged(self._parts.values())
        lines = _Script(table)
        lines.hairpin("add", {pod for pod, count in self._pods.items() if count > 0})
        lines.make_chains(NOTHING, whole)
        winners = {element: self._winner(element) for element in self._claims}
        lines.move_elements(dict.fromkeys(winners), winners)
        for client in remembered:
            lines.remember(client, whole)
        head = f"add table ip {table}\ndelete table ip {table}\n{_base(self._names)}"
        return head + lines.text()

    def _book(self, key: Key, part: Part) -> None:
        old = self._parts.pop(key, NOTHING)
        for element in old.elements:
            claims = self._claims[element]
            del claims[key]
            if not claims:
                del self._claims[element]
        self._pods.subtract(old.pods)
        for element, chain in part.elements.items():
            self._claims.setdefault(element, {})[key] = chain
        self._pods.update(part.pods)
        if part != NOTHING:
            self._parts[key] = part
        self._pods += Counter()  # drops zeros

    def _winner(self, element: Element) -> str | None:
        claims = self._claims.get(element)
        return claims[min(claims)] if claims else None


class _Script:
    """nft commands of one transaction."""

    def __init__(self, table: str) -> None:
        self._table = f"ip {table}"
        self._lines: list[str] = []

    def text(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def hairpin(self, command: str, pods: set[str]) -> None:
        if pods:
            pairs = ", ".join(f"{pod} . {pod}" for pod in sorted(pods))
            self._lines.append(f"{command} element {self._table} hairpin {{ {pairs} }}")

    def make_chains(self, old: Part, new: Part) -> None:
        for name in sorted(new.sets.keys() - old.sets.keys()):
            seconds = new.sets[name]
            self._lines.append(
                f"add set {self._table} {name} "
                f"{{ type ipv4_addr; flags dynamic,timeout; timeout {seconds}s; }}"
            )
        changed = [name for name in new.chains if new.chains[name] != old.chains.get(name)]
        self._lines += [f"add chain {self._table} {name}" for name in changed]
        self._lines += [
            f"flush chain {self._table} {name}" for name in changed if name in old.chains
        ]
        for name in changed:
            self._lines += [f"add rule {self._table} {name} {rule}" for rule in new.chains[name]]

    def move_elements(
        self, before: Mapping[Element, str | None], after: Mapping[Element, str | None]
    ) -> None:
        for element in sorted(before):
            (where, key), old, new = element, before[element], after[element]
            if old == new:
                continue
            if old is not None:
                self._lines.append(f"delete element {self._table} {where} {{ {key} }}")
            if new is not None:
                self._lines.append(f"add element {self._table} {where} {{ {key} : goto {new} }}")

    def drop_chains(self, old: Part, new: Part) -> None:
        gone = [name for name in old.chains if name not in new.chains]
        self._lines += [f"flush chain {self._table} {name}" for name in gone]
        self._lines += [f"delete chain {self._table} {name}" for name in gone]
        self._lines += [
            f"delete set {self._table} {name}" for name in old.sets if name not in new.sets
        ]

    def remember(self, client: Remembered, whole: Part) -> None:
        seconds = whole.sets.get(client.set_name)
        if seconds is not None and 0 < client.seconds_left <= seconds:
            self._lines.append(
                f"add element {self._table} {client.set_name} "
                f"{{ {client.client} timeout {seconds}s expires {client.seconds_left}s }}"
            )


def _merged(parts: Iterable[Part]) -> Part:
    """Chains and sets of several Services; their names never clash."""
    chains: dict[str, tuple[str, ...]] = {}
    sets: dict[str, int] = {}
    for part in parts:
        chains |= part.chains
        sets |= part.sets
    return Part(chains=chains, sets=sets)


def _service_chain(port: ServicePort) -> str:
    return f"svc/{port.service}/{port.protocol}/{port.port}"


def _endpoint_chain(port: ServicePort, endpoint: Endpoint) -> str:
    return f"ep/{port.service}/{port.protocol}/{port.port}/{endpoint.ip}_{endpoint.port}"


def _client_set(port: ServicePort, endpoint: Endpoint) -> str:
    """The time is part of the name because the kernel can't change it."""
    return (
        f"clients/{port.service}/{port.protocol}/{port.port}/"
        f"{endpoint.ip}_{endpoint.port}_{port.affinity_seconds}"
    )


def _balance(port: ServicePort) -> str:
    ends = port.endpoints
    if len(ends) == 1:
        return f"meta l4proto {port.protocol} dnat ip to {ends[0].ip}:{ends[0].port}"
    choices = ", ".join(f"{n} : {end.ip} . {end.port}" for n, end in enumerate(ends))
    return (
        f"meta l4proto {port.protocol} dnat ip to numgen random mod {len(ends)} map {{ {choices} }}"
    )


def _sticky_chains(port: ServicePort, chain: str) -> dict[str, tuple[str, ...]]:
    """Clients seen in the last `affinity_seconds` go where they went; others anywhere."""
    ends = port.endpoints
    known = [
        f"ip saddr @{_client_set(port, end)} goto {_endpoint_chain(port, end)}" for end in ends
    ]
    choices = ", ".join(f"{n} : goto {_endpoint_chain(port, end)}" for n, end in enumerate(ends))
    chains: dict[str, tuple[str, ...]] = {
        _endpoint_chain(port, end): (
            f"update @{_client_set(port, end)} {{ ip saddr }}",
            f"meta l4proto {port.protocol} dnat ip to {end.ip}:{end.port}",
        )
        for end in ends
    }
    chains[chain] = (*known, f"numgen random mod {len(ends)} vmap {{ {choices} }}")
    return chains


def _base(names: TableNames) -> str:
    """Maps and base chains. Priorities sit just before everyone else's (-100 and 100 for address
    translation, 0 for filters), Docker's among them: a packet's first translation is the one that
    counts.
    """
    services, bridge = names.service_range, names.bridge
    dispatch = _dispatch("")
    spare = f"meta l4proto tcp socket transparent 0 accept\n    {_dispatch('spare_')}"
    return f"""add table ip {names.table}
table ip {names.table} {{
  map services {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map node_ports {{ type inet_proto . inet_service : verdict; }}
  map spare_services {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map spare_node_ports {{ type inet_proto . inet_service : verdict; }}
  set hairpin {{ type ipv4_addr . ipv4_addr; }}
  chain prerouting {{
    type nat hook prerouting priority -105; policy accept;
    {dispatch}
    {spare if names.spares else ""}
  }}
  chain output {{
    type nat hook output priority -105; policy accept;
    {dispatch}
  }}
  chain postrouting {{
    type nat hook postrouting priority 95; policy accept;
    ct status dnat ip saddr . ip daddr @hairpin masquerade
    ct status dnat oifname != "lo" ip saddr {{ 127.0.0.0/8, {services} }} masquerade
  }}
  chain reject_unknown {{
    meta l4proto tcp reject with tcp reset
    reject with icmp port-unreachable
  }}
  chain forward {{
    type filter hook forward priority -5; policy accept;
    ip daddr {services} goto reject_unknown
  }}
  chain from_host {{
    type filter hook output priority -5; policy accept;
    ip daddr {services} fib daddr type != local goto reject_unknown
  }}
  chain input {{
    type filter hook input priority -5; policy accept;
    iifname "{bridge}" ip daddr 127.0.0.0/8 ct direction original ct status & dnat == 0 drop
  }}
}}
"""


def _dispatch(prefix: str) -> str:
    return (
        f"ip daddr . meta l4proto . th dport vmap @{prefix}services\n"
        f"    fib daddr type local meta l4proto . th dport vmap @{prefix}node_ports"
    )
