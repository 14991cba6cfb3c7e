"""What is refused, in Kubernetes' words and with its codes."""

import asyncio
import io
from typing import Any

import pytest

from minikube_py.apiserver.bodies import MAX_BODY_BYTES
from tests.apiserver.serving import Cluster

MAPS = "/api/v1/namespaces/default/configmaps"
JSON = {"Content-Type": "application/json"}


async def status_of(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = await answer.json()
    assert body["kind"] == "Status"
    assert body["code"] == answer.status
    return body


async def test_nobody_in_particular_sees_health_and_version_only(cluster: Cluster) -> None:
    async with cluster.client(None) as anyone:
        codes = {
            path: (await anyone.get(path)).status
            for path in ("/healthz", "/version", "/readyz/ping", MAPS, "/api", "/metrics")
        }
        refused = await status_of(await anyone.get(MAPS))

    assert codes == {
        "/healthz": 200,
        "/version": 200,
        "/readyz/ping": 200,
        MAPS: 401,
        "/api": 401,
        "/metrics": 401,
    }
    assert refused["reason"] == "Unauthorized"


async def test_a_user_without_rights_is_told_what_they_may_not(cluster: Cluster) -> None:
    async with cluster.client("alice") as alice:
        listed = await status_of(await alice.get(MAPS))
        node = await status_of(await alice.delete("/api/v1/nodes/n"))
        discovery = await alice.get("/apis")

    assert listed["message"] == (
        'configmaps is forbidden: User "alice" cannot list resource "configmaps" in API group "" '
        'in the namespace "default"'
    )
    assert node["message"] == (
        'nodes "n" is forbidden: User "alice" cannot delete resource "nodes" in API group "" '
        "at the cluster scope"
    )
    assert discovery.status == 200


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        pytest.param("GET", "/api/v1/namespaces/default/nothings", 404, id="unknown-resource"),
        pytest.param("GET", "/apis/none.example/v1/things", 404, id="unknown-group"),
        pytest.param("GET", "/elsewhere", 404, id="unknown-path"),
        pytest.param(
            "GET", "/api/v1/namespaces/default/nodes", 404, id="cluster-kind-in-namespace"
        ),
        pytest.param("GET", "/api/v1/configmaps/x", 404, id="name-without-namespace"),
        pytest.param("POST", "/api/v1/configmaps", 405, id="create-without-namespace"),
        pytest.param("GET", f"{MAPS}/x/status", 404, id="no-such-subresource"),
        pytest.param("POST", f"{MAPS}/x", 405, id="create-on-a-name"),
        pytest.param(
            "GET",
            "/api/v1/namespaces/default/pods/x/eviction",
            405,
            id="only-to-be-posted",
        ),
    ],
)
async def test_paths_that_lead_nowhere(cluster: Cluster, method: str, path: str, code: int) -> None:
    answer = await cluster.http.request(method, path, json={} if method == "POST" else None)

    assert (await status_of(answer))["code"] == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b'{"metadata":', 400, id="broken-json"),
        pytest.param(b"[]", 400, id="not-an-object"),
        pytest.param(b'{"a":' * 300 + b"1" + b"}" * 300, 400, id="too-deep"),
        pytest.param(b"[" * 100_000, 400, id="far-too-deep"),
        pytest.param(b" " * (MAX_BODY_BYTES + 1), 413, id="too-large"),
        pytest.param(b'{"metadata":{"name":"A B"}}', 422, id="bad-name"),
    ],
)
async def test_bodies_that_are_refused(cluster: Cluster, data: bytes, code: int) -> None:
    answer = await cluster.http.post(MAPS, data=io.BytesIO(data), headers=JSON)

    assert (await status_of(answer))["code"] == code


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: [1", id="broken"),
        pytest.param("a: &a [x]\n" + "b: [" + "[" * 5000, id="deep"),
        pytest.param(
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n"
                for a, b in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            id="billion-laughs",
        ),
    ],
)
async def test_yaml_that_is_refused(cluster: Cluster, text: str) -> None:
    answer = await cluster.http.post(MAPS, data=text, headers={"Content-Type": "application/yaml"})

    assert (await status_of(answer))["code"] == 400


