import asyncio
from functools import partial

from minikube_py.apiserver.partings import AT_ONCE, Partings


class Connection(asyncio.Transport):
    """The part of a transport that knows its protocol."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._protocol: asyncio.BaseProtocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol


class Peer(asyncio.Protocol):
    def __init__(self) -> None:
        self.told: list[object] = []

    def data_received(self, data: bytes) -> None:
        self.told.append(data)

    def eof_received(self) -> bool:
        self.told.append("eof")
        return True

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(exc)


async def test_connections_lost_together_are_seen_to_a_few_in_each_turn() -> None:
    partings, seen = Partings(), list[int]()

    for number in range(2 * AT_ONCE + 1):
        partings.add(partial(seen.append, number))

    counts = []
    for _ in range(4):
        await asyncio.sleep(0)
        counts.append(len(seen))
    assert counts == [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1, 2 * AT_ONCE + 1]
    assert seen == sorted(seen)


async def test_one_that_is_lost_after_all_others_were_seen_to_is_seen_to_as_well() -> None:
    partings, seen = Partings(), list[int]()
    partings.add(partial(seen.append, 1))
    await asyncio.sleep(0)

    partings.add(partial(seen.append, 2))
    await asyncio.sleep(0)

    assert seen == [1, 2]


async def test_a_protocol_hears_all_at_once_but_its_end() -> None:
    peer, partings, broken = Peer(), Partings(), OSError("broken")
    connection = Connection(peer)
    partings.spread(connection)
    partings.spread(connection)  # as the second watch on a kept connection does
    protocol = connection.get_protocol()
    assert isinstance(protocol, asyncio.Protocol)

    protocol.data_received(b"more")
    protocol.pause_writing()
    protocol.resume_writing()
    assert protocol.eof_received()
    protocol.connection_lost(broken)
    before = list(peer.told)
    await asyncio.sleep(0)

    assert before == [b"more", "pause", "resume", "eof"]
    assert peer.told == [*before, broken]
