"""What lists, gets and watches may be asked for, in every combination that Kubernetes knows."""

import asyncio
import json
import zlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from minikube_py.apiserver import watch, watch_line
from tests.apiserver.serving import Certificates, Cluster, serve

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"


def config_map(name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}, "data": {"key": "value"}}


async def create(cluster: Cluster, body: dict[str, Any]) -> Any:
    async with cluster.http.post(MAPS, json=body) as answer:
        assert answer.status == 201
        return await answer.json()


async def delete(cluster: Cluster, name: str) -> None:
    async with cluster.http.delete(f"{MAPS}/{name}") as answer:
        await answer.read()


async def asked(cluster: Cluster, path: str, **params: str) -> tuple[int, Any]:
    async with cluster.http.get(path, params=params) as answer:
        return answer.status, await answer.json()


def causes(status: Any) -> list[tuple[str, str]]:
    return [(cause["field"], cause["message"]) for cause in status["details"]["causes"]]


@pytest.mark.parametrize(
    ("params", "field", "message"),
    [
        (
            {"resourceVersionMatch": "Exact"},
            "resourceVersionMatch",
            "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            {"resourceVersionMatch": "Newest", "resourceVersion": "1"},
            "resourceVersionMatch",
            'Unsupported value: "Newest": supported values: "Exact", "NotOlderThan"',
        ),
        (
            {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
            "resourceVersionMatch",
            'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        (
            {"sendInitialEvents": "true"},
            "sendInitialEvents",
            "Forbidden: sendInitialEvents is forbidden for list",
        ),
        (
            {"watch": "1", "sendInitialEvents": "true"},
            "resourceVersionMatch",
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            {"watch": "1", "resourceVersion": "1", "resourceVersionMatch": "NotOlderThan"},
            "resourceVersionMatch",
            "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is "
            "provided",
        ),
        (
            {"watch": "1", "sendInitialEvents": "1", "resourceVersionMatch": "Exact"},
            "resourceVersionMatch",
            'Unsupported value: "Exact": supported values: "NotOlderThan"',
        ),
        (
            {
                "watch": "1",
                "sendInitialEvents": "1",
                "resourceVersionMatch": "NotOlderThan",
                "continue": "x",
            },
            "resourceVersionMatch",
            "Forbidden: resourceVersionMatch is forbidden when continue is provided",
        ),
    ],
)
async def test_options_that_contradict_each_other_name_the_field(
    cluster: Cluster, params: dict[str, str], field: str, message: str
) -> None:
    code, status = await asked(cluster, MAPS, **params)

    assert (code, status["reason"]) == (422, "Invalid")
    assert status["message"].startswith('ListOptions.meta.k8s.io "" is invalid: ')
    assert (field, message) in causes(status)


@pytest.mark.parametrize("path", [MAPS, f"{MAPS}/a"], ids=["list", "get"])
async def test_a_revision_to_come_is_a_timeout_to_be_tried_again(
    cluster: Cluster, path: str
) -> None:
    await create(cluster, config_map("a"))

    async with cluster.http.get(path, params={"resourceVersion": "100000"}) as answer:
        status = await answer.json()

    assert (answer.status, status["reason"]) == (504, "Timeout")
    assert status["message"].startswith("Timeout: Too large resource version: 100000, current: ")
    assert status["details"]["retryAfterSeconds"] == 1
    assert status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert answer.headers["Retry-After"] == "1"


async def test_a_get_may_name_a_revision_that_is_reached(cluster: Cluster) -> None:
    made = await create(cluster, config_map("a"))

    for version in ("0", made["metadata"]["resourceVersion"]):
        code, found = await asked(cluster, f"{MAPS}/a", resourceVersion=version)
        assert (code, found) == (200, made)


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("tier=web", ["a"]),
        ("tier==web", ["a"]),
        ("tier!=web", ["b", "c", "kube-root"]),
        ("tier in (web, db)", ["a", "b"]),
        ("tier notin (web)", ["b", "c", "kube-root"]),
        ("tier", ["a", "b"]),
        ("!tier", ["c", "kube-root"]),
        ("tier,tier!=db", ["a"]),
        ("tier=", []),
        ("", ["a", "b", "c", "kube-root"]),
    ],
)
async def test_label_selectors_in_all_forms(
    cluster: Cluster, selector: str, found: list[str]
) -> None:
    for name, labels in (("a", {"tier": "web"}), ("b", {"tier": "db"}), ("c", {})):
        await create(cluster, config_map(name, labels=labels))
    await create(cluster, config_map("kube-root"))

    _, page = await asked(cluster, MAPS, labelSelector=selector)

    assert [item["metadata"]["name"] for item in page["items"]] == found


