from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.network.ranges import Ranges, RangeTaken, node_ranges, pick_ranges

DEFAULT_ROUTE = IPv4Network("0.0.0.0/0")


def test_a_free_host_gets_the_customary_ranges() -> None:
    assert pick_ranges([DEFAULT_ROUTE, IPv4Network("172.17.0.0/16")]) == Ranges(
        pod="10.244.0.0/16",
        gateway="10.244.0.1",
        engine="10.244.255.0/24",
        service="10.96.0.0/16",
        dns="10.96.0.10",
    )


def test_taken_ranges_are_passed_over() -> None:
    used = [IPv4Network("10.244.7.0/24"), IPv4Network("10.96.0.0/15")]

    ranges = pick_ranges(used)

    assert (ranges.pod, ranges.service) == ("10.245.0.0/16", "10.98.0.0/16")


def test_a_host_that_routes_all_of_10_gets_a_range_elsewhere() -> None:
    ranges = pick_ranges([IPv4Network("10.0.0.0/8")])

    assert (ranges.pod, ranges.service) == ("172.16.0.0/16", "172.17.0.0/16")


def test_a_wish_that_overlaps_names_what_is_in_the_way() -> None:
    with pytest.raises(RangeTaken, match=r"--pod-cidr 10.1.0.0/16 overlaps 10.1.2.0/24"):
        pick_ranges([IPv4Network("10.1.2.0/24")], pod="10.1.0.0/16")


@pytest.mark.parametrize("text", ["10.1.0.0/25", "10.1.0.7/16", "nonsense"])
def test_a_wish_that_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(RangeTaken, match="--service-cidr"):
        pick_ranges([], service=text)


def test_pod_and_service_wishes_may_not_overlap_each_other() -> None:
    with pytest.raises(RangeTaken, match="--service-cidr"):
        pick_ranges([], pod="10.1.0.0/16", service="10.1.128.0/17")


@given(
    st.lists(
        st.builds(
            lambda number, prefix: IPv4Network((number, prefix), strict=False),
            st.integers(0, 2**32 - 1),
            st.integers(8, 32),
        ),
        max_size=40,
    )
)
def test_what_is_picked_never_overlaps_what_is_used(used: list[IPv4Network]) -> None:
    try:
        ranges = pick_ranges(used)
    except RangeTaken:
        return
    picked = [IPv4Network(ranges.pod), IPv4Network(ranges.service)]

    assert not picked[0].overlaps(picked[1])
    assert not any(network.overlaps(range_) for network in used for range_ in picked)


def test_each_node_has_a_range_of_its_own_whatever_the_number_of_nodes() -> None:
    pod = IPv4Network("10.244.0.0/16")

    three = node_ranges(pod, 3)

    assert [str(part) for part in three] == ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"]
    assert node_ranges(pod, 2) == three[:2]
    assert IPv4Network("10.244.255.0/24") not in node_ranges(pod, 255)


def test_a_small_range_is_one_nodes_alone() -> None:
    small = IPv4Network("10.9.0.0/23")

    assert node_ranges(small, 1) == [small]
    with pytest.raises(RangeTaken, match=r"--pod-cidr of /20 or larger"):
        node_ranges(small, 2)


def test_more_nodes_than_a_range_has_room_for_are_refused() -> None:
    with pytest.raises(RangeTaken, match="has room for 15"):
        node_ranges(IPv4Network("10.9.0.0/20"), 16)
