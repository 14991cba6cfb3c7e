"""The proxy between real clients and real aiohttp servers, on loopback."""

import asyncio
import hashlib
import io
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp import web

from minikube_py.network.endpoints import Endpoint
from minikube_py.network.http.backends import Backends
from minikube_py.network.http.forward import Refusal
from minikube_py.network.http.front import HttpFront
from minikube_py.network.http.head import RequestHead
from minikube_py.network.sockets import bound_socket

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MEGABYTES = 24


async def echo(request: web.Request) -> web.StreamResponse:
    """Says what arrived."""
    body = await request.read()
    seen = {
        "method": request.method,
        "path": request.raw_path,
        "headers": dict(request.headers),
        "size": len(body),
        "sha": hashlib.sha256(body).hexdigest(),
    }
    return web.json_response(seen, headers={"X-Pod": request.app[NAME]})


async def stream(request: web.Request) -> web.StreamResponse:
    """Twenty-four megabytes, chunked."""
    response = web.StreamResponse()
    if request.version >= aiohttp.HttpVersion11:
        response.enable_chunked_encoding()
    await response.prepare(request)
    for _ in range(MEGABYTES):
        await response.write(b"x" * 2**20)
        request.app[SENT].append(2**20)
    await response.write_eof()
    return response


async def websocket(request: web.Request) -> web.StreamResponse:
    socket_ = web.WebSocketResponse()
    await socket_.prepare(request)
    async for message in socket_:
        await socket_.send_str(f"{request.app[NAME]} {message.data}")
    return socket_


async def wait(request: web.Request) -> web.StreamResponse:
    """Answers when told."""
    request.app[WAITING].set()
    try:
        await request.app[GO].wait()
    except asyncio.CancelledError:
        request.app[CANCELLED].set()
        raise
    return web.Response(text=request.app[NAME])


async def refuse_body(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=413, text="too much")


NAME = web.AppKey("name", str)
SENT = web.AppKey("sent", list[int])
WAITING = web.AppKey("waiting", asyncio.Event)
CANCELLED = web.AppKey("cancelled", asyncio.Event)
GO = web.AppKey("go", asyncio.Event)


class Pod:
    """An aiohttp server as a pod."""

    def __init__(self, name: str) -> None:
        self.app = web.Application(client_max_size=2**30)
        self.app[NAME] = name
        self.app[SENT] = []
        self.app[WAITING] = asyncio.Event()
        self.app[GO] = asyncio.Event()
        self.app[CANCELLED] = asyncio.Event()
        self.app.router.add_route("*", "/stream", stream)
        self.app.router.add_get("/ws", websocket)
        self.app.router.add_route("*", "/wait", wait)
        self.app.router.add_route("*", "/refuse", refuse_body)
        self.app.router.add_route("*", "/{tail:.*}", echo)
        self.runner = web.AppRunner(self.app, shutdown_timeout=1, handler_cancellation=True)
        self.endpoint = Endpoint("127.0.0.1", 0)

    async def start(self) -> None:
        await self.runner.setup()
        listener = bound_socket("127.0.0.1", 0, socket.SOCK_STREAM)
        self.endpoint = Endpoint("127.0.0.1", listener.getsockname()[1])
        await web.SockSite(self.runner, listener).start()

    async def stop(self) -> None:
        await self.runner.cleanup()


