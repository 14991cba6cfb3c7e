"""Group versions that a Service answers for: discovery, requests, and who they come from."""

import base64
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer

from minikube_py.apiserver.aggregation import AGGREGATOR
from minikube_py.apiserver.node_side import NodeSide
from minikube_py.kinds.catalog import API_SERVICE, ENDPOINT_SLICE, NAMESPACE, SERVICE
from minikube_py.meta.objects import Object
from tests.apiserver.serving import Certificates, Cluster, serve

NAME = "v1alpha1.zoo.example.com"
API = "/apis/zoo.example.com/v1alpha1"
AGGREGATED = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
RESOURCES = [
    {"name": "animals", "singularName": "animal", "namespaced": True, "kind": "Animal",
     "verbs": ["get"], "shortNames": ["an"]},
    {"name": "animals/status", "singularName": "", "namespaced": True, "kind": "Animal",
     "verbs": ["update"]},
]  # fmt: skip


@dataclass
class Extension:
    """An extension API server that knows its front proxy by its certificate."""

    asked: list[web.Request] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if request.path == API:
            return web.json_response({"kind": "APIResourceList", "resources": RESOURCES})
        transport = request.transport
        assert transport is not None
        peer = transport.get_extra_info("peercert") or {}
        return web.json_response(
            {
                "path": request.path_qs,
                "user": request.headers["X-Remote-User"],
                "groups": request.headers.getall("X-Remote-Group"),
                "authorization": request.headers.get("Authorization"),
                "proxy": dict(pair for relative in peer["subject"] for pair in relative),
            },
            status=201,
        )


@pytest.fixture
def extension() -> Extension:
    return Extension()


@pytest.fixture
async def cluster(
    tmp_path: Path, certificates: Certificates, extension: Extension
) -> AsyncIterator[Cluster]:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("zoo.zoos.svc").configure_cert(context)
    certificates.ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", extension.answer)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(ssl=context)
    shown = certificates.ca.issue_cert("front", common_name="front-proxy-client")
    node = NodeSide(
        reach=lambda _host, _port: ("127.0.0.1", int(server.port or 0)),
        identify=shown.configure_cert,
    )
    async with serve(tmp_path, certificates, node=node) as cluster:
        await _fill(cluster, base64.b64encode(authority.cert_pem.bytes()).decode())
        yield cluster
    await server.close()


