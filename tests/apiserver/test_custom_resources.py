"""Custom resources over HTTP: discovery, documents, every verb, and the end of a kind."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.apiserver.custom_kinds import (
    DEADLINE_SECONDS,
    NAME,
    ROOT,
    TABS,
    crontab,
    crontabs,
    established,
    serving_definitions,
)
from tests.apiserver.serving import Cluster

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
APPLY = {"Content-Type": "application/apply-patch+yaml"}
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
async def served(cluster: Cluster) -> AsyncIterator[Cluster]:
    async with serving_definitions(cluster):
        response = await cluster.http.post(DEFINITIONS, json=crontabs())
        assert response.status == 201, await response.text()
        await established(cluster, crontabs())
        yield cluster


async def ask(cluster: Cluster, method: str, path: str, **options: Any) -> tuple[int, Any]:
    async with cluster.http.request(method, path, **options) as response:
        text = await response.text()
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.status, json.loads(text) if is_json else text


async def created(cluster: Cluster, name: str = "a", **spec: Any) -> Any:
    status, obj = await ask(cluster, "POST", TABS, json=crontab(name, **spec))
    assert status == 201, obj
    return obj


async def test_discovery_and_documents_have_a_kind_once_it_is_established(served: Cluster) -> None:
    _, legacy = await ask(served, "GET", ROOT)
    _, group = await ask(served, "GET", "/apis/stable.example.com")
    _, index = await ask(served, "GET", "/openapi/v3")
    address = index["paths"]["apis/stable.example.com/v1"]["serverRelativeURL"]
    _, document = await ask(served, "GET", address)
    _, old = await ask(served, "GET", "/openapi/v2")

    names = {entry["name"]: entry for entry in legacy["resources"]}
    assert set(names) == {"crontabs", "crontabs/status", "crontabs/scale"}
    assert names["crontabs"]["shortNames"] == ["ct"]
    assert group["preferredVersion"]["version"] == "v1"
    name = "com.example.stable.v1.CronTab"
    schema = document["components"]["schemas"][name]
    assert schema["properties"]["spec"]["properties"]["when"]["nullable"]
    assert old["definitions"][name]["properties"]["spec"]["required"] == ["cronSpec"]
    assert "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" in document["components"]["schemas"]


async def test_documents_have_another_hash_when_the_schema_changes(served: Cluster) -> None:
    _, before = await ask(served, "GET", "/openapi/v3")
    changed = asyncio.Event()
    served.resources.catalog.subscribe(lambda _gone, _new: changed.set())
    operation = {
        "op": "add",
        "path": "/spec/versions/0/schema/openAPIV3Schema/description",
        "value": "x",
    }

    headers = {"Content-Type": "application/json-patch+json"}
    await ask(served, "PATCH", f"{DEFINITIONS}/{NAME}", json=[operation], headers=headers)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await changed.wait()
    _, after = await ask(served, "GET", "/openapi/v3")

    path = "apis/stable.example.com/v1"
    assert before["paths"][path] != after["paths"][path]
    assert before["paths"]["api/v1"] == after["paths"]["api/v1"]


async def test_an_object_is_defaulted_pruned_and_keeps_its_nulls(served: Cluster) -> None:
    obj = await created(served, unknown=1, when=None, free={"x": None})

    assert obj["spec"] == {
        "cronSpec": "* * * * */5",
        "image": "busybox",
        "replicas": 1,
        "when": None,
        "free": {"x": None},
    }


async def test_unknown_fields_are_told_or_refused_as_asked(served: Cluster) -> None:
    body = crontab(unknown=1)
    warned = await served.http.post(TABS, json=body)
    strict = {"fieldValidation": "Strict"}
    status, refused = await ask(
        served, "POST", TABS, json=crontab("b", unknown=1, replcas=2), params=strict
    )

    assert warned.headers["Warning"] == '299 - "unknown field \\"spec.unknown\\""'
    assert status == 400
    assert 'unknown field "spec.unknown"' in refused["message"]
    assert 'unknown field "spec.replcas" (did you mean "replicas"?)' in refused["message"]


async def test_metadata_and_doubled_fields_are_looked_at_everywhere(served: Cluster) -> None:
    body = crontab(free={"a": 1})
    body["metadata"]["odd"] = 1
    doubled = json.dumps(body).replace('{"a": 1}', '{"a": 1, "a": 2}')
    strict = {"fieldValidation": "Strict"}
    headers = {"Content-Type": "application/json"}
    _, unknown = await ask(served, "POST", TABS, json=body, params=strict)
    _, twice = await ask(served, "POST", TABS, data=doubled, params=strict, headers=headers)
    body["metadata"] = {"name": "a", "labels": ["x"]}
    wrong, labels = await ask(served, "POST", TABS, json=body)

    assert 'unknown field "metadata.odd"' in unknown["message"]
    assert 'duplicate field "spec.free.a"' in twice["message"]
    assert wrong == 400
    assert "metadata.labels" in labels["message"]


async def test_what_does_not_fit_is_refused_field_by_field(served: Cluster) -> None:
    status, refused = await ask(
        served, "POST", TABS, json=crontab(cronSpec="daily", replicas=11, port=True)
    )

    assert status == 422
    assert {cause["field"] for cause in refused["details"]["causes"]} == {
        "spec.cronSpec",
        "spec.replicas",
        "spec.port",
        "<nil>",
    }
    assert refused["message"].startswith('CronTab.stable.example.com "a" is invalid: [')


async def test_rules_are_asked_on_creation_and_update(served: Cluster) -> None:
    await created(served)
    many, refused = await ask(served, "POST", TABS, json=crontab("b", replicas=7))
    other, immutable = await ask(
        served, "PATCH", f"{TABS}/a", json={"spec": {"cronSpec": "1 1 1 1 1"}}, headers=MERGE
    )

    assert (many, other) == (422, 422)
    assert "busybox runs less than five times" in refused["message"]
    assert "spec.cronSpec: Forbidden: cronSpec is immutable" in immutable["message"]


async def test_status_is_written_apart_and_checked_too(served: Cluster) -> None:
    await created(served)
    status = {"status": {"replicas": 3, "odd": 1}, "spec": {"replicas": 9}}
    _, obj = await ask(served, "PATCH", f"{TABS}/a/status", json=status, headers=MERGE)
    wrong, refused = await ask(
        served, "PATCH", f"{TABS}/a/status", json={"status": {"replicas": "x"}}, headers=MERGE
    )

    assert obj["status"] == {"replicas": 3}
    assert (obj["spec"]["replicas"], obj["metadata"]["generation"]) == (1, 1)
    assert wrong == 422
    assert "status.replicas in body must be of type integer" in refused["message"]


async def test_scale_reads_and_writes_the_paths_of_the_definition(served: Cluster) -> None:
    await created(served)
    status = {"status": {"replicas": 1, "selector": "app=a"}}
    await ask(served, "PATCH", f"{TABS}/a/status", json=status, headers=MERGE)
    _, scale = await ask(served, "GET", f"{TABS}/a/scale")
    body = {"spec": {"replicas": 3}}
    _, scaled = await ask(served, "PATCH", f"{TABS}/a/scale", json=body, headers=MERGE)
    _, obj = await ask(served, "GET", f"{TABS}/a")

    assert scale["spec"] == {"replicas": 1}
    assert scale["status"] == {"replicas": 1, "selector": "app=a"}
    assert scaled["spec"] == {"replicas": 3}
    assert (obj["spec"]["replicas"], obj["metadata"]["generation"]) == (3, 2)


async def test_strategic_merge_is_for_built_in_kinds(served: Cluster) -> None:
    await created(served)
    headers = {"Content-Type": "application/strategic-merge-patch+json"}

    status, refused = await ask(served, "PATCH", f"{TABS}/a", json={}, headers=headers)

    assert status == 415
    assert "application/apply-patch+yaml" in refused["message"]


async def test_server_side_apply_merges_lists_by_their_keys(served: Cluster) -> None:
    async def apply(manager: str, *steps: dict[str, str]) -> tuple[int, Any]:
        body = json.dumps(crontab(steps=list(steps)))
        params = {"fieldManager": manager}
        return await ask(served, "PATCH", f"{TABS}/a", data=body, params=params, headers=APPLY)

    first, _ = await apply("one", {"name": "a", "run": "x"})
    second, merged = await apply("two", {"name": "b", "run": "y"})
    third, conflict = await apply("two", {"name": "a", "run": "z"})

    assert (first, second, third) == (201, 200, 409)
    assert {step["name"] for step in merged["spec"]["steps"]} == {"a", "b"}
    assert '.spec.steps[name="a"].run' in conflict["message"]


async def test_fields_of_the_definition_select(served: Cluster) -> None:
    await created(served, "a")
    await created(served, "b", image="nginx")

    _, found = await ask(served, "GET", TABS, params={"fieldSelector": "spec.image=nginx"})
    unknown, _ = await ask(served, "GET", TABS, params={"fieldSelector": "spec.cronSpec=x"})

    assert [item["metadata"]["name"] for item in found["items"]] == ["b"]
    assert found["kind"] == "CronTabList"
    assert unknown == 400


async def test_the_other_version_serves_the_same_objects_with_a_warning(served: Cluster) -> None:
    await created(served)
    response = await served.http.get(TABS.replace("/v1/", "/v1beta1/") + "/a")
    obj = await response.json()

    assert obj["apiVersion"] == "stable.example.com/v1beta1"
    assert obj["spec"]["image"] == "busybox"
    assert "stable.example.com/v1beta1 CronTab is deprecated" in response.headers["Warning"]


async def test_tables_have_the_columns_of_the_definition(served: Cluster) -> None:
    await created(served)
    headers = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    _, table = await ask(served, "GET", TABS, headers=headers)

    columns = [(column["name"], column["priority"]) for column in table["columnDefinitions"]]
    assert columns == [("Name", 0), ("Spec", 0), ("Replicas", 0), ("Image", 1)]
    assert table["rows"][0]["cells"] == ["a", "* * * * */5", 1, "busybox"]


async def test_a_watch_ends_with_its_kind_and_then_nothing_is_there(served: Cluster) -> None:
    await created(served)
    lines: list[Any] = []

    async with asyncio.timeout(DEADLINE_SECONDS):
        async with served.http.get(TABS, params={"watch": "1"}) as watch:
            lines.append(json.loads(await watch.content.readline()))
            await ask(served, "DELETE", f"{DEFINITIONS}/{NAME}")
            lines += [json.loads(line) async for line in watch.content]
    after, _ = await ask(served, "GET", TABS)
    _, groups = await ask(served, "GET", "/apis")

    assert [line["type"] for line in lines] == ["ADDED", "DELETED"]
    assert after == 404
    assert "stable.example.com" not in {group["name"] for group in groups["groups"]}


async def test_while_a_kind_goes_nothing_new_is_taken(served: Cluster) -> None:
    body = crontab()
    body["metadata"]["finalizers"] = ["example.com/wait"]
    await ask(served, "POST", TABS, json=body)
    changed = asyncio.Event()
    served.resources.catalog.subscribe(lambda _gone, _new: changed.set())

    await ask(served, "DELETE", f"{DEFINITIONS}/{NAME}")
    async with asyncio.timeout(DEADLINE_SECONDS):
        await changed.wait()
    status, _ = await ask(served, "POST", TABS, json=crontab("b"))

    assert status == 405


async def test_custom_objects_take_finalizers_without_a_domain(served: Cluster) -> None:
    body = crontab()
    body["metadata"]["finalizers"] = ["mine"]

    status, made = await ask(served, "POST", TABS, json=body)

    assert status == 201
    assert made["metadata"]["finalizers"] == ["mine"]


async def test_deep_or_odd_schemas_are_refused_without_harm(served: Cluster) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(300):
        schema = {"type": "object", "properties": {"a": schema}}
    made = crontabs()
    made["metadata"]["name"] = "deeps.stable.example.com"
    made["spec"]["names"] = {"plural": "deeps", "kind": "Deep"}
    made["spec"]["versions"] = [made["spec"]["versions"][0]]
    made["spec"]["versions"][0] |= {"schema": {"openAPIV3Schema": schema}}
    for name in ("subresources", "selectableFields", "additionalPrinterColumns"):
        made["spec"]["versions"][0].pop(name)

    status, answer = await ask(served, "POST", DEFINITIONS, json=made)

    assert status in (201, 400, 422), answer
