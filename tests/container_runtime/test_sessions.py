"""Attaching ends with the process, whatever the engine does with the connection."""

import asyncio

import pytest

from minikube_py.container_runtime.sessions import UntilEnd

pytestmark = pytest.mark.looptime


class QuietConnection:
    """Says what it is given, then nothing, and never ends."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = list(chunks)
        self.is_closed = False

    async def read(self) -> bytes:
        if not self._chunks:
            await asyncio.Event().wait()
        return self._chunks.pop(0)

    async def write(self, data: bytes) -> None:
        self._chunks.append(data)

    def end_input(self) -> None:
        self._chunks.clear()

    async def close(self) -> None:
        self.is_closed = True


async def test_what_was_said_before_the_end_is_read_then_it_ends() -> None:
    async def ends_later() -> int:
        await asyncio.sleep(60)
        return 0

    connection = QuietConnection(b"last ", b"words")
    stream = UntilEnd(connection, ends_later)

    read = [await stream.read() for _ in range(3)]
    await stream.close()

    assert read == [b"last ", b"words", b""]
    assert connection.is_closed


async def test_closing_gives_up_waiting() -> None:
    async def never() -> int:
        await asyncio.Event().wait()
        return 0

    stream = UntilEnd(QuietConnection(), never)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await stream.read()

    async with asyncio.timeout(5):
        await stream.close()
