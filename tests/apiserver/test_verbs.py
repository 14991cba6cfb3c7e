"""Every verb over real HTTP and TLS, for a namespaced kind and for one of the cluster."""

import json
from typing import Any

import pytest

from tests.apiserver.serving import Cluster

MAPS = "/api/v1/namespaces/default/configmaps"
NODES = "/api/v1/nodes"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def node(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


PLACES = [
    pytest.param(MAPS, config_map("one"), "ConfigMapList", id="namespaced"),
    pytest.param(NODES, node("one"), "NodeList", id="cluster-wide"),
]


@pytest.mark.parametrize(("path", "obj", "list_kind"), PLACES)
async def test_an_object_is_created_read_listed_and_deleted(
    cluster: Cluster, path: str, obj: dict[str, Any], list_kind: str
) -> None:
    created = await cluster.http.post(path, json=obj)
    read = await cluster.http.get(f"{path}/one")
    listed = await (await cluster.http.get(path)).json()
    deleted = await cluster.http.delete(f"{path}/one")

    assert created.status == 201
    assert (await read.json()) == (await created.json())
    assert listed["kind"] == list_kind
    assert [item["metadata"]["name"] for item in listed["items"]] == ["one"]
    assert (
        listed["metadata"]["resourceVersion"] == (await read.json())["metadata"]["resourceVersion"]
    )
    assert deleted.status == 200
    assert (await deleted.json())["status"] == "Success"
    assert (await cluster.http.get(f"{path}/one")).status == 404


@pytest.mark.parametrize(("path", "obj", "list_kind"), PLACES)
async def test_an_update_needs_the_current_resource_version(
    cluster: Cluster, path: str, obj: dict[str, Any], list_kind: str
) -> None:
    first = await (await cluster.http.post(path, json=obj)).json()
    first["metadata"]["labels"] = {"a": "b"}

    updated = await cluster.http.put(f"{path}/one", json=first)
    stale = await cluster.http.put(
        f"{path}/one", json={**first, "metadata": {**first["metadata"], "labels": {"a": "c"}}}
    )

    assert updated.status == 200
    assert (await updated.json())["metadata"]["labels"] == {"a": "b"}
    assert stale.status == 409
    assert (await stale.json())["reason"] == "Conflict"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param(
            "application/json-patch+json",
            '[{"op":"add","path":"/data/b","value":"2"}]',
            id="json-patch",
        ),
        pytest.param("application/merge-patch+json", '{"data":{"b":"2"}}', id="merge"),
        pytest.param(
            "application/strategic-merge-patch+json", '{"data":{"b":"2"}}', id="strategic"
        ),
        pytest.param("application/apply-patch+yaml", "data: {b: '2'}", id="apply-yaml"),
        pytest.param("application/apply-patch+yaml", '{"data":{"b":"2"}}', id="apply-json"),
    ],
)
async def test_every_patch_type_adds_a_key(cluster: Cluster, content_type: str, body: str) -> None:
    await cluster.http.post(MAPS, json=config_map("one", a="1"))
    if "apply" in content_type:
        head = {"apiVersion": "v1", "kind": "ConfigMap"}
        body = (
            json.dumps({**head, **json.loads(body)})
            if body[0] == "{"
            else (f"apiVersion: v1\nkind: ConfigMap\n{body}")
        )

    answer = await cluster.http.patch(
        f"{MAPS}/one",
        data=body,
        headers={"Content-Type": content_type},
        params={"fieldManager": "test"},
    )

    assert answer.status == 200, await answer.text()
    assert (await answer.json())["data"] == {"a": "1", "b": "2"}


async def test_apply_creates_what_is_missing_and_says_so(cluster: Cluster) -> None:
    answer = await cluster.http.patch(
        f"{MAPS}/new",
        data=json.dumps(config_map("new", a="1")),
        headers={"Content-Type": "application/apply-patch+yaml"},
        params={"fieldManager": "test"},
    )

    assert answer.status == 201


async def test_apply_without_a_manager_is_refused(cluster: Cluster) -> None:
    answer = await cluster.http.patch(
        f"{MAPS}/new",
        data=json.dumps(config_map("new")),
        headers={"Content-Type": "application/apply-patch+yaml"},
    )

    assert answer.status == 422
    assert "fieldManager: Required value" in (await answer.json())["message"]


