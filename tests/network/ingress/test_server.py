"""HTTP and HTTPS through the Ingress to real servers, on loopback."""

import asyncio
import base64
import dataclasses
import json
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from minikube_py.daemon.certificates import CertificateAuthority
from minikube_py.kinds.catalog import ENDPOINT_SLICE, EVENT, INGRESS, INGRESS_CLASS, SECRET, SERVICE
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.timestamps import system_clock
from minikube_py.network.ingress.server import IngressServer
from minikube_py.network.sockets import AddressTaken, bound_socket
from tests.control_loop.harness import ControlPlane
from tests.loopback import own_address

ADDRESS = own_address(1)
# The API refuses endpoints on loopback; a test has its pods nowhere else.
LOCAL_SLICE = dataclasses.replace(ENDPOINT_SLICE, validate_create=lambda _obj: ())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


async def answer(request: web.Request) -> web.StreamResponse:
    """Says who answers and what arrived; echoes over WebSocket."""
    name = request.app[NAME]
    if request.headers.get("Upgrade", "").lower() == "websocket":
        channel = web.WebSocketResponse()
        await channel.prepare(request)
        async for message in channel:
            await channel.send_str(f"{name} {message.data}")
        return channel
    seen = {"pod": name, "path": request.raw_path, "headers": dict(request.headers)}
    return web.json_response(seen, headers={"X-Pod": name})


NAME = web.AppKey("name", str)


