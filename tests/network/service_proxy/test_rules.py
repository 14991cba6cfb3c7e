"""The scripts, run on a small model of nftables: however a table came to be, it is what the
Services say.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from minikube_py.meta.objects import Key
from minikube_py.network.endpoints import Endpoint
from minikube_py.network.service_proxy.rules import (
    NOTHING,
    Part,
    Remembered,
    RuleBook,
    TableNames,
    part_of,
)
from minikube_py.network.service_proxy.targets import ServicePort

NAMES = TableNames("mk-t", "mk-t", "10.96.0.0/16")
_COMMAND = re.compile(r"(add|delete|flush) (\w+) ip mk-t (\S+) ?(.*)")


@dataclass
class Table:
    """What nft would hold; refuses what nft refuses."""

    chains: dict[str, list[str]] = field(default_factory=dict)
    sets: set[str] = field(default_factory=set)
    maps: dict[tuple[str, str], str] = field(default_factory=dict)
    hairpin: set[str] = field(default_factory=set)

    def run(self, script: str) -> None:
        for line in script.splitlines():
            if found := _COMMAND.fullmatch(line):
                getattr(self, f"{found[1]}_{found[2]}")(found[3], found[4])
        self.check()

    def add_set(self, name: str, _spec: str) -> None:
        assert name not in self.sets
        self.sets.add(name)

    def delete_set(self, name: str, _rest: str) -> None:
        self.sets.remove(name)

    def add_chain(self, name: str, _rest: str) -> None:
        self.chains.setdefault(name, [])

    def flush_chain(self, name: str, _rest: str) -> None:
        self.chains[name].clear()

    def delete_chain(self, name: str, _rest: str) -> None:
        assert self.chains.pop(name) == []

    def add_rule(self, name: str, rule: str) -> None:
        self.chains[name].append(rule)

    def add_element(self, name: str, content: str) -> None:
        inner = content.strip("{ }")
        if name == "hairpin":
            new = set(inner.split(", "))
            assert not new & self.hairpin
            self.hairpin |= new
        elif " : goto " in inner:
            key, _, chain = inner.partition(" : goto ")
            assert (name, key) not in self.maps
            self.maps[name, key] = chain
        else:
            assert name in self.sets

    def delete_element(self, name: str, content: str) -> None:
        inner = content.strip("{ }")
        if name == "hairpin":
            self.hairpin -= set(inner.split(", "))
        else:
            del self.maps[name, inner]

    def check(self) -> None:
        """Nothing refers to what is not there."""
        text = " ".join(rule for rules in self.chains.values() for rule in rules)
        assert set(re.findall(r"goto ([^\s,}]+)", text)) <= self.chains.keys()
        assert set(re.findall(r"@(clients\S+)", text)) <= self.sets
        assert set(self.maps.values()) <= self.chains.keys()


def port(service: str = "default/web", **fields: Any) -> ServicePort:
    values: dict[str, Any] = {
        "service": Key(service),
        "protocol": "tcp",
        "port": 80,
        "addresses": ("10.96.0.20",),
        "node_port": None,
        "path": "kernel",
        "endpoints": (Endpoint("10.244.0.2", 8080), Endpoint("10.244.0.3", 8080)),
    }
    return ServicePort(**(values | fields))


def test_a_balanced_service_is_one_rule() -> None:
    part = part_of([port()])

    assert part == Part(
        elements={("services", "10.96.0.20 . tcp . 80"): "svc/default/web/tcp/80"},
        chains={
            "svc/default/web/tcp/80": (
                "meta l4proto tcp dnat ip to numgen random mod 2 map "
                "{ 0 : 10.244.0.2 . 8080, 1 : 10.244.0.3 . 8080 }",
            )
        },
        pods=frozenset({"10.244.0.2", "10.244.0.3"}),
    )


def test_without_pods_there_is_nothing_so_that_it_is_rejected() -> None:
    assert part_of([port(endpoints=())]) == NOTHING
    assert part_of([port(path="userspace")]) == NOTHING


def test_a_port_the_daemon_serves_is_the_kernels_only_in_reserve() -> None:
    part = part_of([port(path="http", node_port=30080)])

    assert {where for where, _ in part.elements} == {"spare_services", "spare_node_ports"}
    assert part_of([port(path="http")], spares=False) == NOTHING


def test_nothing_new_is_an_empty_script() -> None:
    book = RuleBook(NAMES)
    book.change({Key("default/web"): part_of([port()])})

    assert book.change({Key("default/web"): part_of([port()])}) == ""
    assert book.change({Key("default/none"): NOTHING}) == ""


def test_one_pod_more_touches_one_chain() -> None:
    book = RuleBook(NAMES)
    book.change({Key("default/web"): part_of([port()])})
    more = port(endpoints=(*port().endpoints, Endpoint("10.244.0.4", 8080)))

    script = book.change({Key("default/web"): part_of([more])})

    verbs = [line.split(" ip ")[0] for line in script.splitlines()]
    assert verbs == ["add element", "add chain", "flush chain", "add rule"]


def test_of_two_claims_to_one_address_the_first_by_name_wins_until_it_goes() -> None:
    book, table = RuleBook(NAMES), Table()
    for name in ("b/late", "a/early"):
        part = part_of([port(name, addresses=("192.0.2.1",))])
        table.run(book.change({Key(name): part}))
    assert set(table.maps.values()) == {"svc/a/early/tcp/80"}

    table.run(book.change({Key("a/early"): NOTHING}))

    assert set(table.maps.values()) == {"svc/b/late/tcp/80"}


def test_remembered_clients_return_only_to_pods_that_are_still_there() -> None:
    book = RuleBook(NAMES)
    book.change({Key("default/web"): part_of([port(affinity_seconds=60)])})
    here = "clients/default/web/tcp/80/10.244.0.2_8080_60"

    script = book.whole_table([Remembered(here, "10.0.0.9", 30), Remembered("gone", "10.0.0.9", 3)])

    assert f"add element ip mk-t {here} {{ 10.0.0.9 timeout 60s expires 30s }}" in script
    assert "gone" not in script


SERVICES = st.sampled_from(["a/x", "a/y", "b/x"])
ENDPOINTS = st.sets(
    st.builds(Endpoint, st.sampled_from(["10.244.0.2", "10.244.0.3", "10.244.0.4"]), st.just(8080)),
    max_size=3,
).map(lambda found: tuple(sorted(found)))
PORTS = st.fixed_dictionaries(
    {
        "addresses": st.sampled_from([("10.96.0.1",), ("10.96.0.2", "192.0.2.1")]),
        "node_port": st.sampled_from([None, 30001]),
        "path": st.sampled_from(["kernel", "http", "userspace"]),
        "endpoints": ENDPOINTS,
        "affinity_seconds": st.sampled_from([None, 60, 90]),
    }
)
BATCHES = st.lists(st.dictionaries(SERVICES, st.none() | PORTS, max_size=3), max_size=8)


@given(BATCHES)
def test_small_changes_lead_to_the_same_table_as_a_fresh_start(
    batches: list[dict[str, dict[str, Any] | None]],
) -> None:
    book, table = RuleBook(NAMES), Table()
    for batch in batches:
        updates = {
            Key(name): part_of([port(name, **fields)]) if fields else NOTHING
            for name, fields in batch.items()
        }
        table.run(book.change(updates))
        fresh = Table()
        fresh.run(book.whole_table())
        assert table == fresh
