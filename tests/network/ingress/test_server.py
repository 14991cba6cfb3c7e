"""The Ingress over real sockets: the API's objects on one side, aiohttp pods on the other."""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web

from minikube_py.daemon.certificates import CertificateAuthority
from minikube_py.kinds.catalog import ENDPOINT_SLICE, INGRESS, INGRESS_CLASS, SECRET, SERVICE
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.timestamps import system_clock
from minikube_py.network.ingress.server import IngressServer
from minikube_py.network.sockets import AddressTaken, bound_socket
from tests.control_loop.harness import ControlPlane
from tests.network.objects import endpoint, endpoint_slice, service


class Site:
    """An Ingress server with ports of its own and a client that trusts its authority."""

    def __init__(self, plane: ControlPlane, authority: CertificateAuthority) -> None:
        self.plane = plane
        self.authority = authority
        self.http_port, self.https_port = _free_port(), _free_port()
        self.stack = AsyncExitStack()
        self.server = self.new_server()
        self.trust = ssl.create_default_context(cadata=authority.certificate_pem.decode())

    def new_server(self) -> IngressServer:
        return IngressServer(
            self.plane.informers,
            self.plane.resources,
            self.authority,
            self.plane.recorder,
            http_port=self.http_port,
            https_port=self.https_port,
        )

    async def start(self) -> None:
        classes = {"metadata": {"name": "mk"}, "spec": {"controller": "mk.dev/ingress"}}
        await self.plane.create(INGRESS_CLASS, classes)
        self.plane.start(self.server)
        await self.server.wait_listening()
        connector = aiohttp.TCPConnector(resolver=_Loopback(), force_close=True)
        self.session = await self.stack.enter_async_context(
            aiohttp.ClientSession(connector=connector)
        )

    async def pod(self, name: str, *, service_port: Any = 80) -> None:
        """A Service of this name with one pod, which says what it was asked."""

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Upgrade") == "websocket":
                made = web.WebSocketResponse()
                await made.prepare(request)
                async for message in made:
                    await made.send_str(f"{name} {message.data}")
                return made
            return web.json_response(
                {"pod": name, "path": request.raw_path, "headers": dict(request.headers)}
            )

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        self.stack.push_async_callback(runner.cleanup)
        listener = bound_socket(_pod_address(), 0, socket.SOCK_STREAM)
        number = listener.getsockname()[1]
        await web.SockSite(runner, listener).start()
        ports = [{"name": "web", "port": service_port}]
        await self.plane.create(SERVICE, service(name, ports=ports, clusterIP=""))
        pod = endpoint(_pod_address(), ready=True)
        await self.plane.create(
            ENDPOINT_SLICE, endpoint_slice(name, pod, port=number, port_name="web")
        )

    async def ingress(self, name: str, *rules: Object, **spec: Any) -> None:
        metadata = {"name": name, "annotations": spec.pop("annotations", {})}
        await self.plane.create(
            INGRESS, {"metadata": metadata, "spec": {"rules": list(rules), **spec}}
        )

    async def get(self, url: str, **options: Any) -> tuple[int, Any]:
        """(status, JSON or text); `url` without ports."""
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        port = self.https_port if scheme == "https" else self.http_port
        options.setdefault("ssl", self.trust)
        async with self.session.get(
            f"{scheme}://{host}:{port}{slash}{path}", allow_redirects=False, **options
        ) as answer:
            if answer.content_type == "application/json":
                return answer.status, await answer.json()
            return answer.status, await answer.text()

    async def until(self, url: str, pod: str) -> Any:
        async with asyncio.timeout(5):
            while True:
                status, body = await self.get(url)
                if status == 200 and body["pod"] == pod:
                    return body

    async def until_refused(self, url: str, status: int, text: str) -> None:
        async with asyncio.timeout(5):
            while True:
                seen, body = await self.get(url)
                if seen == status and text in body:
                    return


