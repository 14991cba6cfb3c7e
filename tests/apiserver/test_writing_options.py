"""What writes may be asked for: dry runs of everything, limits, deletion's options, strictness."""

import asyncio
import base64
import io
import json
from typing import Any

import pytest

from tests.apiserver.serving import Cluster

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
SECRETS = "/api/v1/namespaces/default/secrets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
MERGE = {"Content-Type": "application/merge-patch+json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}


def config_map(name: str = "a", **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


def deployment() -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": "a"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    selector = {"matchLabels": {"app": "a"}}
    spec = {"replicas": 1, "selector": selector, "template": template}
    return {"metadata": {"name": "a"}, "spec": spec}


async def ask(
    cluster: Cluster, method: str, path: str, body: Any = None, **more: Any
) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json", **more.pop("headers", {})}
    data = None if body is None else io.BytesIO(json.dumps(body).encode())
    async with cluster.http.request(method, path, data=data, headers=headers, **more) as answer:
        return answer.status, await answer.json()


async def test_a_dry_run_of_any_write_changes_nothing(cluster: Cluster) -> None:
    await ask(cluster, "POST", MAPS, config_map(k="v"))
    await ask(cluster, "POST", DEPLOYMENTS, deployment())
    pod = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await ask(cluster, "POST", PODS, pod)
    applied = {"apiVersion": "v1", "kind": "ConfigMap", **config_map("b", k="v")}
    scale = {"spec": {"replicas": 5}}
    target = {"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "host"}}
    before = cluster.resources.store.revision

    for method, path, body, headers in (
        ("POST", MAPS, config_map("b"), {}),
        ("PUT", f"{MAPS}/a", config_map(k="w"), {}),
        ("PATCH", f"{MAPS}/a", {"data": {"k": "w"}}, MERGE),
        ("PATCH", f"{MAPS}/b?fieldManager=me", applied, APPLY),
        ("PUT", f"{DEPLOYMENTS}/a/scale", {"metadata": {"name": "a"}, **scale}, {}),
        ("PATCH", f"{DEPLOYMENTS}/a/scale", scale, MERGE),
        ("PATCH", f"{DEPLOYMENTS}/a/status", {"status": {"replicas": 3}}, MERGE),
        ("POST", f"{PODS}/a/binding", target, {}),
        ("POST", f"{PODS}/a/eviction", {"metadata": {"name": "a"}}, {}),
        ("DELETE", f"{MAPS}/a", None, {}),
        ("DELETE", MAPS, None, {}),
    ):
        params = {"dryRun": "All"}
        code, answer = await ask(cluster, method, path, body, headers=headers, params=params)
        assert code in (200, 201), (method, path, answer)
        assert cluster.resources.store.revision == before, (method, path)


@pytest.mark.parametrize(
    ("options", "field", "message"),
    [
        (
            {"propagationPolicy": "Orphan", "orphanDependents": True},
            "propagationPolicy",
            'Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
        ),
        (
            {"propagationPolicy": "Sideways"},
            "propagationPolicy",
            'Unsupported value: "Sideways": supported values: "Background", "Foreground", "Orphan"',
        ),
        (
            {"dryRun": ["Some"]},
            "dryRun",
            'Unsupported value: "Some": supported values: "All"',
        ),
        (
            {"gracePeriodSeconds": 1.5},
            "gracePeriodSeconds",
            "Invalid value: 1.5: must be a whole number of seconds",
        ),
    ],
)
async def test_deletion_options_that_mean_nothing_are_refused(
    cluster: Cluster, options: dict[str, Any], field: str, message: str
) -> None:
    await ask(cluster, "POST", MAPS, config_map())

    code, status = await ask(cluster, "DELETE", f"{MAPS}/a", options)

    assert (code, status["reason"]) == (422, "Invalid")
    assert status["message"].startswith('DeleteOptions.meta.k8s.io "" is invalid: ')
    assert status["details"]["causes"][0]["field"] == field
    assert status["details"]["causes"][0]["message"] == message


@pytest.mark.parametrize(
    ("options", "finalizer"),
    [
        ({"orphanDependents": True}, "orphan"),
        ({"propagationPolicy": "Foreground"}, "foregroundDeletion"),
        ({"propagationPolicy": "Orphan", "gracePeriodSeconds": -1}, "orphan"),
    ],
)
async def test_propagation_is_asked_for_in_either_form(
    cluster: Cluster, options: dict[str, Any], finalizer: str
) -> None:
    await ask(cluster, "POST", MAPS, config_map())

    code, left = await ask(cluster, "DELETE", f"{MAPS}/a", options)

    assert code == 200
    assert left["metadata"]["finalizers"] == [finalizer]


@pytest.mark.parametrize(
    ("preconditions", "words"),
    [
        ({"uid": "other"}, "UID in precondition: other, UID in object meta: "),
        ({"resourceVersion": "1"}, "ResourceVersion in precondition: 1, ResourceVersion in object"),
    ],
)
async def test_a_deletion_may_name_what_it_means(
    cluster: Cluster, preconditions: dict[str, str], words: str
) -> None:
    await ask(cluster, "POST", MAPS, config_map())

    code, status = await ask(cluster, "DELETE", f"{MAPS}/a", {"preconditions": preconditions})

    assert (code, status["reason"]) == (409, "Conflict")
    assert words in status["message"]


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (
            MAPS,
            config_map(k="x" * (1 << 20) + "x"),
            "Too long: may not be more than 1048576 bytes",
        ),
        (
            SECRETS,
            {
                "metadata": {"name": "a"},
                "data": {"k": base64.b64encode(b"x" * ((1 << 20) + 1)).decode()},
            },
            "data: Too long: may not be more than 1048576 bytes",
        ),
        (
            MAPS,
            {"metadata": {"name": "a", "annotations": {"a": "x" * (256 << 10)}}},
            "metadata.annotations: Too long: may not be more than 262144 bytes",
        ),
    ],
    ids=["config-map", "secret", "annotations"],
)
async def test_objects_have_their_limits(
    cluster: Cluster, path: str, body: Any, message: str
) -> None:
    code, status = await ask(cluster, "POST", path, body)

    assert (code, status["reason"]) == (422, "Invalid")
    assert message in status["message"]


async def test_a_request_has_its_limit(cluster: Cluster) -> None:
    code, status = await ask(cluster, "POST", MAPS, config_map(k="x" * (3 << 20)))

    assert (code, status["reason"]) == (413, "RequestEntityTooLarge")
    assert status["message"] == "Request entity too large: limit is 3145728"


async def test_a_json_patch_of_too_many_operations_is_too_large(cluster: Cluster) -> None:
    await ask(cluster, "POST", MAPS, config_map(k="v"))
    operation = {"op": "test", "path": "/data/k", "value": "v"}
    headers = {"Content-Type": "application/json-patch+json"}

    code, status = await ask(cluster, "PATCH", f"{MAPS}/a", [operation] * 10_001, headers=headers)

    assert (code, status["reason"]) == (413, "RequestEntityTooLarge")


async def test_long_bodies_are_read_while_others_are_answered(cluster: Cluster) -> None:
    lists = b'{"metadata":{"name":"a"},"data":[' + b",".join([b"[]"] * 60_000) + b"]}"
    headers = {"Content-Type": "application/json"}
    long = asyncio.ensure_future(cluster.http.post(MAPS, data=io.BytesIO(lists), headers=headers))

    for _ in range(20):
        assert (await ask(cluster, "GET", "/version"))[0] == 200
    async with await long as refused:
        assert refused.status == 400


@pytest.mark.parametrize("mode", ["Strict", "Warn", "Ignore", ""])
async def test_field_validation_holds_for_every_write(cluster: Cluster, mode: str) -> None:
    await ask(cluster, "POST", MAPS, config_map(k="v"))
    params = {"fieldValidation": mode} if mode else {}

    for method, path, body, headers in (
        ("POST", MAPS, {**config_map("b"), "colour": "red"}, {}),
        ("PUT", f"{MAPS}/a", {**config_map(k="w"), "colour": "red"}, {}),
        ("PATCH", f"{MAPS}/a", {"colour": "red"}, MERGE),
    ):
        headers = {"Content-Type": "application/json", **headers}
        async with cluster.http.request(
            method, path, data=json.dumps(body), headers=headers, params=params
        ) as answer:
            if mode == "Strict":
                assert answer.status in (400, 422)
                assert 'strict decoding error: unknown field \\"colour\\"' in await answer.text()
            else:
                assert answer.status in (200, 201)
            warned = "Warning" in answer.headers
            assert warned is (mode in ("Warn", ""))


async def test_an_unknown_mode_names_the_operation_and_what_is_allowed(cluster: Cluster) -> None:
    params = {"fieldValidation": "Loose"}

    code, status = await ask(cluster, "PUT", f"{MAPS}/a", config_map(), params=params)

    assert code == 422
    assert status["message"] == (
        'UpdateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Loose": '
        'supported values: "Ignore", "Strict", "Warn"'
    )
