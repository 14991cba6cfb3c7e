"""An extension API server behind an APIService, asked by three releases of kubectl."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme

from tests.clients.conftest import NEWEST, OLD, USUAL, Kubectl
from tests.e2e.conftest import RunningCluster, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

API = "/apis/zoo.example.com/v1"
NAME = "v1.zoo.example.com"
ANIMALS = {"name": "animals", "singularName": "animal", "namespaced": True, "kind": "Animal",
           "verbs": ["get", "list"], "shortNames": ["an"]}  # fmt: skip


@dataclass
class Extension:
    """Serves one kind over TLS, on the address at which pods find this host."""

    address: str
    authority: trustme.CA = field(default_factory=trustme.CA)
    users: set[str] = field(default_factory=set)

    def answer(self, path: str) -> tuple[int, Any]:
        if path == API:
            head = {"kind": "APIResourceList", "groupVersion": "zoo.example.com/v1"}
            return 200, {**head, "apiVersion": "v1", "resources": [ANIMALS]}
        if path.endswith("/animals"):
            lion = {"metadata": {"name": "lion", "creationTimestamp": "2026-01-01T00:00:00Z"}}
            named = {"apiVersion": "zoo.example.com/v1"}
            items = [{**named, "kind": "Animal", **lion}]
            return 200, {**named, "kind": "AnimalList", "metadata": {}, "items": items}
        return 404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}

    def server(self, name: str) -> ThreadingHTTPServer:
        extension = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                extension.users.add(self.headers.get("X-Remote-User", ""))
                code, answer = extension.answer(self.path.partition("?")[0])
                body = json.dumps(answer).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Not to stderr."""

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(name).configure_cert(context)
        made = ThreadingHTTPServer((self.address, 0), Handler)
        made.socket = context.wrap_socket(made.socket, server_side=True)
        return made


@pytest.fixture(scope="module")
def extension(real: RunningCluster) -> Iterator[Extension]:
    kubectl = Kubectl(USUAL, real)
    subsets = kubectl.get("endpoints", "kubernetes")["subsets"]
    made = Extension(subsets[0]["addresses"][0]["ip"])
    server = made.server("zoo.default.svc")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for manifest in _manifests(made, server.server_port):
        kubectl.apply(manifest)
    kubectl("wait", "--for=condition=Available", f"apiservice/{NAME}", "--timeout=30s")
    yield made
    kubectl("delete", "apiservice", NAME)
    kubectl("delete", "service,endpointslice", "zoo", "--ignore-not-found")
    server.shutdown()
    server.server_close()
    thread.join(5)


def _manifests(extension: Extension, port: int) -> list[dict[str, Any]]:
    labels = {"kubernetes.io/service-name": "zoo"}
    bundle = base64.b64encode(extension.authority.cert_pem.bytes()).decode()
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "zoo"},
            "spec": {"ports": [{"port": 443}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "zoo", "labels": labels},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": port}],
            "endpoints": [{"addresses": [extension.address], "conditions": {"ready": True}}],
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": NAME},
            "spec": {
                "group": "zoo.example.com",
                "version": "v1",
                "groupPriorityMinimum": 1000,
                "versionPriority": 10,
                "caBundle": bundle,
                "service": {"namespace": "default", "name": "zoo"},
            },
        },
    ]


@pytest.mark.parametrize("release", [OLD, USUAL, NEWEST])
def test_kinds_of_an_extension_server_are_as_any_other(
    real: RunningCluster, extension: Extension, release: str
) -> None:
    kubectl = Kubectl(release, real)

    assert "lion" in kubectl("get", "animals")
    assert "lion" in kubectl("get", "an", "-o", "name")
    assert "Animal" in kubectl("api-resources", "--api-group=zoo.example.com")
    assert "kubernetes-admin" in extension.users


def test_a_server_without_endpoints_is_not_available(
    real: RunningCluster, extension: Extension
) -> None:
    kubectl = Kubectl(USUAL, real)
    [slice_] = [m for m in _manifests(extension, 1) if m["kind"] == "EndpointSlice"]
    ports = kubectl.get("endpointslice", "zoo")["ports"]

    kubectl("delete", "endpointslice", "zoo")
    eventually("the condition", lambda: "MissingEndpoints" in kubectl("get", "apiservice", NAME))
    # Asked by path: kubectl looks the name up first, and may have forgotten the group already.
    said = kubectl("get", "--raw", f"{API}/animals", code=1)
    kubectl.apply({**slice_, "ports": ports})
    kubectl("wait", "--for=condition=Available", f"apiservice/{NAME}", "--timeout=30s")

    assert "no endpoints available" in said
    assert "v1.apps" in kubectl("get", "apiservices")
