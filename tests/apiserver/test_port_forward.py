"""One forwarded connection, whose two ends need not end together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from minikube_py.apiserver.streams.port_forward import Forwarded
from minikube_py.meta.errors import BadRequest

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Client:
    """What the client's end was told."""

    def __init__(self) -> None:
        self.received = b""
        self.failure = ""
        self.finished = False

    async def send(self, data: bytes) -> None:
        self.received += data

    async def fail(self, message: str) -> None:
        self.failure = message

    async def finish(self) -> None:
        self.finished = True

    def forwarded(self) -> Forwarded:
        return Forwarded(80, self.send, self.fail, self.finish)


@asynccontextmanager
async def pod(
    serve: Serve,
) -> AsyncIterator[Callable[[int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]

    async def dial(_port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(host, port)

    async with server:
        yield dial


async def test_a_client_that_goes_on_sending_to_a_closed_pod_is_never_held_up() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    client = Client()
    forwarded = client.forwarded()
    async with pod(hang_up) as dial:
        running = asyncio.ensure_future(forwarded.run(dial))
        async with asyncio.timeout(5):
            for _ in range(500):
                await forwarded.put(b"x" * 65536)
            await running

    assert client.finished


async def test_the_pods_answer_comes_after_the_clients_end() -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(str(len(await reader.read())).encode())
        await writer.drain()
        writer.close()

    client = Client()
    forwarded = client.forwarded()
    async with pod(count) as dial:
        running = asyncio.ensure_future(forwarded.run(dial))
        async with asyncio.timeout(5):
            for _ in range(200):
                await forwarded.put(b"x" * 10_000)
            await forwarded.put(b"")
            await running

    assert client.received == b"2000000"


async def test_a_pod_that_cannot_be_reached_is_told_of() -> None:
    async def dial(_port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        raise BadRequest("nobody listens")

    client = Client()
    await client.forwarded().run(dial)

    assert client.failure == "error forwarding port 80 to the pod: nobody listens"