class Proxy:
    """One proxied Service; `backends` is what a test changes."""

    def __init__(self) -> None:
        self.backends = Backends()
        self.front = HttpFront(self.route)
        self.port = 0
        self.stack = AsyncExitStack()
        self.refusal: Refusal | None = None

    def route(self, _head: RequestHead) -> Backends | Refusal:
        return self.refusal or self.backends

    async def start(self) -> None:
        listener = bound_socket("127.0.0.1", 0, socket.SOCK_STREAM)
        self.port = listener.getsockname()[1]
        await self.front.listen(listener)
        self.session = await self.stack.enter_async_context(aiohttp.ClientSession())

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def pod(self, name: str) -> Pod:
        pod = Pod(name)
        await pod.start()
        self.stack.push_async_callback(pod.stop)
        self.backends.update([*self.backends.endpoints(), pod.endpoint])
        return pod

    async def misbehaved(self, *lives: "Life") -> "Misbehaved":
        pod = Misbehaved(*lives)
        self.backends.update([await pod.start()])
        self.stack.callback(pod.server.close)
        return pod

    async def pods_behind(self, count: int) -> list[str]:
        """Who answered each request."""
        names = []
        for _ in range(count):
            async with self.session.get(self.url()) as answer:
                names.append(answer.headers["X-Pod"])
        return names

    async def raw(self, sent: bytes) -> bytes:
        """All that comes back until the proxy closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        try:
            async with asyncio.timeout(5):
                return await reader.read()
        finally:
            writer.close()

    async def stop(self) -> None:
        await self.front.close(grace_seconds=1)
        await self.stack.aclose()


Life = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Misbehaved:
    """A pod whose every connection gets the next of some scripted lives."""

    def __init__(self, *lives: "Life") -> None:
        self.lives = list(lives)
        self.connections = 0

    async def start(self) -> Endpoint:
        self.server = await asyncio.start_server(self._live, "127.0.0.1", 0)
        return Endpoint("127.0.0.1", self.server.sockets[0].getsockname()[1])

    async def _live(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        life = self.lives[min(self.connections, len(self.lives) - 1)]
        self.connections += 1
        try:
            await life(reader, writer)
        finally:
            writer.close()


async def one_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Keeps the connection, but only until the next request comes."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    await reader.readuntil(b"\r\n\r\n")


async def no_answer(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def half_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    made = Proxy()
    await made.start()
    yield made
    await made.stop()


async def test_a_pod_sees_the_request_and_who_asked(proxy: Proxy) -> None:
    await proxy.pod("a")

    async with proxy.session.post(proxy.url("/x?y=%20z"), data=b"hello") as answer:
        seen = await answer.json()

    assert answer.headers["X-Pod"] == "a"
    assert (seen["method"], seen["path"], seen["size"]) == ("POST", "/x?y=%20z", 5)
    assert seen["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert seen["headers"]["X-Forwarded-Proto"] == "http"
    assert seen["headers"]["X-Forwarded-Host"] == f"127.0.0.1:{proxy.port}"
    assert seen["headers"]["Host"] == f"127.0.0.1:{proxy.port}"


async def test_large_bodies_stream_both_ways(proxy: Proxy) -> None:
    await proxy.pod("a")
    data = bytes(range(256)) * 4096 * 8

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 100_000):
            yield data[start : start + 100_000]

    async with proxy.session.post(proxy.url(), data=chunks()) as answer:
        chunked = await answer.json()
    async with proxy.session.put(proxy.url(), data=io.BytesIO(data)) as answer:
        sized = await answer.json()
    async with proxy.session.get(proxy.url("/stream")) as answer:
        received = len(await answer.read())

    assert chunked["sha"] == sized["sha"] == hashlib.sha256(data).hexdigest()
    assert chunked["headers"]["Transfer-Encoding"] == "chunked"
    assert received == MEGABYTES * 2**20


async def test_a_slow_client_holds_the_pod_back_instead_of_filling_memory(proxy: Proxy) -> None:
    pod = await proxy.pod("a")
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=4096)
    writer.write(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    sent = -1
    while sent != len(pod.app[SENT]):
        sent = len(pod.app[SENT])
        await asyncio.sleep(0.1)

    assert sent < MEGABYTES - 4  # what is under way sits in sockets' buffers, not here
    writer.close()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_connections_are_kept_on_both_sides(proxy: Proxy, method: str) -> None:
    pod = await proxy.pod("a")
    for _ in range(5):
        async with proxy.session.request(method, proxy.url()) as answer:
            assert answer.status == 200
            await answer.read()

    assert pod.runner.server is not None
    assert len(pod.runner.server.connections) == 1


async def test_requests_go_to_the_pod_with_the_fewest_in_flight(proxy: Proxy) -> None:
    busy = await proxy.pod("busy")
    held = [asyncio.ensure_future(proxy.session.get(proxy.url("/wait"))) for _ in range(3)]
    await busy.app[WAITING].wait()
    await proxy.pod("free")

    assert set(await proxy.pods_behind(6)) == {"free"}
    busy.app[GO].set()
    for one in held:
        (await one).close()
    assert set(await proxy.pods_behind(6)) == {"free", "busy"}


async def test_affinity_keeps_a_client_at_one_pod(proxy: Proxy) -> None:
    pods = [await proxy.pod(name) for name in "abc"]
    proxy.backends.update([pod.endpoint for pod in pods], 60)

    names = await proxy.pods_behind(6)

    assert len(set(names)) == 1


async def test_a_pod_that_refuses_connections_is_passed_over(proxy: Proxy) -> None:
    gone = await proxy.pod("gone")
    await proxy.pod("here")
    await gone.stop()

    async with proxy.session.post(proxy.url(), data=b"never sent twice") as answer:
        assert (await answer.json())["size"] == 16
    assert set(await proxy.pods_behind(6)) == {"here"}


async def test_when_no_pod_can_be_reached_the_answer_names_them(proxy: Proxy) -> None:
    gone = await proxy.pod("gone")
    await gone.stop()

    async with proxy.session.get(proxy.url()) as answer:
        assert answer.status == 502
        assert f"tried 127.0.0.1:{gone.endpoint.port}" in await answer.text()


async def test_a_service_without_pods_says_so_and_recovers(proxy: Proxy) -> None:
    async with proxy.session.get(proxy.url()) as answer:
        assert answer.status == 503
        assert "no pod of this Service is ready" in await answer.text()

    await proxy.pod("a")

    assert await proxy.pods_behind(2) == ["a", "a"]


async def test_a_kept_connection_that_was_closed_is_no_reason_to_fail(proxy: Proxy) -> None:
    pod = await proxy.misbehaved(one_answer)

    answers = [await proxy.raw(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")]
    answers += [await proxy.raw(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")]

    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"] * 2
    assert pod.connections == 2


async def test_a_request_that_may_have_done_its_work_is_not_sent_twice(proxy: Proxy) -> None:
    pod = await proxy.misbehaved(no_answer)

    answer = await proxy.raw(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 502")
    assert pod.connections == 1


async def test_an_answer_cut_short_is_cut_short_for_the_client_too(proxy: Proxy) -> None:
    await proxy.misbehaved(half_answer)

    with pytest.raises(aiohttp.ClientPayloadError):
        async with proxy.session.get(proxy.url()) as answer:
            await answer.read()


async def test_an_answer_without_a_length_ends_with_the_connection(proxy: Proxy) -> None:
    async def until_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall there is")

    await proxy.misbehaved(until_close)

    answer = await proxy.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert answer == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is"


async def test_websockets_pass_both_ways(proxy: Proxy) -> None:
    await proxy.pod("a")

    async with proxy.session.ws_connect(proxy.url("/ws")) as socket_:
        for text in ("one", "two", "x" * 200_000):
            await socket_.send_str(text)
            assert await socket_.receive_str(timeout=5) == f"a {text}"


async def test_a_client_may_wait_for_leave_to_send(proxy: Proxy) -> None:
    await proxy.pod("a")
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")

    async with asyncio.timeout(5):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"body")
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
    writer.close()


async def test_an_answer_before_the_end_of_the_request_reaches_the_client(proxy: Proxy) -> None:
    await proxy.pod("a")

    sent = b"POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 100_000
    answer = await proxy.raw(sent)

    assert answer.startswith(b"HTTP/1.1 413")
    assert answer.endswith(b"too much")


async def test_requests_sent_ahead_are_answered_in_order(proxy: Proxy) -> None:
    await proxy.pod("a")
    ahead = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(40))

    answer = await proxy.raw(ahead + b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    paths = [json.loads(part)["path"] for part in _bodies(answer)]
    assert paths == [f"/{number}" for number in range(40)] + ["/last"]


async def test_a_request_may_arrive_byte_by_byte(proxy: Proxy) -> None:
    await proxy.pod("a")
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    for (
        byte
    ) in b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n":
        writer.write(bytes([byte]))
        await asyncio.sleep(0)

    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    writer.close()


async def test_an_old_client_gets_an_answer_it_understands(proxy: Proxy) -> None:
    await proxy.pod("a")

    answer = await proxy.raw(b"GET /stream HTTP/1.0\r\nHost: a\r\n\r\n")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert len(body) == MEGABYTES * 2**20


async def test_a_client_that_ends_its_half_still_gets_its_answer(proxy: Proxy) -> None:
    await proxy.pod("a")
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    writer.write_eof()

    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"nonsense\r\n\r\n", 400, id="nonsense"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
            400,
            id="smuggling",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n",
            400,
            id="a bad chunk",
        ),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, 431, id="an endless head"),
    ],
)
async def test_malformed_requests_are_answered_and_closed(
    proxy: Proxy, sent: bytes, status: int
) -> None:
    await proxy.pod("a")

    answer = await proxy.raw(sent)

    assert answer.startswith(b"HTTP/1.1 %d" % status)
    assert answer.count(b"HTTP/1.1") == 1


async def test_refusals_keep_the_connection_where_they_can(proxy: Proxy) -> None:
    proxy.refusal = Refusal(404, "nothing here")

    answer = await proxy.raw(
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )

    assert answer.count(b"HTTP/1.1 404 Not Found") == 2
    assert answer.count(b"nothing here") == 1


async def test_a_rollout_under_load_fails_no_request(proxy: Proxy) -> None:
    pods = [await proxy.pod(f"old{number}") for number in range(2)]
    statuses: list[int] = []
    done = asyncio.Event()

    async def keep_asking() -> None:
        while not done.is_set():
            async with proxy.session.put(proxy.url(), data=b"work") as answer:
                await answer.read()
                statuses.append(answer.status)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(keep_asking())
        for number in range(6):
            new = Pod(f"new{number}")
            await new.start()
            proxy.stack.push_async_callback(new.stop)
            leaving, pods = pods[0], [pods[1], new]
            proxy.backends.update([pod.endpoint for pod in pods])
            await leaving.stop()
        done.set()

    assert len(statuses) > 20
    assert set(statuses) == {200}


async def test_requests_in_flight_at_a_pod_that_leaves_are_finished(proxy: Proxy) -> None:
    pod = await proxy.pod("leaving")
    asked = asyncio.ensure_future(proxy.session.get(proxy.url("/wait")))
    await pod.app[WAITING].wait()
    proxy.backends.update([])

    pod.app[GO].set()

    async with await asked as answer:
        assert await answer.text() == "leaving"


async def test_closing_finishes_what_is_in_flight_and_takes_no_more(proxy: Proxy) -> None:
    pod = await proxy.pod("a")
    asked = asyncio.ensure_future(proxy.session.get(proxy.url("/wait")))
    await pod.app[WAITING].wait()
    closing = asyncio.ensure_future(proxy.front.close(grace_seconds=5))
    await asyncio.sleep(0)

    with pytest.raises(aiohttp.ClientConnectionError):
        await proxy.session.get(proxy.url())
    pod.app[GO].set()
    async with await asked as answer:
        assert answer.headers["Connection"] == "close"
        assert await answer.text() == "a"
    await closing


async def test_a_client_that_goes_away_frees_its_pod(proxy: Proxy) -> None:
    pod = await proxy.pod("a")
    client = socket.create_connection(("127.0.0.1", proxy.port))
    client.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    await pod.app[WAITING].wait()
    (backend,) = proxy.backends._members
    assert backend.in_flight == 1

    reset_when_closed = struct.pack("ii", 1, 0)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_when_closed)
    client.close()

    assert await pod.app[CANCELLED].wait()
    assert backend.in_flight == 0


def _bodies(answer: bytes) -> list[bytes]:
    """The bodies of answers that follow each other, by their lengths."""
    bodies = []
    while answer:
        head, _, answer = answer.partition(b"\r\n\r\n")
        (length,) = [
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        bodies.append(answer[:length])
        answer = answer[length:]
    return bodies