async def test_yaml_bodies_are_read_as_kubernetes_reads_them(cluster: Cluster) -> None:
    text = "metadata: {name: a}\ndata: {day: '2026-01-01', on: 'yes'}\n"

    answer = await cluster.http.post(MAPS, data=text, headers={"Content-Type": "application/yaml"})

    assert answer.status == 201, await answer.text()
    assert (await answer.json())["data"]["day"] == "2026-01-01"


async def test_a_foreign_content_type_is_refused(cluster: Cluster) -> None:
    answer = await cluster.http.post(MAPS, data="x", headers={"Content-Type": "text/html"})

    assert (await status_of(answer))["code"] == 415


async def test_an_accept_header_that_cannot_be_met_is_refused(cluster: Cluster) -> None:
    answer = await cluster.http.get(MAPS, headers={"Accept": "image/png"})

    assert (await status_of(answer))["code"] == 406


async def test_doubled_fields_are_refused_or_warned_of(cluster: Cluster) -> None:
    data = b'{"metadata":{"name":"a"},"data":{"k":"1","k":"2"}}'

    strict = await cluster.http.post(
        MAPS, data=data, headers=JSON, params={"fieldValidation": "Strict"}
    )
    warned = await cluster.http.post(MAPS, data=data, headers=JSON)

    assert strict.status == 400
    assert 'duplicate field "data.k"' in (await strict.json())["message"]
    assert warned.status == 201
    assert warned.headers["Warning"] == '299 - "duplicate field \\"data.k\\""'


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        pytest.param("POST", {"dryRun": "Some"}, "dryRun", id="dry-run"),
        pytest.param("POST", {"fieldValidation": "Loose"}, "fieldValidation", id="validation"),
        pytest.param("DELETE", {"propagationPolicy": "Maybe"}, "propagationPolicy", id="policy"),
    ],
)
async def test_options_that_mean_nothing_name_what_is_allowed(
    cluster: Cluster, method: str, params: dict[str, str], field: str
) -> None:
    path = MAPS if method == "POST" else f"{MAPS}/x"

    answer = await cluster.http.request(
        method, path, params=params, json={"metadata": {"name": "x"}} if method == "POST" else None
    )
    status = await status_of(answer)

    assert status["code"] == 422
    assert status["details"]["causes"][0]["field"] == field
    assert "supported values" in status["message"]


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"limit": "many"}, id="limit"),
        pytest.param({"labelSelector": "a in (b"}, id="labels"),
        pytest.param({"fieldSelector": "spec.colour=red"}, id="fields"),
        pytest.param({"watch": "1", "resourceVersion": "yesterday"}, id="version"),
        pytest.param({"continue": "nonsense"}, id="continue"),
    ],
)
async def test_list_options_that_cannot_be_read(cluster: Cluster, params: dict[str, str]) -> None:
    assert (await status_of(await cluster.http.get(MAPS, params=params)))["code"] == 400


async def test_what_goes_wrong_inside_is_a_500_with_an_audit_id(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> bytes:
        raise RuntimeError("boom")

    monkeypatch.setattr(cluster.resources, "get_encoded", broken)

    answer = await cluster.http.get(f"{MAPS}/x", headers={"Audit-Id": "find-me"})
    status = await status_of(answer)

    assert status["code"] == 500
    assert "boom" not in status["message"]
    assert "find-me" in status["message"]
    assert answer.headers["Audit-Id"] == "find-me"
    assert "boom" in caplog.text


async def test_one_slow_client_does_not_stall_the_others(cluster: Cluster) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1",
        int(cluster.url.rsplit(":", 1)[1]),
        ssl=cluster.certificates.client_context("admin"),
        server_hostname="127.0.0.1",
    )
    writer.write(f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{".encode())
    await writer.drain()

    async with asyncio.timeout(2):
        answer = await cluster.http.get(MAPS)

    assert answer.status == 200
    writer.close()
    await writer.wait_closed()
    del reader


async def test_impersonation_is_refused_rather_than_ignored(cluster: Cluster) -> None:
    answer = await cluster.http.get(MAPS, headers={"Impersonate-User": "alice"})

    assert (await status_of(answer))["code"] == 403
