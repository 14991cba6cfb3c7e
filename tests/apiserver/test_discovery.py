"""Discovery, OpenAPI, health, metrics and the reviews."""

import pytest

from minikube_py.kinds.schema import KUBERNETES_VERSION
from tests.apiserver.serving import Certificates, Cluster, serve

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def test_the_legacy_documents_lead_to_every_resource(cluster: Cluster) -> None:
    groups = (await (await cluster.http.get("/apis")).json())["groups"]
    core = await (await cluster.http.get("/api/v1")).json()
    apps = await (await cluster.http.get("/apis/apps/v1")).json()

    assert {"apps", "networking.k8s.io", "storage.k8s.io"} <= {group["name"] for group in groups}
    pods = next(entry for entry in core["resources"] if entry["name"] == "pods")
    assert pods["shortNames"] == ["po"]
    assert "watch" in pods["verbs"]
    assert {"pods/log", "pods/exec", "pods/eviction", "pods/status"} <= {
        entry["name"] for entry in core["resources"]
    }
    assert "deployments/scale" in {entry["name"] for entry in apps["resources"]}


async def test_aggregated_discovery_is_one_document_with_an_etag(cluster: Cluster) -> None:
    answer = await cluster.http.get("/apis", headers={"Accept": AGGREGATED})
    again = await cluster.http.get(
        "/apis", headers={"Accept": AGGREGATED, "If-None-Match": answer.headers["ETag"]}
    )
    core = await (await cluster.http.get("/api", headers={"Accept": AGGREGATED})).json()

    document = await answer.json()
    apps = next(item for item in document["items"] if item["metadata"]["name"] == "apps")
    deployments = apps["versions"][0]["resources"][0]
    assert deployments["responseKind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert again.status == 304
    assert core["items"][0]["versions"][0]["version"] == "v1"


async def test_openapi_v3_documents_are_immutable_under_their_hash(cluster: Cluster) -> None:
    index = await (await cluster.http.get("/openapi/v3")).json()
    url = index["paths"]["apis/apps/v1"]["serverRelativeURL"]
    answer = await cluster.http.get(url)

    document = await answer.json()
    schemas, paths = document["components"]["schemas"], document["paths"]
    assert "immutable" in answer.headers["Cache-Control"]
    assert "io.k8s.api.core.v1.PodSpec" in schemas
    assert "io.k8s.api.core.v1.ServiceSpec" not in schemas
    patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
    assert patch["x-kubernetes-group-version-kind"]["kind"] == "Deployment"


@pytest.mark.parametrize("path", ["api/v1", "apis/apps/v1", "apis/networking.k8s.io/v1"])
async def test_every_reference_of_a_document_can_be_followed(cluster: Cluster, path: str) -> None:
    document = await (await cluster.http.get(f"/openapi/v3/{path}")).json()
    schemas = document["components"]["schemas"]

    def references(node: object) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(child) for child in node.values()))
        if isinstance(node, list):
            return set().union(*(references(child) for child in node))
        return set()

    assert {name.removeprefix("#/components/schemas/") for name in references(document)} <= set(
        schemas
    )


async def test_openapi_v2_has_everything_in_json(cluster: Cluster) -> None:
    document = await (await cluster.http.get("/openapi/v2")).json()

    assert document["swagger"] == "2.0"
    assert "io.k8s.api.apps.v1.Deployment" in document["definitions"]


async def test_the_version_is_the_newest_that_the_definitions_know(cluster: Cluster) -> None:
    assert (await (await cluster.http.get("/version")).json())["gitVersion"] == KUBERNETES_VERSION


async def test_readiness_tells_which_check_failed(
    tmp_path: object, certificates: Certificates
) -> None:
    async def broken() -> None:
        raise RuntimeError("no Docker")

    async def fine() -> None: ...

    checks = {"docker": broken, "store": fine}
    async with serve(tmp_path, certificates, checks=checks) as cluster:  # type: ignore[arg-type]
        ready = await cluster.http.get("/readyz")
        live = await cluster.http.get("/livez")
        one = await cluster.http.get("/readyz/docker")
        without = await cluster.http.get("/readyz", params={"exclude": "docker", "verbose": ""})
        unknown = await cluster.http.get("/readyz/nothing")

        assert ready.status == 500
        assert "[-]docker failed: no Docker" in await ready.text()
        assert "[+]store ok" in await ready.text()
        assert (live.status, await live.text()) == (200, "ok")
        assert one.status == 500
        assert without.status == 200
        assert "readyz check passed" in await without.text()
        assert unknown.status == 404


async def test_metrics_count_requests_by_resource(cluster: Cluster) -> None:
    await cluster.http.get("/api/v1/namespaces/default/pods")

    text = await (await cluster.http.get("/metrics")).text()

    assert (
        'apiserver_request_total{code="200",group="",resource="pods",subresource="",verb="list",'
        'version="v1"} 1.0'
    ) in text
    assert "minikube_py_store_revision" in text


async def test_one_may_ask_who_one_is_and_what_one_may(cluster: Cluster) -> None:
    me = await cluster.http.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json={})
    spec = {"resourceAttributes": {"verb": "create", "resource": "pods", "namespace": "default"}}
    async with cluster.client("alice") as alice:
        may = await alice.post(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json={"spec": spec}
        )
        allowed = (await may.json())["status"]["allowed"]

    user = (await me.json())["status"]["userInfo"]
    assert user["username"] == "admin"
    assert user["groups"] == ["system:masters", "system:authenticated"]
    assert allowed is False
