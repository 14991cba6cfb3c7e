"""From client-side to server-side apply and back, resetting ownership, lists of every kind."""

import json
from typing import Any

import pytest

from minikube_py.kinds.catalog import CONFIG_MAP, POD, SERVICE
from minikube_py.meta import encoding
from minikube_py.meta.errors import BadRequest, Conflict
from minikube_py.meta.objects import Object
from minikube_py.resources.apply.last_applied import ANNOTATION
from minikube_py.resources.resources import Patch, Resources, WriteOptions
from tests.resources.applying import apply, config, owners
from tests.resources.conftest import config_map, pod


async def client_side_applied(resources: Resources, annotation: str, **data: str) -> None:
    body = config(**data)
    body["metadata"]["annotations"] = {ANNOTATION: annotation}
    options = WriteOptions(field_manager="kubectl-client-side-apply")
    await resources.create(CONFIG_MAP, "default", body, options)


def last_applied(obj: Object) -> Any:
    return json.loads(obj["metadata"]["annotations"][ANNOTATION])


async def test_kubectl_takes_over_what_it_applied_from_the_client(resources: Resources) -> None:
    said = encoding.encode(config(a="1")).decode()
    await client_side_applied(resources, said, a="1")

    applied = await apply(resources, config(a="2"), manager="kubectl")

    assert applied["data"] == {"a": "2"}
    assert owners(applied)["kubectl", "Apply"] == {"f:data": {"f:a": {}}}
    assert last_applied(applied)["data"] == {"a": "2"}
    assert applied["metadata"]["annotations"][ANNOTATION].endswith("\n")


async def test_another_manager_does_not_take_it_over(resources: Resources) -> None:
    await client_side_applied(resources, encoding.encode(config(a="1")).decode(), a="1")

    with pytest.raises(Conflict, match="kubectl-client-side-apply"):
        await apply(resources, config(a="2"), manager="flux")


async def test_what_someone_changed_since_is_theirs(resources: Resources) -> None:
    await client_side_applied(resources, encoding.encode(config(a="1")).decode(), a="1", b="1")
    patch = Patch("merge", {"data": {"a": "changed"}})
    options = WriteOptions(field_manager="bob")
    await resources.patch(CONFIG_MAP, "default", "settings", patch, options)

    with pytest.raises(Conflict, match='conflict with "bob"'):
        await apply(resources, config(a="2"), manager="kubectl")


@pytest.mark.parametrize("annotation", ["", "no JSON", "[]", '{"data": {"other": "1"}}'])
async def test_an_annotation_that_says_nothing_helps_nobody(
    resources: Resources, annotation: str
) -> None:
    await client_side_applied(resources, annotation, a="1")

    with pytest.raises(Conflict):
        await apply(resources, config(a="2"), manager="kubectl")


async def test_an_annotation_with_nameless_items_helps_nobody(resources: Resources) -> None:
    body = pod()
    nameless = {**body, "spec": {"containers": [{"image": "nginx:1.25"}]}}
    body["metadata"]["annotations"] = {ANNOTATION: encoding.encode(nameless).decode()}
    await resources.create(POD, "default", body, WriteOptions(field_manager="bob"))
    wanted = pod()
    wanted["spec"]["containers"][0]["image"] = "nginx:2"

    with pytest.raises(Conflict):
        await apply(resources, wanted, manager="kubectl")


async def test_without_the_annotation_none_is_made(resources: Resources) -> None:
    applied = await apply(resources, config(a="1"), manager="kubectl")

    assert "annotations" not in applied["metadata"]


@pytest.mark.parametrize(
    "reset",
    [
        Patch("merge", {"metadata": {"managedFields": [{}]}}),
        Patch("json", [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]),
    ],
    ids=lambda patch: patch.type,
)
async def test_one_empty_entry_clears_the_ownership(resources: Resources, reset: Patch) -> None:
    await apply(resources, config(a="1"))

    written = await resources.patch(CONFIG_MAP, "default", "settings", reset)
    assert "managedFields" not in written.object["metadata"]

    again = await apply(resources, config(a="2"), manager="bob", force=True)
    assert owners(again)["bob", "Apply"] == {"f:data": {"f:a": {}}}


async def test_an_update_without_managed_fields_keeps_them(resources: Resources) -> None:
    await apply(resources, config(a="1"))

    given: list[Object] | None
    for given in ([], None):
        body = config_map(a="1")
        body["metadata"]["managedFields"] = given
        written = await resources.update(CONFIG_MAP, "default", "settings", body)
        assert ("alice", "Apply") in owners(written.object)


async def test_the_same_value_is_shared(resources: Resources) -> None:
    await apply(resources, config(a="1"))
    both = await apply(resources, config(a="1"), manager="bob")

    assert owners(both)["alice", "Apply"] == owners(both)["bob", "Apply"]

    with pytest.raises(Conflict, match=r'conflict with "alice": \.data\.a'):
        await apply(resources, config(a="2"), manager="bob")


async def test_a_map_that_is_atomic_has_one_owner(resources: Resources) -> None:
    def service(selector: dict[str, str]) -> Object:
        body: Object = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
        return {**body, "spec": {"selector": selector, "ports": [{"port": 80}]}}

    made = await apply(resources, service({"app": "web"}))
    assert owners(made)["alice", "Apply"]["f:spec"]["f:selector"] == {}

    with pytest.raises(Conflict, match=r"\.spec\.selector"):
        await apply(resources, service({"tier": "front"}), manager="bob")
    forced = await apply(resources, service({"tier": "front"}), manager="bob", force=True)
    assert forced["spec"]["selector"] == {"tier": "front"}
    assert resources.get(SERVICE, "default", "web")["spec"]["selector"] == {"tier": "front"}


async def test_the_items_of_a_set_are_owned_one_by_one(resources: Resources) -> None:
    def held_by(*finalizers: str) -> Object:
        body = config()
        body["metadata"]["finalizers"] = list(finalizers)
        return body

    await apply(resources, held_by("a.io/x", "a.io/y"))
    both = await apply(resources, held_by("a.io/y", "a.io/z"), manager="bob")
    assert both["metadata"]["finalizers"] == ["a.io/x", "a.io/y", "a.io/z"]

    less = await apply(resources, held_by())
    assert less["metadata"]["finalizers"] == ["a.io/y", "a.io/z"]


async def test_a_list_that_is_atomic_is_replaced_whole(resources: Resources) -> None:
    def commanded(*command: str) -> Object:
        body = pod()
        body["spec"]["containers"][0]["command"] = list(command)
        return body

    made = await apply(resources, commanded("run", "fast"))
    container = owners(made)["alice", "Apply"]["f:spec"]["f:containers"]['k:{"name":"main"}']
    assert container["f:command"] == {}

    with pytest.raises(Conflict, match=r'containers\[name="main"\]\.command'):
        await apply(resources, commanded("run"), manager="bob")


async def test_a_field_the_kind_does_not_have_can_not_be_applied(resources: Resources) -> None:
    body = pod()
    body["spec"]["containers"][0]["imge"] = "x"
    ignoring = WriteOptions(field_manager="alice", field_validation="Ignore")

    with pytest.raises(BadRequest) as refused:
        await resources.patch(POD, "default", "web", Patch("apply", body), ignoring)

    assert refused.value.message == (
        "failed to create typed patch object (default/web; v1, Kind=Pod): "
        '.spec.containers[0].imge: field not declared in schema (did you mean "image"?)'
    )