@pytest.mark.parametrize(
    ("resource", "supported"),
    [
        (
            "api/v1/pods",
            {
                "spec.nodeName",
                "spec.restartPolicy",
                "spec.schedulerName",
                "spec.serviceAccountName",
                "spec.hostNetwork",
                "status.phase",
                "status.podIP",
                "status.nominatedNodeName",
            },
        ),
        ("api/v1/nodes", {"spec.unschedulable"}),
        ("api/v1/namespaces", {"status.phase"}),
        ("api/v1/secrets", {"type"}),
        ("api/v1/services", {"spec.clusterIP", "spec.type"}),
        ("api/v1/configmaps", set()),
        (
            "api/v1/events",
            {
                "involvedObject.kind",
                "involvedObject.namespace",
                "involvedObject.name",
                "involvedObject.uid",
                "involvedObject.apiVersion",
                "involvedObject.resourceVersion",
                "involvedObject.fieldPath",
                "reason",
                "reportingComponent",
                "source",
                "type",
            },
        ),
        (
            "apis/events.k8s.io/v1/events",
            {
                "regarding.kind",
                "regarding.namespace",
                "regarding.name",
                "regarding.uid",
                "regarding.apiVersion",
                "regarding.resourceVersion",
                "regarding.fieldPath",
                "reason",
                "reportingController",
                "type",
            },
        ),
    ],
)
async def test_every_kind_has_its_fields_to_select_by(
    cluster: Cluster, resource: str, supported: set[str]
) -> None:
    for field in {*supported, "metadata.name"}:
        code, answer = await asked(cluster, f"/{resource}", fieldSelector=f"{field}=x")
        assert code == 200, answer

    code, status = await asked(cluster, f"/{resource}", fieldSelector="spec.colour=red")
    assert (code, status["reason"]) == (400, "BadRequest")
    assert status["message"].startswith("field label not supported: spec.colour")


async def test_an_expired_continue_is_answered_with_a_fresh_token(cluster: Cluster) -> None:
    for name in "abc":
        await create(cluster, config_map(name))
    _, first = await asked(cluster, MAPS, limit="1")
    await delete(cluster, "c")
    await cluster.resources.store.compact(cluster.resources.store.revision)

    code, status = await asked(
        cluster, MAPS, limit="1", **{"continue": first["metadata"]["continue"]}
    )
    assert (code, status["reason"]) == (410, "Expired")

    _, rest = await asked(cluster, MAPS, **{"continue": status["metadata"]["continue"]})
    assert [item["metadata"]["name"] for item in rest["items"]] == ["b"]


async def test_pages_count_what_remains_though_objects_come_and_go(cluster: Cluster) -> None:
    for name in "abcde":
        await create(cluster, config_map(name))
    seen, left, token = [], [], ""
    while True:
        _, page = await asked(cluster, MAPS, limit="2", **{"continue": token})
        seen += [item["metadata"]["name"] for item in page["items"]]
        left.append(page["metadata"].get("remainingItemCount"))
        await delete(cluster, "e")
        await create(cluster, config_map(f"d{len(seen)}"))
        if not (token := page["metadata"].get("continue", "")):
            break

    assert seen == list("abcde")
    assert left == [3, 1, None]


@pytest.mark.parametrize("accept", ["application/cbor", "application/cbor-seq", "text/html"])
async def test_what_is_not_written_is_not_acceptable(cluster: Cluster, accept: str) -> None:
    async with cluster.http.get(MAPS, headers={"Accept": accept}) as answer:
        status = await answer.json()

    assert (answer.status, status["reason"]) == (406, "NotAcceptable")
    assert "only the following media types are accepted: application/json" in status["message"]


@pytest.mark.parametrize(
    ("method", "content_type"),
    [
        ("POST", "application/cbor"),
        ("POST", "text/plain"),
        ("PATCH", "application/apply-patch+cbor"),
        ("PATCH", "application/json"),
    ],
)
async def test_what_is_not_read_is_an_unknown_format(
    cluster: Cluster, method: str, content_type: str
) -> None:
    path = MAPS if method == "POST" else f"{MAPS}/a"
    headers = {"Content-Type": content_type}

    async with cluster.http.request(method, path, data=b"{}", headers=headers) as answer:
        status = await answer.json()

    assert (answer.status, status["reason"]) == (415, "UnsupportedMediaType")
    assert "the body of the request was in an unknown format - accepted" in status["message"]


async def test_cbor_after_json_is_json(cluster: Cluster) -> None:
    async with cluster.http.get(MAPS, headers={"Accept": "application/cbor,application/json"}) as a:
        assert a.status == 200
        assert a.content_type == "application/json"