class _Loopback(aiohttp.abc.AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        return [
            aiohttp.abc.ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None: ...


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _pod_address() -> str:
    """An address of this host that the API takes for a pod's; packets to it stay on the host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("203.0.113.1", 9))
        return str(probe.getsockname()[0])


def rule(host: str | None, target: str, path: str = "/", port: Any = 80) -> Object:
    field = "number" if isinstance(port, int) else "name"
    backend = {"service": {"name": target, "port": {field: port}}}
    made: Object = {"http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}
    return made | ({"host": host} if host else {})


@pytest.fixture
async def site(plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Site]:
    authority = CertificateAuthority.open(tmp_path / "pki", name="t", clock=system_clock)
    made = Site(plane, authority)
    await made.start()
    yield made
    await made.stack.aclose()


async def test_a_host_is_served_over_http_and_https_by_the_clusters_authority(site: Site) -> None:
    await site.pod("shop")
    await site.ingress("shop", rule("shop.localhost", "shop"))

    plain = await site.until("http://shop.localhost/a?b=c", "shop")
    secure = await site.until("https://shop.localhost/", "shop")

    assert plain["path"] == "/a?b=c"
    assert plain["headers"]["X-Forwarded-Proto"] == "http"
    assert secure["headers"]["X-Forwarded-Proto"] == "https"
    assert secure["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert secure["headers"]["Host"] == f"shop.localhost:{site.https_port}"


async def test_what_clients_claim_about_who_asked_is_not_believed(site: Site) -> None:
    await site.pod("shop")
    await site.ingress("shop", rule("shop.localhost", "shop"))
    await site.until("http://shop.localhost/", "shop")

    claims = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Real-IP": "6.6.6.6"}
    _, body = await site.get("http://shop.localhost/", headers=claims)

    assert "6.6.6.6" not in str(body["headers"])
    assert body["headers"]["X-Forwarded-Proto"] == "http"


async def test_paths_lead_to_different_services_by_number_or_name(site: Site) -> None:
    await site.pod("front")
    await site.pod("api", service_port=8000)
    await site.ingress(
        "shop", rule("shop.localhost", "front"), rule("shop.localhost", "api", "/api", "web")
    )

    await site.until("http://shop.localhost/", "front")
    await site.until("http://shop.localhost/api/v1", "api")
    await site.until("http://shop.localhost/apiary", "front")


async def test_an_unknown_host_and_a_service_without_pods_are_explained(site: Site) -> None:
    await site.ingress("shop", rule("shop.localhost", "missing"))

    await site.until_refused("http://shop.localhost/", 503, "no pod of this Service is ready")
    await site.until_refused("http://other.localhost/x", 404, "host 'other.localhost' path '/x'")


async def test_a_secret_gives_the_certificate_and_a_new_one_takes_its_place(site: Site) -> None:
    await site.pod("shop")
    tls = [{"hosts": ["shop.localhost"], "secretName": "shop-tls"}]
    await site.ingress("shop", rule("shop.localhost", "shop"), tls=tls)
    await site.until("https://shop.localhost/", "shop")  # the cluster's own until there is one

    for _ in range(2):
        authority = trustme.CA()
        pair = authority.issue_cert("shop.localhost")
        data = {
            "tls.crt": base64.b64encode(pair.cert_chain_pems[0].bytes()).decode(),
            "tls.key": base64.b64encode(pair.private_key_pem.bytes()).decode(),
        }
        body = {"metadata": {"name": "shop-tls"}, "type": "kubernetes.io/tls", "data": data}
        if site.plane.find(SECRET, "shop-tls") is None:
            await site.plane.create(SECRET, body)
        else:
            await site.plane.change(
                SECRET,
                "shop-tls",
                lambda secret, data=data: secret.update(data=data),  # type: ignore[misc]
            )
        site.trust = ssl.create_default_context()
        authority.configure_trust(site.trust)
        async with asyncio.timeout(5):
            while True:
                try:
                    status, _ = await site.get("https://shop.localhost/")
                except aiohttp.ClientConnectorCertificateError:
                    continue
                assert status == 200
                break


async def test_a_missing_secret_is_told_once(site: Site) -> None:
    await site.pod("shop")
    tls = [{"hosts": ["shop.localhost"], "secretName": "gone"}]
    await site.ingress("shop", rule("shop.localhost", "shop"), tls=tls)
    await site.until("https://shop.localhost/", "shop")

    await site.plane.eventually(lambda: site.plane.events("NotServed"), "an event")
    await site.pod("other")
    await site.plane.settled()

    (message,) = site.plane.events("NotServed")
    assert "secret default/gone of host shop.localhost does not exist" in message


async def test_a_class_nobody_serves_is_told_with_the_way_out(site: Site) -> None:
    await site.ingress("shop", rule("shop.localhost", "shop"), ingressClassName="nginx")

    messages = await site.plane.eventually(lambda: site.plane.events("NotServed"), "an event")

    assert "ingress class 'nginx' does not exist" in messages[0]
    assert "status" not in site.plane.get(INGRESS, "shop") or not get_path(
        site.plane.get(INGRESS, "shop"), "status", "loadBalancer", "ingress"
    )


async def test_the_status_says_where_it_is_served(site: Site) -> None:
    await site.ingress("shop", rule("shop.localhost", "shop"))

    shown = await site.plane.eventually(
        lambda: get_path(site.plane.get(INGRESS, "shop"), "status", "loadBalancer", "ingress"),
        "an address",
    )

    assert shown == [{"ip": "127.0.0.1"}]


async def test_redirects_happen_only_when_asked_for(site: Site) -> None:
    await site.pod("shop")
    annotations = {"nginx.ingress.kubernetes.io/ssl-redirect": "true"}
    await site.ingress("shop", rule("shop.localhost", "shop"), annotations=annotations)
    await site.until("https://shop.localhost/", "shop")

    status, text = await site.get("http://shop.localhost/a?b")

    assert status == 308
    assert f"https://shop.localhost:{site.https_port}/a?b" in text


async def test_a_rewrite_replaces_the_path_and_keeps_the_query(site: Site) -> None:
    await site.pod("shop")
    annotations = {"nginx.ingress.kubernetes.io/rewrite-target": "/"}
    await site.ingress("shop", rule("shop.localhost", "shop", "/shop"), annotations=annotations)

    body = await site.until("http://shop.localhost/shop?x=1", "shop")

    assert body["path"] == "/?x=1"


async def test_websockets_pass_over_tls(site: Site) -> None:
    await site.pod("shop")
    await site.ingress("shop", rule("shop.localhost", "shop"))
    await site.until("https://shop.localhost/", "shop")

    url = f"wss://shop.localhost:{site.https_port}/"
    async with site.session.ws_connect(url, ssl=site.trust) as socket_:
        await socket_.send_str("hello")
        assert await socket_.receive_str(timeout=5) == "shop hello"


async def test_a_deleted_ingress_is_served_no_more(site: Site) -> None:
    await site.pod("shop")
    await site.ingress("shop", rule("shop.localhost", "shop"))
    await site.until("http://shop.localhost/", "shop")

    await site.plane.delete(INGRESS, "shop")

    await site.until_refused("http://shop.localhost/", 404, "no Ingress has a rule")


async def test_a_client_without_tls_on_the_tls_port_hurts_nobody(site: Site) -> None:
    await site.pod("shop")
    await site.ingress("shop", rule("shop.localhost", "shop"))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.https_port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(5):
        await reader.read()
    writer.close()

    await site.until("https://shop.localhost/", "shop")


async def test_a_taken_port_says_how_to_find_who_has_it(site: Site) -> None:
    taken = bound_socket("0.0.0.0", 0, socket.SOCK_STREAM)
    site.http_port = taken.getsockname()[1]

    with pytest.raises(AddressTaken, match="ss -ltnp"):
        await site.new_server().run()

    taken.close()
