"""Decides which address ranges a cluster takes: the customary ones, or the next that nothing on
the host uses.

Pure; `host` says what is used, the daemon keeps the choice. A range that overlaps a route of the
host would cut the host off from what is behind that route, so it is never taken.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import islice

DEFAULT_POD_RANGE = IPv4Network("10.244.0.0/16")
DEFAULT_SERVICE_RANGE = IPv4Network("10.96.0.0/16")
_DNS_OFFSET = 10
_LARGEST_SHARED_PREFIX = 20
_LARGEST_PREFIX = 24  # the engine's own part of the pod range is a /24 or half of a smaller range


class RangeTaken(ValueError):
    """A range that was asked for, or every one that could be chosen, is in use."""


@dataclass(frozen=True)
class Ranges:
    """A cluster's address plan; every member is text as the API shows it."""

    pod: str
    gateway: str
    engine: str
    """The part of the pod range Docker may give to containers that are not pods."""
    service: str
    dns: str


def pick_ranges(
    used: Iterable[IPv4Network],
    *,
    pod: str | None = None,
    service: str | None = None,
) -> Ranges:
    """The plan of a new cluster; `pod` and `service` are the user's wish.

    Raises RangeTaken, which says what is in the way.
    """
    taken = [network for network in used if network.prefixlen > 0]
    pod_range = _wished(pod, taken, "--pod-cidr") or _first_free(DEFAULT_POD_RANGE, taken)
    taken.append(pod_range)
    service_range = _wished(service, taken, "--service-cidr") or _first_free(
        DEFAULT_SERVICE_RANGE, taken
    )
    return plan_of(pod_range, service_range)


def plan_of(pod: IPv4Network, service: IPv4Network) -> Ranges:
    """The addresses that follow from the two ranges."""
    return Ranges(
        pod=str(pod),
        gateway=str(pod.network_address + 1),
        engine=str(engine_part(pod)),
        service=str(service),
        dns=str(service.network_address + _DNS_OFFSET),
    )


def engine_part(pod: IPv4Network) -> IPv4Network:
    """The last /24 of the pod range, or the upper half of a range that small."""
    prefix = max(_LARGEST_PREFIX, pod.prefixlen + 1)
    last = int(pod.broadcast_address) - 2 ** (32 - prefix) + 1
    return IPv4Network((last, prefix))


def node_ranges(pod: IPv4Network, nodes: int) -> list[IPv4Network]:
    """A range for each node: a /24 of its own, however many there are, so that a node keeps it when
    others come and go. In a pod range too small for that one node has all of it; raises RangeTaken
    for more.
    """
    if pod.prefixlen > _LARGEST_SHARED_PREFIX:
        if nodes == 1:
            return [pod]
        raise RangeTaken(
            f"--nodes {nodes} needs a range of addresses for each node, but the pod range {pod} is "
            f"too small: make a cluster with a --pod-cidr of /{_LARGEST_SHARED_PREFIX} or larger"
        )
    room = 2 ** (_LARGEST_PREFIX - pod.prefixlen) - 1  # the last /24 is the engine's
    if nodes > room:
        raise RangeTaken(
            f"--nodes {nodes}: the pod range {pod} has room for {room}; make a cluster with a "
            "larger --pod-cidr"
        )
    return list(islice(pod.subnets(new_prefix=_LARGEST_PREFIX), nodes))


def node_address(part: IPv4Network) -> str:
    """Where a node answers that shares its host with others: the first address of its range. In the
    first node's range that is the gateway, and the node answers at what the host is known by.
    """
    return str(part.network_address + 1)


def _wished(text: str | None, taken: list[IPv4Network], option: str) -> IPv4Network | None:
    if text is None:
        return None
    try:
        wished = IPv4Network(text)
    except ValueError as error:
        raise RangeTaken(f"{option} {text}: {error}; give a range such as 10.200.0.0/16") from error
    if wished.prefixlen > _LARGEST_PREFIX:
        raise RangeTaken(f"{option} {text} is too small; a /{_LARGEST_PREFIX} is the least")
    for network in taken:
        if network.overlaps(wished):
            raise RangeTaken(
                f"{option} {text} overlaps {network}, which this host already uses; "
                f"choose another, or leave {option} out and a free one is found"
            )
    return wished


def _first_free(default: IPv4Network, taken: list[IPv4Network]) -> IPv4Network:
    for candidate in _candidates(default):
        if not any(network.overlaps(candidate) for network in taken):
            return candidate
    raise RangeTaken(
        "every private /16 is routed on this host; name free ones with --pod-cidr and "
        "--service-cidr, for example 198.18.0.0/16 and 198.19.0.0/16"
    )


def _candidates(default: IPv4Network) -> Iterator[IPv4Network]:
    """`default`, the /16s after it in 10/8, then around; then 172.16/12 and 100.64/10."""
    own_block = IPv4Network("10.0.0.0/8")
    first = default.network_address.packed[1]
    for step in range(256):
        second = (first + step) % 256
        yield IPv4Network((IPv4Address(int(own_block.network_address) + (second << 16)), 16))
    for block in (IPv4Network("172.16.0.0/12"), IPv4Network("100.64.0.0/10")):
        yield from block.subnets(new_prefix=16)
