"""Requests through the API server to a pod, a Service and a node."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer

from minikube_py.apiserver.node_side import NodeSide
from minikube_py.kinds.catalog import ENDPOINT_SLICE, POD, SERVICE
from minikube_py.meta.errors import ServiceUnavailable
from minikube_py.meta.objects import Object
from tests.apiserver.serving import Certificates, Cluster, serve

PODS = "/api/v1/namespaces/default/pods"
PROXY = f"{PODS}/web/proxy"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@dataclass
class Backend:
    """What the pod `web` runs; remembers what it was asked."""

    asked: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.bodies.append(await request.read())
        match request.path.rsplit("/", 1)[-1]:
            case "page":
                page = gzip.compress(b'<a href="/next">\xff</a>')
                return web.Response(
                    body=page, headers={"Content-Type": "text/html", "Content-Encoding": "gzip"}
                )
            case "moved":
                return web.Response(status=302, headers={"Location": "/new/place"})
            case "stream":
                return await self._stream(request)
            case "broken":
                response = web.StreamResponse(headers={"Content-Length": "100"})
                await response.prepare(request)
                assert request.transport is not None
                request.transport.close()
                return response
            case "echo":
                return await self._echo(request)
        return web.Response(status=209, text=f"{request.method} {request.path_qs}")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"tick\n")
                await asyncio.sleep(0.01)
        except (ConnectionError, asyncio.CancelledError):
            self.left.set()
            raise

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=["chat"])
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"heard {message.data}")
        self.left.set()
        return socket


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
async def cluster(
    tmp_path: Path, certificates: Certificates, backend: Backend
) -> AsyncIterator[Cluster]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", backend.answer)
    async with TestServer(app, host="127.0.0.1", handler_cancellation=True) as server:
        reached: list[tuple[str, int]] = []

        def reach(host: str, port: int) -> tuple[str, int]:
            reached.append((host, port))
            if port == 81:
                raise ServiceUnavailable("error trying to reach service: on paper only")
            return "127.0.0.1", 1 if port == 82 else int(server.port or 0)

        async with serve(tmp_path, certificates, node=NodeSide(reach=reach)) as cluster:
            await _fill(cluster)
            yield cluster


async def _fill(cluster: Cluster) -> None:
    resources = cluster.resources

    def running(obj: Object) -> None:
        obj["status"] = {"phase": "Running", "podIP": "10.0.0.9"}

    spec = {"containers": [{"name": "c", "image": "i"}]}
    await resources.create(POD, "default", {"metadata": {"name": "web"}, "spec": spec})
    await resources.update_status(POD, "default", "web", running)
    service = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    await resources.create(SERVICE, "default", service)
    slice_ = {
        "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.9"], "conditions": {"ready": True}}],
        "ports": [{"port": 8080}],
    }
    await resources.create(ENDPOINT_SLICE, "default", slice_)


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_reaches_the_pod_as_it_was_sent(
    cluster: Cluster, backend: Backend, method: str
) -> None:
    answer = await cluster.http.request(method, f"{PROXY}/a%2Fb/c?d=e%20f", data=b"body")

    assert answer.status == 209
    if method != "HEAD":
        assert await answer.text() == f"{method} /a%2Fb/c?d=e%20f"
    assert backend.bodies == [b"body"]
    sent = backend.asked[0].headers
    assert sent["X-Forwarded-Uri"] == f"{PROXY}/a%2Fb/c"
    assert sent["X-Forwarded-For"] == "127.0.0.1"


async def test_a_service_is_asked_at_a_ready_endpoint(cluster: Cluster) -> None:
    services = "/api/v1/namespaces/default/services"
    answer = await cluster.http.get(f"{services}/web/proxy/x")
    unknown = await cluster.http.get(f"{services}/none/proxy/x")

    assert await answer.text() == "GET /x"
    assert unknown.status == 404


async def test_without_a_path_the_client_is_sent_to_the_root(cluster: Cluster) -> None:
    answer = await cluster.http.get(f"{PROXY}?a=b", allow_redirects=False)
    posted = await cluster.http.post(PROXY, data=b"x")

    assert (answer.status, answer.headers["Location"]) == (301, f"{PROXY}/?a=b")
    assert await posted.text() == "POST /"


async def test_redirects_and_pages_lead_back_through_the_proxy(cluster: Cluster) -> None:
    moved = await cluster.http.get(f"{PROXY}/moved", allow_redirects=False)
    page = await cluster.http.get(f"{PROXY}/page")

    assert moved.headers["Location"] == f"{PROXY}/new/place"
    assert await page.read() == b'<a href="%s/next">\xff</a>' % PROXY.encode()


async def test_a_stream_ends_at_the_pod_when_its_reader_leaves(
    cluster: Cluster, backend: Backend
) -> None:
    answer = await cluster.http.get(f"{PROXY}/stream")
    first = await answer.content.readline()
    answer.close()

    assert first == b"tick\n"
    async with asyncio.timeout(5):
        await backend.left.wait()


async def test_an_answer_that_breaks_off_does_not_look_whole(cluster: Cluster) -> None:
    async def read_all() -> bytes:
        answer = await cluster.http.get(f"{PROXY}/broken")
        return await answer.read()

    with pytest.raises(aiohttp.ClientError):
        await read_all()


async def test_websockets_go_through(cluster: Cluster, backend: Backend) -> None:
    async with cluster.http.ws_connect(f"{PROXY}/echo", protocols=["chat"]) as socket:
        await socket.send_str("hello")
        heard = await socket.receive_str(timeout=5)
        protocol = socket.protocol

    assert (heard, protocol) == ("heard hello", "chat")
    async with asyncio.timeout(5):
        await backend.left.wait()


async def test_a_refused_websocket_shows_why(cluster: Cluster) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await cluster.http.ws_connect(f"{PROXY}/plain")

    assert caught.value.status == 209


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param(f"{PODS}/none/proxy/", 404, id="no-pod"),
        pytest.param(f"{PODS}/web:81/proxy/", 503, id="on-paper"),
        pytest.param(f"{PODS}/web:82/proxy/", 503, id="nobody-listens"),
        pytest.param(f"{PODS}/a:b:c/proxy/", 400, id="bad-name"),
        pytest.param("/api/v1/nodes/none/proxy/healthz", 404, id="no-node"),
        pytest.param("/api/v1//namespaces/default/pods/web/proxy/", 404, id="doubled-slash"),
        pytest.param(f"{PODS}/web%2Fproxy/x", 404, id="escaped-slash"),
    ],
)
async def test_what_cannot_be_reached_says_so(cluster: Cluster, path: str, code: int) -> None:
    answer = await cluster.http.get(path)

    assert answer.status == code
    assert (await answer.json())["kind"] == "Status"


async def test_who_may_not_is_refused(cluster: Cluster, backend: Backend) -> None:
    async with cluster.client("alice") as alice:
        answer = await alice.put(f"{PROXY}/x")

    assert answer.status == 403
    assert 'cannot update resource "pods/proxy"' in (await answer.json())["message"]
    assert backend.asked == []


@pytest.fixture
async def secure_cluster(
    tmp_path: Path, certificates: Certificates, backend: Backend
) -> AsyncIterator[Cluster]:
    """The pod speaks TLS, with a certificate that nobody here knows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("somebody.example.com").configure_cert(context)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", backend.answer)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(ssl=context)
    node = NodeSide(reach=lambda _host, _port: ("127.0.0.1", int(server.port or 0)))
    async with serve(tmp_path, certificates, node=node) as cluster:
        await _fill(cluster)
        yield cluster
    await server.close()


async def test_a_pod_may_be_asked_over_tls(secure_cluster: Cluster) -> None:
    path = f"{PODS}/https:web:443/proxy"
    answer = await secure_cluster.http.get(f"{path}/x")
    async with secure_cluster.http.ws_connect(f"{path}/echo") as socket:
        await socket.send_str("hello")
        heard = await socket.receive_str(timeout=5)

    assert await answer.text() == "GET /x"
    assert heard == "heard hello"