async def test_an_unknown_patch_type_names_the_four_that_are(cluster: Cluster) -> None:
    answer = await cluster.http.patch(f"{MAPS}/x", json={})

    assert answer.status == 415
    assert "application/strategic-merge-patch+json" in (await answer.json())["message"]


async def test_deleting_a_collection_heeds_its_selector(cluster: Cluster) -> None:
    for name in ("a", "b", "c"):
        obj = config_map(name)
        obj["metadata"]["labels"] = {"keep": "yes" if name == "c" else "no"}
        await cluster.http.post(MAPS, json=obj)

    deleted = await cluster.http.delete(MAPS, params={"labelSelector": "keep=no"})
    left = await (await cluster.http.get(MAPS)).json()

    assert {item["metadata"]["name"] for item in (await deleted.json())["items"]} == {"a", "b"}
    assert [item["metadata"]["name"] for item in left["items"]] == ["c"]


async def test_a_dry_run_keeps_nothing(cluster: Cluster) -> None:
    answer = await cluster.http.post(MAPS, json=config_map("a"), params={"dryRun": "All"})

    assert answer.status == 201
    assert (await cluster.http.get(f"{MAPS}/a")).status == 404


async def test_pages_continue_until_the_end(cluster: Cluster) -> None:
    for number in range(5):
        await cluster.http.post(MAPS, json=config_map(f"m{number}"))

    names, token, pages = [], "", 0
    while pages == 0 or token:
        page = await (await cluster.http.get(MAPS, params={"limit": "2", "continue": token})).json()
        names += [item["metadata"]["name"] for item in page["items"]]
        token, pages = page["metadata"].get("continue", ""), pages + 1

    assert names == [f"m{number}" for number in range(5)]
    assert pages == 3


async def test_scale_reads_and_writes_replicas(cluster: Cluster) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    labels = {"app": "web"}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "main", "image": "nginx:1"}]},
        },
    }
    await cluster.http.post(path, json={"metadata": {"name": "web"}, "spec": spec})

    scale = await (await cluster.http.get(f"{path}/web/scale")).json()
    scale["spec"]["replicas"] = 4
    answer = await cluster.http.put(f"{path}/web/scale", json=scale)
    deployment = await (await cluster.http.get(f"{path}/web")).json()

    assert scale["kind"] == "Scale"
    assert scale["status"]["selector"] == "app=web"
    assert (await answer.json())["spec"]["replicas"] == 4
    assert deployment["spec"]["replicas"] == 4


async def test_status_is_written_apart_from_the_rest(cluster: Cluster) -> None:
    await cluster.http.post(NODES, json=node("one"))

    answer = await cluster.http.patch(
        f"{NODES}/one/status",
        data='{"status":{"phase":"Running"},"metadata":{"labels":{"a":"b"}}}',
        headers={"Content-Type": "application/merge-patch+json"},
    )

    assert answer.status == 200
    assert (await answer.json())["status"]["phase"] == "Running"


async def test_binding_puts_a_pod_on_its_node(cluster: Cluster) -> None:
    pods = "/api/v1/namespaces/default/pods"
    spec = {"containers": [{"name": "main", "image": "nginx:1"}]}
    await cluster.http.post(pods, json={"metadata": {"name": "web"}, "spec": spec})

    bound = await cluster.http.post(
        f"{pods}/web/binding", json={"target": {"kind": "Node", "name": "here"}}
    )
    pod = await (await cluster.http.get(f"{pods}/web")).json()

    assert bound.status == 201
    assert pod["spec"]["nodeName"] == "here"


async def test_eviction_deletes_the_pod(cluster: Cluster) -> None:
    pods = "/api/v1/namespaces/default/pods"
    spec = {"containers": [{"name": "main", "image": "nginx:1"}]}
    await cluster.http.post(pods, json={"metadata": {"name": "web"}, "spec": spec})

    evicted = await cluster.http.post(
        f"{pods}/web/eviction",
        json={
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": "web"},
            "deleteOptions": {"gracePeriodSeconds": 0},
        },
    )

    assert evicted.status == 201
    assert (await cluster.http.get(f"{pods}/web")).status == 404
