"""The allocator against a plain model: nothing is given twice, nothing leaks, whatever fails."""

import random

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from minikube_py.meta.errors import InternalError, Invalid
from minikube_py.meta.objects import Object
from minikube_py.resources.allocate import (
    Claims,
    ServiceAllocator,
    ServiceReservation,
    claims_of,
    keep_allocated,
)

NAMES = st.sampled_from("abcdef")
TYPES = st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"])
ADDRESSES = st.sampled_from(["", "", "None", "10.0.0.1", "10.0.0.2", "10.0.0.9", "10.9.9.9"])
PORTS = st.lists(st.sampled_from([0, 0, 30000, 30001, 30003, 80]), max_size=3)


def service(name: str, type_: str, address: str, ports: list[int]) -> Object:
    listed: list[Object] = [
        {
            "name": f"p{index}",
            "port": 80 + index,
            "protocol": "TCP",
            **({"nodePort": number} if number else {}),
        }
        for index, number in enumerate(ports)
    ]
    spec: Object = {"type": type_, "ports": listed}
    if address and type_ != "ExternalName":
        spec["clusterIP"] = address
    return {"metadata": {"name": name}, "spec": spec}


class AllocatorMachine(RuleBasedStateMachine):
    """Writes are settled late and in any order, as a group commit does."""

    def __init__(self) -> None:
        super().__init__()
        self.allocator = ServiceAllocator(
            "10.0.0.0/28", range(30000, 30005), source=random.Random(7)
        )
        self.stored: dict[str, Object] = {}
        self.pending: dict[str, tuple[Object | None, ServiceReservation]] = {}

    @rule(name=NAMES, type_=TYPES, address=ADDRESSES, ports=PORTS)
    def write(self, name: str, type_: str, address: str, ports: list[int]) -> None:
        if name in self.pending:
            return
        new, old = service(name, type_, address, ports), self.stored.get(name)
        if old is not None:
            keep_allocated(new, old)
        before = self.allocator.in_use
        try:
            reservation = self.allocator.reserve(new, old)
        except (Invalid, InternalError):
            assert self.allocator.in_use == before
            return
        self.pending[name] = (new, reservation)

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        if name in self.stored and name not in self.pending:
            self.pending[name] = (None, self.allocator.release(self.stored[name]))

    @rule(name=NAMES)
    def commit(self, name: str) -> None:
        if name in self.pending:
            new, reservation = self.pending.pop(name)
            reservation.commit()
            if new is None:
                del self.stored[name]
            else:
                self.stored[name] = new

    @rule(name=NAMES)
    def fail(self, name: str) -> None:
        if name in self.pending:
            self.pending.pop(name)[1].undo()

    @rule()
    def restart(self) -> None:
        """What is on its way is lost; the rest is found again."""
        self.pending.clear()
        self.allocator = ServiceAllocator(
            "10.0.0.0/28", range(30000, 30005), source=random.Random(7)
        )
        self.allocator.rebuild(self.stored.values())

    @invariant()
    def nothing_is_held_twice(self) -> None:
        held = [claims_of(obj) for obj in self.stored.values()]
        assert sum(len(each.addresses) for each in held) == len(_all(held).addresses)
        assert sum(len(each.ports) for each in held) == len(_all(held).ports)

    @invariant()
    def exactly_what_is_stored_or_on_its_way_is_in_use(self) -> None:
        coming = [claims_of(new) for new, _ in self.pending.values() if new is not None]
        held = [claims_of(obj) for obj in self.stored.values()]
        assert self.allocator.in_use == _all([*held, *coming])


def _all(claims: list[Claims]) -> Claims:
    total = Claims()
    for each in claims:
        total = total | each
    return total


AllocatorMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestServiceAllocator = AllocatorMachine.TestCase
