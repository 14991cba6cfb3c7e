"""The daemon's relays, on the event loop the daemon runs on as well as on asyncio's own."""

import asyncio
import socket
from collections.abc import Callable

import pytest
import uvloop

from minikube_py.network.endpoints import Endpoint
from minikube_py.network.http.backends import Backends
from minikube_py.network.service_proxy.userspace import TcpRelay

LOOPS = pytest.mark.parametrize(
    "new_loop",
    [
        pytest.param(uvloop.new_event_loop, id="uvloop"),
        pytest.param(asyncio.new_event_loop, id="asyncio"),
    ],
)


async def _relayed(sent: bytes) -> bytes:
    """What a pod that repeats everything until the end answers through the relay."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    pod = await asyncio.start_server(repeat, "127.0.0.1", 0)
    relay = TcpRelay(Backends([Endpoint("127.0.0.1", pod.sockets[0].getsockname()[1])]))
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    await relay.listen(listener)
    reader, writer = await asyncio.open_connection(*address)
    writer.write(sent)
    writer.write_eof()
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()
        await relay.close()
        pod.close()


async def _left_open(connections: int) -> int:
    """Ends of connections that the relay still holds when both sides have said all."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    pod = await asyncio.start_server(repeat, "127.0.0.1", 0)
    backends = Backends([Endpoint("127.0.0.1", pod.sockets[0].getsockname()[1])])
    relay = TcpRelay(backends)
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    await relay.listen(listener)
    for _ in range(connections):
        reader, writer = await asyncio.open_connection(*address)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    async with asyncio.timeout(5):
        while relay._ends:  # noqa: ASYNC110
            await asyncio.sleep(0)
    left = len(relay._ends)
    await relay.close()
    pod.close()
    return left


@LOOPS
def test_a_connection_that_both_sides_have_ended_is_given_back(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(_left_open(5)) == 0


@LOOPS
@pytest.mark.parametrize("sent", [b"", b"hello", b"x" * 3_000_000], ids=["none", "few", "many"])
def test_all_that_is_sent_before_the_pod_is_reached_arrives(
    new_loop: Callable[[], asyncio.AbstractEventLoop], sent: bytes
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(_relayed(sent)) == sent
