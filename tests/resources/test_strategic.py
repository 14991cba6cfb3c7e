"""Strategic merge patch: lists by key, directives, order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.kinds.catalog import DEPLOYMENT, POD, SERVICE
from minikube_py.kinds.schema import schema_for
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.objects import Object
from minikube_py.resources.resources import Patch, Resources
from minikube_py.resources.strategic import strategic_merge
from tests.resources.conftest import deployment, service


def containers(*items: Object, **fields: Any) -> Object:
    return {"spec": {"containers": list(items), **fields}}


def merged(original: Object, patch: Object) -> Object:
    return strategic_merge(original, patch, schema_for(POD))


A, B, C = ({"name": name, "image": f"{name}:1"} for name in "abc")


def test_lists_merge_by_their_key() -> None:
    result = merged(containers(A, B), containers({"name": "b", "image": "b:2"}, C))

    assert result == containers(A, {"name": "b", "image": "b:2"}, C)


def test_nested_lists_merge_by_their_own_keys() -> None:
    old = containers({**A, "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]})

    result = merged(old, containers({"name": "a", "env": [{"name": "Y", "value": "3"}]}))

    assert result["spec"]["containers"][0]["env"] == [
        {"name": "X", "value": "1"},
        {"name": "Y", "value": "3"},
    ]


def test_an_item_is_deleted_by_directive() -> None:
    assert merged(containers(A, B), containers({"$patch": "delete", "name": "a"})) == containers(B)


def test_a_list_is_replaced_by_directive() -> None:
    assert merged(containers(A, B), containers({"$patch": "replace"}, C)) == containers(C)


def test_a_map_is_replaced_or_deleted_by_directive() -> None:
    old = {"metadata": {"labels": {"a": "1", "b": "2"}}}

    replaced = merged(old, {"metadata": {"labels": {"$patch": "replace", "c": "3"}}})
    deleted = merged(old, {"metadata": {"labels": {"$patch": "delete"}}})

    assert replaced["metadata"]["labels"] == {"c": "3"}
    assert deleted["metadata"]["labels"] == {}


def test_lists_without_a_merge_strategy_are_replaced() -> None:
    old = containers({**A, "command": ["a", "b"]})

    result = merged(old, containers({"name": "a", "command": ["c"]}))

    assert result["spec"]["containers"][0]["command"] == ["c"]


def test_primitive_lists_merge_and_lose_values_by_directive() -> None:
    old = {"metadata": {"finalizers": ["x/a", "x/b"]}}
    patch = {
        "metadata": {"finalizers": ["x/c"], "$deleteFromPrimitiveList/finalizers": ["x/a"]},
    }

    assert merged(old, patch)["metadata"]["finalizers"] == ["x/b", "x/c"]


def test_values_are_deleted_without_new_ones() -> None:
    old = {"metadata": {"finalizers": ["x/a", "x/b"]}}

    result = merged(old, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/a"]}})

    assert result["metadata"]["finalizers"] == ["x/b"]


def test_the_patch_orders_its_items_and_the_servers_stay_in_place() -> None:
    order = [{"name": "c"}, {"name": "a"}]
    patch = {"spec": {"$setElementOrder/containers": order, "containers": [C]}}

    result = merged(containers(A, B), patch)

    assert [item["name"] for item in result["spec"]["containers"]] == ["c", "a", "b"]


def test_order_alone_reorders() -> None:
    order = [{"name": "b"}, {"name": "a"}]

    result = merged(containers(A, B), {"spec": {"$setElementOrder/containers": order}})

    assert [item["name"] for item in result["spec"]["containers"]] == ["b", "a"]


def test_order_of_an_absent_list_adds_nothing() -> None:
    patch = {"spec": {"$setElementOrder/volumes": [{"name": "v"}], "hostname": "h"}}

    assert merged(containers(A), patch) == containers(A, hostname="h")


def test_retain_keys_drops_the_other_members_of_a_union() -> None:
    old = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}

    result = strategic_merge(old, patch, schema_for(DEPLOYMENT))

    assert result["spec"]["strategy"] == {"type": "Recreate"}


def test_null_removes_and_is_never_stored() -> None:
    result = merged(containers(A), containers({"name": "a", "image": None}, {**C, "tty": None}))

    assert result == containers({"name": "a"}, C)


def test_service_ports_merge_by_port() -> None:
    old = {"spec": {"ports": [{"port": 80, "name": "http"}, {"port": 443, "name": "https"}]}}
    patch = {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}

    result = strategic_merge(old, patch, schema_for(SERVICE))

    assert result["spec"]["ports"][0] == {"port": 80, "name": "http", "targetPort": 8080}


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        (containers({"image": "x"}), "merge key: name"),
        (containers("x"), "objects as items"),  # type: ignore[arg-type]
        ({"spec": {"$patch": "rename"}}, "unknown patch type"),
        ({"spec": {"$setElementOrder/containers": 3}}, "must be a list"),
        ({"spec": {"$retainKeys": ["a"], "hostname": "x"}}, "retainKeys"),
    ],
)
def test_malformed_directives_are_bad_requests(patch: Object, problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        merged(containers(A), patch)


NAMES = st.lists(st.sampled_from("abcde"), unique=True, max_size=5)


@given(NAMES, NAMES)
def test_merging_the_same_lists_again_changes_nothing(old: list[str], new: list[str]) -> None:
    original = containers(*({"name": name, "image": "old"} for name in old))
    patch: Object = containers(*({"name": name, "image": "new"} for name in new))
    patch["spec"]["$setElementOrder/containers"] = [{"name": name} for name in new]

    once = merged(original, patch)

    assert {item["name"] for item in once["spec"]["containers"]} == {*old, *new}
    listed = [item["name"] for item in once["spec"]["containers"] if item["name"] in new]
    assert listed == new
    assert merged(once, patch) == once


async def test_a_container_image_is_changed_by_a_strategic_patch(resources: Resources) -> None:
    await resources.create(DEPLOYMENT, "default", deployment())
    template = {"spec": {"containers": [{"name": "main", "image": "nginx:1.26"}]}}

    written = await resources.patch(
        DEPLOYMENT, "default", "web", Patch("strategic", {"spec": {"template": template}})
    )

    container = written.object["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "nginx:1.26"
    assert written.object["metadata"]["generation"] == 2


async def test_a_strategic_patch_keeps_a_services_address(resources: Resources) -> None:
    made = (await resources.create(SERVICE, "default", service())).object

    written = await resources.patch(
        SERVICE, "default", "web", Patch("strategic", {"spec": {"selector": {"b": "c"}}})
    )

    assert written.object["spec"]["clusterIP"] == made["spec"]["clusterIP"]
    assert written.object["spec"]["selector"] == {"app": "web", "b": "c"}
