"""Which pod has which address. Pure bookkeeping; the kernel's links are the record that lasts.

Addresses are handed out in a circle: one that was given back is the last to be given again, so a
client that still holds a dead pod's address does not reach a stranger.
"""

from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv4Network


class NoAddressLeft(RuntimeError):
    """The pod range is full."""


class AddressPool:
    """Addresses of `pod_range` without its first two (network, gateway), its last, `engine_range`
    and `reserved`.
    """

    def __init__(
        self,
        pod_range: IPv4Network,
        engine_range: IPv4Network | None = None,
        reserved: Collection[str] = (),
    ) -> None:
        self._first = int(pod_range.network_address) + 2
        self._last = int(pod_range.broadcast_address) - 1
        self._range = pod_range
        self._engine = engine_range
        self._reserved = frozenset(int(IPv4Address(each)) for each in reserved)
        self._cursors: dict[IPv4Network, int] = {}
        self._restored = self._first
        self._owner: dict[int, str] = {}
        self._address: dict[str, int] = {}

    def get(self, owner: str) -> str | None:
        number = self._address.get(owner)
        return None if number is None else str(IPv4Address(number))

    def take(self, owner: str, part: IPv4Network | None = None) -> str:
        """The owner's address, a new one out of `part` (default: the whole range) if it has none;
        raises NoAddressLeft.
        """
        if (known := self.get(owner)) is not None:
            return known
        part = part or self._range
        for number in self._circle(part):
            if number not in self._owner and not self._is_taken(number):
                self._assign(owner, number)
                self._cursors[part] = number + 1
                return str(IPv4Address(number))
        raise NoAddressLeft(
            f"all addresses of the pod range {part} are in use; delete pods, "
            "or make a cluster with a larger --pod-cidr"
        )

    def restore(self, owner: str, ip: str) -> None:
        """Books an address found on the host; the next new one comes after it."""
        self.give_back(owner)
        number = int(IPv4Address(ip))
        self._assign(owner, number)
        self._restored = number + 1
        self._cursors.clear()

    def give_back(self, owner: str) -> None:
        number = self._address.pop(owner, None)
        if number is not None:
            del self._owner[number]

    def owners(self) -> set[str]:
        return set(self._address)

    def _assign(self, owner: str, number: int) -> None:
        self._owner[number] = owner
        self._address[owner] = number

    def _circle(self, part: IPv4Network) -> Iterator[int]:
        first = max(self._first, int(part.network_address) + 1)
        last = min(self._last, int(part.broadcast_address) - 1)
        cursor = self._cursors.get(part, self._restored)
        start = cursor if first <= cursor <= last else first
        yield from range(start, last + 1)
        yield from range(first, start)

    def _is_taken(self, number: int) -> bool:
        if number in self._reserved:
            return True
        return self._engine is not None and IPv4Address(number) in self._engine