async def test_a_list_reads_the_same_in_every_representation(cluster: Cluster) -> None:
    for name in "ab":
        await create(cluster, config_map(name, annotations={"text": "a\nb: 'c'"}))
    _, plain = await asked(cluster, MAPS)

    async with cluster.http.get(MAPS, headers={"Accept": "application/yaml"}) as answer:
        text = await answer.text()
    async with cluster.http.get(MAPS, params={"pretty": "true"}) as answer:
        pretty = await answer.text()

    assert yaml.safe_load(text) == plain
    assert json.loads(pretty) == plain
    assert pretty == json.dumps(plain, indent=2, ensure_ascii=False)


async def test_an_empty_list_reads_the_same_in_every_representation(cluster: Cluster) -> None:
    _, plain = await asked(cluster, MAPS)

    async with cluster.http.get(MAPS, headers={"Accept": "application/yaml"}) as answer:
        assert yaml.safe_load(await answer.text()) == plain
    async with cluster.http.get(MAPS, params={"pretty": "true"}) as answer:
        assert await answer.text() == json.dumps(plain, indent=2)


async def test_tables_are_written_as_yaml_too(cluster: Cluster) -> None:
    await create(cluster, config_map("a"))
    kind = ";as=Table;v=v1;g=meta.k8s.io"

    async with cluster.http.get(MAPS, headers={"Accept": f"application/yaml{kind}"}) as answer:
        table = yaml.safe_load(await answer.text())

    assert (table["kind"], table["rows"][0]["cells"][0]) == ("Table", "a")


async def test_only_large_answers_are_compressed(cluster: Cluster) -> None:
    headers = {"Accept-Encoding": "gzip"}
    await create(cluster, config_map("small"))
    large = {**config_map("large"), "data": {"key": "x" * 200_000}}
    await create(cluster, large)

    async with cluster.client("admin") as session:
        session._auto_decompress = False
        async with session.get(f"{MAPS}/small", headers=headers) as answer:
            assert "Content-Encoding" not in answer.headers
        async with session.get(f"{MAPS}/large", headers=headers) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            body = zlib.decompress(await answer.read(), zlib.MAX_WBITS | 16)
            assert json.loads(body)["data"] == large["data"]


async def test_paths_and_options_are_taken_as_kubernetes_takes_them(cluster: Cluster) -> None:
    await create(cluster, config_map("a.b"))

    assert (await asked(cluster, f"{MAPS}/"))[0] == 200
    assert (await asked(cluster, "/apis/"))[0] == 200
    assert (await asked(cluster, MAPS, colour="red"))[0] == 200
    async with cluster.http.get(f"{MAPS}/a%2Eb") as answer:
        assert (await answer.json())["metadata"]["name"] == "a.b"
    for method in ("HEAD", "OPTIONS", "TRACE"):
        async with cluster.http.request(method, MAPS) as answer:
            assert answer.status == 405, method
    async with cluster.http.head("/healthz") as answer:
        assert answer.status == 200


async def test_the_old_watch_paths_watch(cluster: Cluster) -> None:
    for name in "ab":
        await create(cluster, config_map(name))

    seen = {}
    for path in ("configmaps", "namespaces/default/configmaps", "namespaces/default/configmaps/b"):
        params = {"timeoutSeconds": "1"}
        async with cluster.http.get(f"/api/v1/watch/{path}", params=params) as answer:
            line = (await answer.content.readline()).decode()
            seen[path] = json.loads(line)["object"]["metadata"]["name"]

    assert list(seen.values()) == ["a", "a", "b"]


def test_watches_without_a_limit_end_within_half_an_hour_to_an_hour() -> None:
    limits = [watch._default_seconds() for _ in range(100)]

    assert all(1800 <= seconds <= 3600 for seconds in limits)
    assert len(set(limits)) > 50


async def test_a_watcher_that_takes_nothing_is_cut_off(
    tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_line, "PATIENCE_SECONDS", 0.2)
    async with serve(tmp_path, certificates) as cluster, cluster.client("admin") as session:
        answer = await session.get(MAPS, params={"watch": "1"}, read_bufsize=1)
        large = {**config_map("large"), "data": {"key": "x" * 900_000}}
        for number in range(12):
            large["metadata"]["name"] = f"large-{number}"
            await create(cluster, large)

        async with asyncio.timeout(10):
            # Nothing tells when the server has let go of it.
            while cluster.resources.store._watchers._all:  # type: ignore[attr-defined]  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        with pytest.raises(aiohttp.ClientError):
            await answer.read()