async def _fill(cluster: Cluster, bundle: str) -> None:
    resources = cluster.resources
    await resources.create(NAMESPACE, None, {"metadata": {"name": "zoos"}})
    service = {"metadata": {"name": "zoo"}, "spec": {"ports": [{"port": 443}]}}
    await resources.create(SERVICE, "zoos", service)
    slice_ = {
        "metadata": {"name": "zoo-1", "labels": {"kubernetes.io/service-name": "zoo"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.9"], "conditions": {"ready": True}}],
        "ports": [{"port": 8443}],
    }
    await resources.create(ENDPOINT_SLICE, "zoos", slice_)
    spec = {
        "group": "zoo.example.com",
        "version": "v1alpha1",
        "groupPriorityMinimum": 1000,
        "versionPriority": 10,
        "caBundle": bundle,
        "service": {"namespace": "zoos", "name": "zoo"},
    }
    await resources.create(API_SERVICE, None, {"metadata": {"name": NAME}, "spec": spec})


async def check(cluster: Cluster) -> tuple[str, str] | None:
    """As the controller asks, which then tells of it."""
    aggregator = cluster.runner.app[AGGREGATOR]
    found = await aggregator.check(cluster.resources.get(API_SERVICE, None, NAME))

    def tell(obj: Object) -> None:
        status = "True" if found is None else "False"
        condition = {"type": "Available", "status": status, "message": found[1] if found else ""}
        obj["status"] = {"conditions": [condition]}

    await cluster.resources.update_status(API_SERVICE, None, NAME, tell)
    return found


async def fetch(cluster: Cluster, path: str, **options: Any) -> Any:
    return await (await cluster.http.get(path, **options)).json()


async def test_requests_are_passed_on_with_the_users_name(cluster: Cluster) -> None:
    assert await check(cluster) is None
    answer = await cluster.http.post(
        f"{API}/namespaces/a/animals/b/feeding/now?x=1", json={}, headers={"X-Remote-User": "root"}
    )

    assert answer.status == 201
    heard = await answer.json()
    assert heard.pop("proxy")["commonName"] == "front-proxy-client"
    assert heard == {
        "path": f"{API}/namespaces/a/animals/b/feeding/now?x=1",
        "user": "admin",
        "groups": ["system:masters", "system:authenticated"],
        "authorization": None,
    }


async def test_discovery_shows_what_the_service_serves(cluster: Cluster) -> None:
    await check(cluster)

    groups = await fetch(cluster, "/apis")
    group = await fetch(cluster, "/apis/zoo.example.com")
    resources = await fetch(cluster, API)
    aggregated = await fetch(cluster, "/apis", headers=AGGREGATED)

    assert "zoo.example.com" in [one["name"] for one in groups["groups"]]
    assert group["preferredVersion"]["groupVersion"] == "zoo.example.com/v1alpha1"
    assert resources["resources"] == RESOURCES
    kind = {"group": "zoo.example.com", "version": "v1alpha1", "kind": "Animal"}
    assert aggregated["items"][-1] == {
        "metadata": {"name": "zoo.example.com"},
        "versions": [
            {
                "version": "v1alpha1",
                "freshness": "Current",
                "resources": [
                    {
                        "resource": "animals",
                        "responseKind": kind,
                        "scope": "Namespaced",
                        "singularResource": "animal",
                        "verbs": ["get"],
                        "shortNames": ["an"],
                        "subresources": [
                            {"subresource": "status", "responseKind": kind, "verbs": ["update"]}
                        ],
                    }
                ],
            }
        ],
    }


async def test_discovery_asks_the_service_once_in_a_while(
    cluster: Cluster, extension: Extension
) -> None:
    await check(cluster)
    for _ in range(3):
        await fetch(cluster, "/apis", headers=AGGREGATED)

    assert len(extension.asked) == 1


async def test_what_nobody_has_found_well_is_unavailable(
    cluster: Cluster, extension: Extension
) -> None:
    answer = await cluster.http.get(f"{API}/animals")
    aggregated = await fetch(cluster, "/apis", headers=AGGREGATED)

    assert answer.status == 503
    assert NAME in (await answer.json())["message"]
    assert aggregated["items"][-1]["versions"][0]["freshness"] == "Stale"
    assert extension.asked == []


async def _no_service(cluster: Cluster) -> None:
    await cluster.resources.delete(SERVICE, "zoos", "zoo")


async def _no_endpoints(cluster: Cluster) -> None:
    await cluster.resources.delete(ENDPOINT_SLICE, "zoos", "zoo-1")


async def _no_trust(cluster: Cluster) -> None:
    other = base64.b64encode(trustme.CA().cert_pem.bytes()).decode()

    def change(obj: Object) -> None:
        obj["spec"]["caBundle"] = other

    await cluster.resources.modify(API_SERVICE, None, NAME, change)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        pytest.param(_no_service, "ServiceNotFound", id="service"),
        pytest.param(_no_endpoints, "MissingEndpoints", id="endpoints"),
        pytest.param(_no_trust, "FailedDiscoveryCheck", id="certificate"),
    ],
)
async def test_what_keeps_it_from_being_available_is_told(
    cluster: Cluster, broken: Any, reason: str
) -> None:
    await broken(cluster)
    found = await check(cluster)
    answer = await cluster.http.get(f"{API}/animals")

    assert found is not None
    assert found[0] == reason
    assert answer.status == 503
    assert found[1] in (await answer.json())["message"]


async def test_who_may_not_is_refused_before_anyone_is_asked(
    cluster: Cluster, extension: Extension
) -> None:
    await check(cluster)
    extension.asked.clear()
    async with cluster.client("alice") as alice:
        answer = await alice.get(f"{API}/animals")

    assert answer.status == 403
    assert extension.asked == []


async def test_what_this_server_serves_is_never_asked_for_elsewhere(cluster: Cluster) -> None:
    spec = {
        "group": "apps",
        "version": "v1",
        "groupPriorityMinimum": 1000,
        "versionPriority": 10,
        "service": {"namespace": "zoos", "name": "zoo"},
    }
    await cluster.resources.create(
        API_SERVICE, None, {"metadata": {"name": "v1.apps"}, "spec": spec}
    )

    assert (await cluster.http.get("/apis/apps/v1/deployments")).status == 200
