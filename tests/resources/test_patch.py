"""JSON patch and merge patch as their RFCs define them; patches on stored objects."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.kinds.catalog import CONFIG_MAP, DEPLOYMENT, POD
from minikube_py.meta.errors import (
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
    RequestEntityTooLarge,
)
from minikube_py.resources.patch import json_patch, merge_patch
from minikube_py.resources.resources import Patch, Resources, WriteOptions
from tests.resources.conftest import config_map, deployment, pod

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc", max_size=3)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab/~", max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def without_nulls(value: Any) -> Any:
    """Merge patch can't set nulls in objects."""
    if isinstance(value, dict):
        return {name: without_nulls(child) for name, child in value.items() if child is not None}
    return value


def merge_difference(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        if name not in old or old[name] != value:
            patch[name] = merge_difference(old.get(name), value)
    return patch


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_does_the_examples_of_its_rfc(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


@given(JSON.map(without_nulls), JSON.map(without_nulls))
def test_the_difference_of_two_documents_patches_one_into_the_other(old: Any, new: Any) -> None:
    assert merge_patch(old, merge_difference(old, new)) == new


@given(JSON, JSON)
def test_merging_the_same_patch_again_changes_nothing(target: Any, patch: Any) -> None:
    once = merge_patch(target, patch)

    assert merge_patch(once, patch) == once


@pytest.mark.parametrize(
    ("document", "operations", "result"),
    [
        pytest.param(
            {"foo": "bar"},
            [{"op": "add", "path": "/baz", "value": "qux"}],
            {"foo": "bar", "baz": "qux"},
            id="add a member",
        ),
        pytest.param(
            {"foo": ["bar", "baz"]},
            [{"op": "add", "path": "/foo/1", "value": "qux"}],
            {"foo": ["bar", "qux", "baz"]},
            id="add an element",
        ),
        pytest.param(
            {"foo": ["bar"]},
            [{"op": "add", "path": "/foo/-", "value": ["abc"]}],
            {"foo": ["bar", ["abc"]]},
            id="append",
        ),
        pytest.param(
            {"baz": 1, "foo": 2}, [{"op": "remove", "path": "/baz"}], {"foo": 2}, id="remove"
        ),
        pytest.param(
            {"foo": [1, 2, 3]}, [{"op": "remove", "path": "/foo/1"}], {"foo": [1, 3]}, id="remove 1"
        ),
        pytest.param(
            {"baz": 1},
            [{"op": "replace", "path": "/baz", "value": [2]}],
            {"baz": [2]},
            id="replace",
        ),
        pytest.param(
            {"foo": {"bar": 1, "waldo": 2}, "qux": {}},
            [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
            {"foo": {"bar": 1}, "qux": {"thud": 2}},
            id="move",
        ),
        pytest.param(
            {"foo": [1, 2, 3, 4]},
            [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
            {"foo": [1, 3, 4, 2]},
            id="move in a list",
        ),
        pytest.param(
            {"a": {"b": 1}},
            [{"op": "copy", "from": "/a", "path": "/c"}, {"op": "remove", "path": "/a/b"}],
            {"a": {}, "c": {"b": 1}},
            id="copy is a copy",
        ),
        pytest.param(
            {"baz": "qux", "foo": ["a", 2]},
            [
                {"op": "test", "path": "/baz", "value": "qux"},
                {"op": "test", "path": "/foo/1", "value": 2},
            ],
            {"baz": "qux", "foo": ["a", 2]},
            id="test",
        ),
        pytest.param(
            {"/": 9, "~1": 10},
            [{"op": "test", "path": "/~01", "value": 10}, {"op": "remove", "path": "/~1"}],
            {"~1": 10},
            id="escapes",
        ),
        pytest.param(
            {"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}, id="all of it"
        ),
        pytest.param(
            {"a": 1}, [{"op": "test", "path": "/b", "value": None}], {"a": 1}, id="absent is null"
        ),
    ],
)
def test_json_patch_does_what_its_rfc_says(document: Any, operations: Any, result: Any) -> None:
    assert json_patch(document, operations) == result


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "test", "path": "/flag", "value": 1},
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/b", "value": 1},
        {"op": "add", "path": "/b/c", "value": 1},
        {"op": "add", "path": "/l/3", "value": 1},
        {"op": "add", "path": "/l/01", "value": 1},
        {"op": "replace", "path": "/l/-", "value": 1},
        {"op": "move", "from": "/m", "path": "/m/x"},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "remove", "path": ""},
    ],
)
def test_an_operation_that_does_not_fit_refuses_the_whole_patch(operation: Any) -> None:
    document = {"a": 1, "flag": True, "l": [1, 2], "m": {}}

    with pytest.raises(Invalid, match="operation 1") as refused:
        json_patch(document, [{"op": "add", "path": "/new", "value": 1}, operation])

    assert refused.value.as_status()["details"] == {}
    assert document == {"a": 1, "flag": True, "l": [1, 2], "m": {}}


@pytest.mark.parametrize(
    "operations",
    [
        {"op": "remove", "path": "/a"},
        [{"op": "rename", "path": "/a"}],
        [{"op": "add", "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "remove"}],
        ["remove"],
    ],
)
def test_a_malformed_json_patch_is_a_bad_request(operations: Any) -> None:
    with pytest.raises(BadRequest):
        json_patch({"a": 1}, operations)


def test_a_json_patch_has_ten_thousand_operations_at_most() -> None:
    operation = {"op": "test", "path": "/a", "value": 1}

    assert json_patch({"a": 1}, [operation] * 10_000) == {"a": 1}
    with pytest.raises(RequestEntityTooLarge, match="maximum operations in a JSON patch is 10000"):
        json_patch({"a": 1}, [operation] * 10_001)


def test_a_json_patch_that_copies_itself_huge_is_refused() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 40

    with pytest.raises(Invalid, match="copies more than"):
        json_patch({"a": ["x"]}, doubling)


def test_what_a_json_patch_copied_is_apart_from_its_original() -> None:
    changed = json_patch(
        {"a": {"b": 1}},
        [
            {"op": "copy", "from": "/a", "path": "/c"},
            {"op": "add", "path": "/a/b", "value": 2},
        ],
    )

    assert changed == {"a": {"b": 2}, "c": {"b": 1}}


def test_a_json_patch_can_be_made_again() -> None:
    operations = [
        {"op": "add", "path": "/l", "value": []},
        {"op": "add", "path": "/l/-", "value": 1},
    ]

    assert json_patch({}, operations) == json_patch({}, operations) == {"l": [1]}


@given(JSON, JSON)
def test_json_patch_can_always_replace_everything(document: Any, value: Any) -> None:
    assert json_patch(document, [{"op": "replace", "path": "", "value": value}]) == value


async def test_a_merge_patch_changes_a_stored_object(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map(a="1", b="2"))

    written = await resources.patch(
        CONFIG_MAP, "default", "settings", Patch("merge", {"data": {"a": None, "c": "3"}})
    )

    assert written.object["data"] == {"b": "2", "c": "3"}


async def test_a_patch_that_changes_nothing_keeps_the_revision(resources: Resources) -> None:
    await resources.create(DEPLOYMENT, "default", deployment(replicas=2))
    before = resources.store.revision

    await resources.patch(DEPLOYMENT, "default", "web", Patch("merge", {"spec": {"replicas": 2}}))

    assert resources.store.revision == before


async def test_a_patch_may_name_the_state_it_is_for(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map(a="1"))
    body = {"metadata": {"resourceVersion": "1"}, "data": {"a": "2"}}

    with pytest.raises(Conflict):
        await resources.patch(CONFIG_MAP, "default", "settings", Patch("merge", body))


async def test_patching_what_is_not_there_is_not_found(resources: Resources) -> None:
    with pytest.raises(NotFound):
        await resources.patch(CONFIG_MAP, "default", "settings", Patch("merge", {}))


async def test_a_patch_is_validated_like_an_update(resources: Resources) -> None:
    await resources.create(DEPLOYMENT, "default", deployment())
    strict = WriteOptions(field_validation="Strict")

    misspelt = Patch("merge", {"spec": {"replcas": 3}})
    wrong = Patch("json", [{"op": "replace", "path": "/spec/replicas", "value": "x"}])

    with pytest.raises(Invalid, match=r"unknown field \"spec\.replcas\"") as refused:
        await resources.patch(DEPLOYMENT, "default", "web", misspelt, strict)
    assert refused.value.errors[0].field == "patch"
    with pytest.raises(Invalid, match=r"spec\.replicas"):
        await resources.patch(DEPLOYMENT, "default", "web", wrong)
    with pytest.raises(BadRequest, match="must be an object"):
        await resources.patch(DEPLOYMENT, "default", "web", Patch("merge", []))


async def test_a_status_patch_changes_only_status(resources: Resources) -> None:
    await resources.create(POD, "default", pod())
    body = {"status": {"message": "hello"}, "spec": {"nodeName": "elsewhere"}}

    written = await resources.patch(
        POD, "default", "web", Patch("strategic", body), subresource="status"
    )

    assert written.object["status"]["message"] == "hello"
    assert "nodeName" not in written.object["spec"]


def test_json_patch_walks_through_lists() -> None:
    document = {"l": [{"a": [1, 2]}]}

    changed = json_patch(
        document,
        [
            {"op": "replace", "path": "/l/0/a/1", "value": 3},
            {"op": "test", "path": "/l", "value": [{"a": [1, 3]}]},
        ],
    )

    assert changed == {"l": [{"a": [1, 3]}]}
    assert document == {"l": [{"a": [1, 2]}]}
