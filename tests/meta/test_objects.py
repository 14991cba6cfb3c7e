from hypothesis import given
from hypothesis import strategies as st

from minikube_py.meta.objects import (
    GroupVersionKind,
    annotations_of,
    controller_of,
    find_condition,
    get_path,
    is_condition_true,
    is_deleting,
    key_of,
    labels_of,
    make_key,
    name_of,
    namespace_of,
    object_reference,
    owner_reference,
    resource_version_of,
    split_api_version,
    split_key,
    uid_of,
    with_condition,
)

_NAMES = st.from_regex(r"[a-z]{1,5}", fullmatch=True)
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "u1",
        "resourceVersion": "7",
        "labels": {"a": "b"},
        "annotations": {"c": "d"},
    },
}


@given(st.one_of(st.none(), _NAMES), _NAMES)
def test_keys_come_apart_as_they_were_made(namespace: str | None, name: str) -> None:
    assert split_key(make_key(namespace, name)) == (namespace, name)


def test_metadata_is_read_even_where_it_is_missing() -> None:
    assert (name_of(POD), namespace_of(POD), uid_of(POD)) == ("web", "shop", "u1")
    assert resource_version_of(POD) == "7"
    assert (labels_of(POD), annotations_of(POD)) == ({"a": "b"}, {"c": "d"})
    assert key_of(POD) == "shop/web"
    for empty in ({}, {"metadata": None}):
        assert (name_of(empty), namespace_of(empty), uid_of(empty), labels_of(empty)) == (
            "",
            "",
            "",
            {},
        )
        assert not is_deleting(empty)


def test_api_versions_split_into_group_and_version() -> None:
    assert split_api_version("apps/v1") == ("apps", "v1")
    assert split_api_version("v1") == ("", "v1")
    assert GroupVersionKind("apps", "v1", "Deployment").api_version == "apps/v1"
    assert GroupVersionKind("", "v1", "Pod").api_version == "v1"


def test_paths_lead_through_objects_and_lists() -> None:
    obj = {"a": [{"b": 1}, None], "c": None, "zero": 0}

    assert get_path(obj, "a", 0, "b") == 1
    assert get_path(obj, "a", -2, "b") == 1
    assert get_path(obj, "zero", default=5) == 0
    for path in (("a", 1), ("a", 2), ("c",), ("c", "d"), ("a", "b"), ("zero", "x"), (0,)):
        assert get_path(obj, *path, default="none") == "none"


def test_a_child_knows_its_controller() -> None:
    child = {"metadata": {"ownerReferences": [owner_reference(POD, controller=False)]}}
    assert controller_of(child) is None

    child["metadata"]["ownerReferences"].append(owner_reference(POD))

    assert controller_of(child) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "web",
        "uid": "u1",
        "controller": True,
        "blockOwnerDeletion": True,
    }


def test_references_leave_out_what_is_empty() -> None:
    assert object_reference({"kind": "Node", "metadata": {"name": "n"}}) == {
        "kind": "Node",
        "name": "n",
    }


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    ready = {"type": "Ready", "status": "True", "reason": "A"}
    first = with_condition([{"type": "Other", "status": "True"}], ready, now="t1")

    same = with_condition(first, {**ready, "reason": "B"}, now="t2")
    other = with_condition(same, {**ready, "status": "False"}, now="t3")

    assert [one["type"] for one in other] == ["Other", "Ready"]
    assert (same[1]["reason"], same[1]["lastTransitionTime"]) == ("B", "t1")
    assert other[1]["lastTransitionTime"] == "t3"


def test_conditions_are_found_by_type() -> None:
    obj = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}

    assert is_condition_true(obj, "Ready")
    assert not is_condition_true(obj, "Other")
    assert find_condition({}, "Ready") is None