class Edge:
    """An IngressServer with Services of the test's own behind it."""

    def __init__(
        self, plane: ControlPlane, folder: Path, stack: AsyncExitStack, ports: tuple[int, int]
    ) -> None:
        self.plane = plane
        self.stack = stack
        self.http, self.https = ports
        self.authority = CertificateAuthority.open(folder / "pki", name="t", clock=system_clock)
        self.other = CertificateAuthority.open(folder / "other", name="o", clock=system_clock)
        self.server = IngressServer(
            plane.informers,
            plane.resources,
            self.authority,
            plane.recorder,
            http_port=self.http,
            https_port=self.https,
            bind=ADDRESS,
        )
        self.runners: dict[str, web.AppRunner] = {}
        self.session: aiohttp.ClientSession

    async def start(self) -> None:
        metadata = {
            "name": "mk",
            "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"},
        }
        spec = {"controller": "mk.dev/ingress"}
        await self.plane.create(INGRESS_CLASS, {"metadata": metadata, "spec": spec})
        self.plane.start(self.server)
        await self.server.wait_listening()
        jar = aiohttp.DummyCookieJar()
        connector = aiohttp.TCPConnector(force_close=True)
        session = aiohttp.ClientSession(connector=connector, cookie_jar=jar)
        self.session = await self.stack.enter_async_context(session)

    async def pod(self, name: str) -> int:
        """A server's port."""
        app = web.Application()
        app[NAME] = name
        app.router.add_route("*", "/{tail:.*}", answer)
        runner = self.runners[name] = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        self.stack.push_async_callback(runner.cleanup)
        listener = bound_socket(ADDRESS, 0, socket.SOCK_STREAM)
        await web.SockSite(runner, listener).start()
        port: int = listener.getsockname()[1]
        return port

    async def service(self, name: str, *pods: str) -> None:
        """A Service with one slice a pod."""
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        await self.plane.create(
            SERVICE, {"metadata": {"name": name}, "spec": {"ports": ports, "selector": {"a": "b"}}}
        )
        for pod in pods:
            await self.endpoint(name, pod, await self.pod(pod))

    async def endpoint(self, service: str, pod: str, port: int) -> None:
        labels = {"kubernetes.io/service-name": service}
        await self.plane.resources.create(
            LOCAL_SLICE,
            "default",
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": pod, "labels": labels},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
                "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
            },
        )

    async def ingress(
        self,
        name: str,
        *rules: tuple[str, str, str],
        annotations: dict[str, str] | None = None,
        type_: str = "Prefix",
        **spec: Any,
    ) -> None:
        """`rules` are (host, path, service)."""
        made = [
            {
                **({"host": host} if host else {}),
                "http": {"paths": [{"path": path, "pathType": type_, "backend": to(service)}]},
            }
            for host, path, service in rules
        ]
        metadata = {"name": name, "annotations": annotations or {}}
        await self.plane.create(INGRESS, {"metadata": metadata, "spec": {"rules": made, **spec}})
        if spec.get("ingressClassName", "mk") == "mk":
            await self.plane.eventually(lambda: self.address_of(name) == [{"ip": "127.0.0.1"}])

    def address_of(self, name: str) -> Any:
        ingress = self.plane.get(INGRESS, name)
        return get_path(ingress, "status", "loadBalancer", "ingress", default=[])

    async def secret(self, name: str, authority: CertificateAuthority, *hosts: str) -> Object:
        chain, key = authority.issue_server(hosts)
        data = {"tls.crt": base64.b64encode(chain), "tls.key": base64.b64encode(key)}
        body = {field: value.decode() for field, value in data.items()}
        if self.plane.find(SECRET, name) is not None:
            return await self.plane.change(SECRET, name, lambda obj: obj.update(data=body))
        secret = {"metadata": {"name": name}, "type": "kubernetes.io/tls", "data": body}
        return await self.plane.create(SECRET, secret)

    async def get(
        self,
        host: str,
        path: str = "/",
        *,
        trusting: CertificateAuthority | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        """(status, text); HTTPS when an authority to trust is given."""
        async with self.session.get(
            self.url(path, secure=trusting is not None),
            headers={"Host": host, **(headers or {})},
            ssl=True if trusting is None else trust(trusting),
            server_hostname=host if trusting else None,
            allow_redirects=False,
        ) as response:
            return response.status, await response.text()

    async def pod_for(self, host: str, path: str = "/", **how: Any) -> str:
        status, text = await self.get(host, path, **how)
        assert status == 200, text
        return str(json.loads(text)["pod"])

    def url(self, path: str = "/", *, secure: bool = False) -> URL:
        scheme, port = ("https", self.https) if secure else ("http", self.http)
        return URL(f"{scheme}://{ADDRESS}:{port}{path}", encoded=True)

    def presented(
        self, host: str, authority: CertificateAuthority
    ) -> Callable[[], Awaitable[bool]]:
        """Whether the host's certificate is by this authority."""

        async def check() -> bool:
            try:
                _, writer = await asyncio.open_connection(
                    ADDRESS, self.https, ssl=trust(authority), server_hostname=host
                )
            except ssl.SSLCertVerificationError:
                return False
            writer.close()
            await writer.wait_closed()
            return True

        return check


def to(service: str) -> Object:
    return {"service": {"name": service, "port": {"name": "http"}}}


def trust(authority: CertificateAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.certificate_pem.decode())


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 - what is waited for is seen from outside only
            await asyncio.sleep(0.02)


@pytest.fixture
async def edge(plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Edge]:
    async with AsyncExitStack() as stack:
        made = Edge(plane, tmp_path, stack, (free_port(), free_port()))
        await made.start()
        yield made


async def test_requests_go_where_hosts_and_paths_say(edge: Edge) -> None:
    for service in ("web", "api", "wild"):
        await edge.service(service, f"{service}-pod")
    await edge.ingress(
        "i",
        ("shop.localhost", "/", "web"),
        ("shop.localhost", "/api", "api"),
        ("*.apps.localhost", "/", "wild"),
    )

    assert await edge.pod_for("shop.localhost", "/page") == "web-pod"
    assert await edge.pod_for("SHOP.localhost:8080", "/api/v1?x=/") == "api-pod"
    assert await edge.pod_for("shop.localhost", "/apis") == "web-pod"
    assert await edge.pod_for("one.apps.localhost") == "wild-pod"
    assert (await edge.get("a.b.apps.localhost"))[0] == 404


async def test_an_exact_path_is_that_path_alone(edge: Edge) -> None:
    await edge.service("web", "web-pod")
    await edge.ingress("i", ("shop.localhost", "/page", "web"), type_="Exact")

    assert await edge.pod_for("shop.localhost", "/page?q=1") == "web-pod"
    assert (await edge.get("shop.localhost", "/page/"))[0] == 404


async def test_a_pod_learns_who_asked_and_a_client_cannot_pretend(edge: Edge) -> None:
    await edge.service("web", "web-pod")
    await edge.ingress("i", ("shop.localhost", "/", "web"))
    forged = {"X-Forwarded-For": "1.1.1.1", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "1"}

    _, text = await edge.get("shop.localhost", headers=forged, trusting=edge.authority)
    headers = json.loads(text)["headers"]

    assert headers["Host"] == "shop.localhost"
    assert headers["X-Forwarded-For"].startswith("127.")
    assert headers["X-Forwarded-Proto"] == "https"
    assert headers["X-Forwarded-Host"] == "shop.localhost"
    assert headers["X-Forwarded-Port"] == str(edge.https)


async def test_https_shows_the_clusters_own_certificate_for_a_host_without_secret(
    edge: Edge,
) -> None:
    await edge.service("web", "web-pod")
    await edge.ingress("i", ("shop.localhost", "/", "web"))

    assert await edge.pod_for("shop.localhost", trusting=edge.authority) == "web-pod"


async def test_https_for_an_unknown_host_is_trusted_and_answers_404(edge: Edge) -> None:
    status, text = await edge.get("nobody.localhost", "/x", trusting=edge.authority)

    assert status == 404
    assert "nobody.localhost" in text
    assert "/x" in text


@pytest.mark.parametrize("covers", ["shop.localhost", "*.localhost.test"])
async def test_https_shows_the_certificate_of_the_secret(edge: Edge, covers: str) -> None:
    host = covers.replace("*", "shop")
    await edge.service("web", "web-pod")
    await edge.secret("cert", edge.other, covers)
    tls = [{"hosts": [covers], "secretName": "cert"}]
    await edge.ingress("i", (host, "/", "web"), tls=tls)

    assert await edge.pod_for(host, trusting=edge.other) == "web-pod"


async def test_a_secret_that_comes_changes_and_goes_is_followed(edge: Edge) -> None:
    await edge.service("web", "web-pod")
    tls = [{"hosts": ["shop.localhost"], "secretName": "cert"}]
    await edge.ingress("i", ("shop.localhost", "/", "web"), tls=tls)
    by_own = edge.presented("shop.localhost", edge.authority)
    by_other = edge.presented("shop.localhost", edge.other)

    assert await by_own()
    await edge.secret("cert", edge.other, "shop.localhost")
    await eventually(by_other)
    await edge.secret("cert", edge.authority, "shop.localhost")
    await eventually(by_own)
    await edge.secret("cert", edge.other, "shop.localhost")
    await eventually(by_other)
    await edge.plane.delete(SECRET, "cert")
    await eventually(by_own)


async def test_a_secret_that_is_no_certificate_is_told_and_replaced_by_our_own(edge: Edge) -> None:
    await edge.service("web", "web-pod")
    data = {"tls.crt": "bm90aGluZw==", "tls.key": "bm90aGluZw=="}
    await edge.plane.create(SECRET, {"metadata": {"name": "cert"}, "data": data})
    tls = [{"hosts": ["shop.localhost"], "secretName": "cert"}]
    await edge.ingress("i", ("shop.localhost", "/", "web"), tls=tls)

    assert await edge.pod_for("shop.localhost", trusting=edge.authority) == "web-pod"
    await edge.plane.eventually(lambda: any("cert" in text for text in warnings(edge, "i")))


async def test_a_websocket_passes_over_https(edge: Edge) -> None:
    await edge.service("web", "web-pod")
    await edge.ingress("i", ("shop.localhost", "/", "web"))

    async with edge.session.ws_connect(
        edge.url("/ws", secure=True),
        headers={"Host": "shop.localhost"},
        ssl=trust(edge.authority),
        server_hostname="shop.localhost",
    ) as channel:
        await channel.send_str("hello")
        assert await channel.receive_str() == "web-pod hello"


async def test_a_service_without_pods_is_503_by_name(edge: Edge) -> None:
    await edge.service("web")
    await edge.ingress("i", ("shop.localhost", "/", "web"))

    status, text = await edge.get("shop.localhost")

    assert status == 503
    assert "default/web" in text


async def test_a_service_that_is_missing_is_503_and_told_once(edge: Edge) -> None:
    await edge.ingress("i", ("shop.localhost", "/", "web"))

    status, text = await edge.get("shop.localhost")
    await edge.plane.eventually(lambda: warnings(edge, "i"))
    await edge.plane.change(INGRESS, "i", lambda obj: obj["metadata"].update(labels={"a": "b"}))
    await asyncio.sleep(1.5)

    assert status == 503
    assert "default/web" in text
    assert len(warnings(edge, "i")) == 1
    assert "default/web" in warnings(edge, "i")[0]


async def test_load_goes_to_all_pods_and_away_from_those_that_leave(edge: Edge) -> None:
    await edge.service("web", "one", "two")
    await edge.ingress("i", ("shop.localhost", "/", "web"))

    before = Counter([await edge.pod_for("shop.localhost") for _ in range(10)])
    await edge.plane.delete(ENDPOINT_SLICE, "one")
    await eventually_only(edge, "two")
    after = Counter([await edge.pod_for("shop.localhost") for _ in range(10)])

    assert before == {"one": 5, "two": 5}
    assert after == {"two": 10}


async def eventually_only(edge: Edge, pod: str) -> None:
    async def check() -> bool:
        return {await edge.pod_for("shop.localhost") for _ in range(4)} == {pod}

    await eventually(check)


async def test_a_pod_that_died_unannounced_costs_no_request(edge: Edge) -> None:
    await edge.service("web", "one", "two")
    await edge.ingress("i", ("shop.localhost", "/", "web"))
    await edge.runners["one"].cleanup()

    answers = Counter([await edge.pod_for("shop.localhost") for _ in range(10)])

    assert answers == {"two": 10}


async def test_an_ingress_that_is_deleted_is_served_no_more(edge: Edge) -> None:
    await edge.service("web", "web-pod")
    await edge.ingress("i", ("shop.localhost", "/", "web"))
    assert await edge.pod_for("shop.localhost") == "web-pod"

    async def is_gone() -> bool:
        return (await edge.get("shop.localhost"))[0] == 404

    await edge.plane.delete(INGRESS, "i")
    await eventually(is_gone)


async def test_an_ingress_of_an_unknown_class_is_left_alone_and_told(edge: Edge) -> None:
    await edge.service("web", "web-pod")
    await edge.ingress("i", ("shop.localhost", "/", "web"), ingressClassName="nginx")

    await edge.plane.eventually(lambda: any("nginx" in text for text in warnings(edge, "i")))

    assert (await edge.get("shop.localhost"))[0] == 404
    assert edge.address_of("i") == []


@pytest.mark.parametrize(
    ("annotation", "status"),
    [("mk.dev/ssl-redirect", 308), ("nginx.ingress.kubernetes.io/ssl-redirect", 308), ("x", 200)],
)
async def test_http_leads_to_https_only_when_asked_to(
    edge: Edge, annotation: str, status: int
) -> None:
    await edge.service("web", "web-pod")
    await edge.ingress("i", ("shop.localhost", "/", "web"), annotations={annotation: "true"})

    async with edge.session.get(
        edge.url("/a?b=c"), headers={"Host": "shop.localhost"}, allow_redirects=False
    ) as response:
        assert response.status == status
        wanted = f"https://shop.localhost:{edge.https}/a?b=c" if status == 308 else None
        assert response.headers.get("Location") == wanted


async def test_the_status_is_written_once(edge: Edge) -> None:
    await edge.service("web", "web-pod")
    await edge.ingress("i", ("shop.localhost", "/", "web"))
    before = edge.plane.get(INGRESS, "i")["metadata"]["resourceVersion"]

    await edge.ingress("j", ("other.localhost", "/", "web"))

    assert edge.plane.get(INGRESS, "i")["metadata"]["resourceVersion"] == before


async def test_a_path_cannot_climb_into_what_no_rule_opens(edge: Edge) -> None:
    await edge.service("web", "web-pod")
    await edge.ingress("i", ("shop.localhost", "/open", "web"))

    assert (await edge.get("shop.localhost", "/open/..%2fclosed"))[0] == 404
    assert (await edge.get("shop.localhost", "/open/%2e%2e/closed"))[0] == 404


async def test_a_rewrite_replaces_the_path_for_the_pod(edge: Edge) -> None:
    await edge.service("web", "web-pod")
    annotations = {"nginx.ingress.kubernetes.io/rewrite-target": "/inner"}
    await edge.ingress("i", ("shop.localhost", "/outer", "web"), annotations=annotations)

    _, text = await edge.get("shop.localhost", "/outer/x?q=1")

    assert json.loads(text)["path"] == "/inner?q=1"


async def test_a_taken_port_is_said_at_once(edge: Edge) -> None:
    with bound_socket(ADDRESS, 0, socket.SOCK_STREAM) as taken:
        second = IngressServer(
            edge.plane.informers,
            edge.plane.resources,
            edge.authority,
            edge.plane.recorder,
            http_port=taken.getsockname()[1],
            https_port=free_port(),
            bind=ADDRESS,
        )
        with pytest.raises(AddressTaken, match="taken by another program"):
            await second.run()


def warnings(edge: Edge, name: str) -> Sequence[str]:
    return [
        event["message"]
        for event in edge.plane.all(EVENT)
        if event["involvedObject"]["name"] == name and event["type"] == "Warning"
    ]
