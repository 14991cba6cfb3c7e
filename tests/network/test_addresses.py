from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from minikube_py.network.addresses import AddressPool, NoAddressLeft

RANGE = IPv4Network("10.50.0.0/28")
ENGINE = IPv4Network("10.50.0.8/29")


def test_reserved_addresses_are_nobodys() -> None:
    pool = AddressPool(RANGE, reserved=["10.50.0.2", "10.50.0.4"])

    assert [pool.take(owner) for owner in "abc"] == ["10.50.0.3", "10.50.0.5", "10.50.0.6"]


def test_an_owner_keeps_its_address_until_it_gives_it_back() -> None:
    pool = AddressPool(RANGE)

    assert pool.take("a") == "10.50.0.2"
    assert pool.take("a") == "10.50.0.2"
    assert pool.take("b") == "10.50.0.3"


def test_an_address_given_back_is_the_last_to_be_given_again() -> None:
    pool = AddressPool(RANGE, ENGINE)
    pool.take("a")
    pool.give_back("a")

    later = [pool.take(owner) for owner in "bcdefg"]

    assert later == [f"10.50.0.{n}" for n in (3, 4, 5, 6, 7, 2)]


def test_restored_addresses_are_not_given_to_others() -> None:
    pool = AddressPool(RANGE)
    pool.restore("old", "10.50.0.4")

    assert pool.get("old") == "10.50.0.4"
    assert pool.take("new") == "10.50.0.5"
    assert pool.owners() == {"old", "new"}


def test_a_full_range_says_so() -> None:
    pool = AddressPool(RANGE, ENGINE)
    for owner in "abcdef":
        pool.take(owner)

    with pytest.raises(NoAddressLeft, match=r"pod range 10\.50\.0\.0/28"):
        pool.take("g")


def test_each_part_is_a_circle_of_its_own() -> None:
    pool = AddressPool(IPv4Network("10.50.0.0/27"))
    one, two = IPv4Network("10.50.0.0/28"), IPv4Network("10.50.0.16/28")

    taken = [pool.take("a", one), pool.take("b", two), pool.take("c", one), pool.take("d", two)]
    pool.give_back("b")

    assert taken == ["10.50.0.2", "10.50.0.17", "10.50.0.3", "10.50.0.18"]
    assert pool.take("e", two) == "10.50.0.19"


class PoolMachine(RuleBasedStateMachine):
    """No address has two owners, none is outside the part of the range that is ours."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = AddressPool(RANGE, ENGINE)
        self.held: dict[str, str] = {}

    @rule(owner=st.sampled_from("abcdefghi"))
    def take(self, owner: str) -> None:
        if owner not in self.held and len(self.held) == 6:
            with pytest.raises(NoAddressLeft):
                self.pool.take(owner)
        else:
            ip = self.pool.take(owner)
            assert self.held.setdefault(owner, ip) == ip

    @rule(owner=st.sampled_from("abcdefghi"))
    def give_back(self, owner: str) -> None:
        self.pool.give_back(owner)
        self.held.pop(owner, None)

    @invariant()
    def owners_differ_in_address(self) -> None:
        assert len(set(self.held.values())) == len(self.held)
        assert self.pool.owners() == set(self.held)
        for ip in self.held.values():
            assert IPv4Address("10.50.0.2") <= IPv4Address(ip) < IPv4Address("10.50.0.8")


TestPoolMachine = PoolMachine.TestCase
