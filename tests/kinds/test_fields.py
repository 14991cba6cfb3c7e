from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.kinds import fields
from minikube_py.kinds.int_or_percent import check_int_or_percent, is_zero
from minikube_py.kinds.quantities import canonical, canonical_resource
from minikube_py.meta.names import label_problem
from minikube_py.meta.quantity import parse_quantity


def _errors(metadata: dict[str, Any], *, namespaced: bool = True) -> list[str]:
    found = fields.validate_object_meta({"metadata": metadata}, namespaced=namespaced)
    return [str(error) for error in found]


def test_messages_follow_kubernetes() -> None:
    expected = {
        fields.required("a"): "a: Required value",
        fields.required("a", "why"): "a: Required value: why",
        fields.invalid("a", "x", "why"): 'a: Invalid value: "x": why',
        fields.not_supported("a", "x", ("c", "b")): (
            'a: Unsupported value: "x": supported values: "b", "c"'
        ),
        fields.duplicate("a", 1): "a: Duplicate value: 1",
        fields.forbidden("a", "why"): "a: Forbidden: why",
        fields.not_found("a", "x"): 'a: Not found: "x"',
        fields.too_long("a", 3): "a: Too long: may not be more than 3 bytes",
        fields.too_many("a", 3, 1): "a: Too many: 3: must have at most 1 item",
    }

    assert [str(error) for error in expected] == list(expected.values())


def test_good_metadata() -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "u", "controller": True}
    rich = {
        "name": "a.b",
        "namespace": "default",
        "generateName": "a-",
        "labels": {"example.com/a": ""},
        "annotations": {"Example.com/A": "any thing"},
        "finalizers": ["orphan", "example.com/a"],
        "ownerReferences": [owner, {**owner, "controller": False}],
    }

    assert _errors(rich) == []
    assert _errors({"name": "a"}, namespaced=False) == []


@pytest.mark.parametrize(
    ("metadata", "path", "message"),
    [
        ({"name": ""}, "name", "Required value: name or generateName is required"),
        ({"name": "A"}, "name", 'Invalid value: "A": a lowercase RFC 1123 subdomain'),
        ({"generateName": "A-"}, "generateName", 'Invalid value: "A-"'),
        ({"namespace": ""}, "namespace", "Required value"),
        ({"namespace": "a.b"}, "namespace", 'Invalid value: "a.b"'),
        ({"labels": {"a b": ""}}, "labels", 'Invalid value: "a b": name part must'),
        ({"labels": {"a": "b c"}}, "labels", 'Invalid value: "b c": a valid label must'),
        ({"annotations": {"a b": ""}}, "annotations", 'Invalid value: "a b"'),
        (
            {"annotations": {"a": "x" * 2**18}},
            "annotations",
            "Too long: may not be more than 262144",
        ),
        ({"finalizers": ["a"]}, "finalizers[0]", 'Invalid value: "a": name is neither a standard'),
        ({"finalizers": ["a b/c"]}, "finalizers[0]", 'Invalid value: "a b/c"'),
        ({"finalizers": ["orphan", "foregroundDeletion"]}, "finalizers", "Invalid value: ["),
        ({"generation": -1}, "generation", "Invalid value: -1"),
        ({"ownerReferences": [{}]}, "ownerReferences[0].uid", 'Invalid value: "": must not be'),
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "a", "uid": "u"}]},
            "ownerReferences[0]",
            'Invalid value: "/v1, Kind=Event": is disallowed from being an owner',
        ),
        (
            {
                "ownerReferences": [
                    {"name": "a", "controller": True},
                    {"name": "b", "controller": True},
                ]
            },
            "ownerReferences",
            "Invalid value: [",
        ),
    ],
)
def test_bad_metadata_is_refused(metadata: dict[str, Any], path: str, message: str) -> None:
    errors = _errors({"name": "a", "namespace": "default", **metadata})

    assert any(error.startswith(f"metadata.{path}: {message}") for error in errors), errors


def test_a_cluster_scoped_object_has_no_namespace() -> None:
    assert _errors({"name": "a", "namespace": "b"}, namespaced=False) == [
        "metadata.namespace: Forbidden: not allowed on this type"
    ]


def test_a_kind_may_have_a_name_rule_of_its_own() -> None:
    obj = {"metadata": {"name": "a.b", "namespace": "default"}}

    assert fields.validate_object_meta(obj, namespaced=True, name_problem=label_problem)


def test_identity_and_deletion_of_an_object_stay() -> None:
    old = {"metadata": {"name": "a", "uid": "u", "deletionTimestamp": "t", "finalizers": ["a/b"]}}
    new = {"metadata": {"name": "a", "uid": "w", "finalizers": ["a/b", "a/c"]}}

    errors = [str(error) for error in fields.validate_object_meta_update(new, old)]

    assert errors == [
        'metadata.uid: Invalid value: "w": field is immutable',
        "metadata.deletionTimestamp: Invalid value: null: field is immutable; may only be changed "
        "via deletion",
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being "
        'deleted, found new finalizers ["a/c"]',
    ]
    assert fields.validate_object_meta_update(old, old) == []


def test_repeats_are_found_by_field_or_as_a_whole() -> None:
    named = [{"name": "a"}, {}, {"name": "a"}, {}]

    assert [error.field for error in fields.check_unique("p", named, "name")] == ["p[2].name"]
    assert [error.field for error in fields.check_unique("p", ["a", "b", "a"])] == ["p[2]"]


def test_a_choice_may_be_left_open() -> None:
    assert fields.check_choice("p", None, ("a",), must_be_set=False) == []
    assert fields.check_choice("p", None, ("a",))[0].message == "Required value"


def test_an_empty_value_counts_as_none_for_immutability() -> None:
    assert fields.check_immutable("p", None, "") == []
    assert fields.check_immutable("p", "a", None)


def test_addresses_and_ranges() -> None:
    assert fields.ip_problem("::1") is None
    assert fields.ip_problem("1.1.1")
    assert fields.cidr_problem("10.0.0.1/24") is None
    assert fields.cidr_problem("10.0.0.0/33")


@pytest.mark.parametrize("value", [None, 0, 5, "0%", "100%", "007%"])
def test_counts_may_be_percentages(value: int | str | None) -> None:
    assert check_int_or_percent("p", value, at_most_all=True) == []


@pytest.mark.parametrize("value", [-1, "5", "%", "101%", "-1%", "1.5%"])
def test_bad_counts_are_refused(value: int | str) -> None:
    assert check_int_or_percent("p", value, at_most_all=True)


def test_zero_is_zero_as_number_and_percentage() -> None:
    assert [is_zero(value) for value in (0, "0%", "00%", None, 1, "10%")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1.1Gi", "1181116006400m"),
        (0.5, "500m"),
        ("1000m", "1"),
        ("1e3", "1e3"),
        ("1000e0", "1e3"),
        ("12e-1", "1200e-3"),
        ("0e5", "0"),
        ("1E", "1E"),
        ("500Ki", "500Ki"),
        ("0.5Ki", "512"),
        (0, "0"),
    ],
)
def test_quantities_are_stored_in_canonical_form(text: str | float, stored: str) -> None:
    assert canonical(text) == stored


def test_resource_lists_are_rounded_up_to_thousandths() -> None:
    assert canonical_resource("1n") == "1m"
    assert canonical_resource("1001u") == "2m"
    assert canonical_resource("100m") == "100m"


@given(
    st.decimals(min_value=-(10**9), max_value=10**9, places=6),
    st.sampled_from(["", "m", "k", "Ki", "Gi", "e3", "E-2"]),
)
def test_canonical_form_keeps_the_value_and_is_stable(number: object, suffix: str) -> None:
    text = f"{number}{suffix}"

    assert parse_quantity(canonical(text)) == parse_quantity(text)
    assert canonical(canonical(text)) == canonical(text)


def test_finalizers_of_a_leaving_object_may_go() -> None:
    old = {"metadata": {"name": "a", "deletionTimestamp": "t", "finalizers": ["a/b", "a/c"]}}
    new = {"metadata": {"name": "a", "deletionTimestamp": "t", "finalizers": ["a/b"]}}

    assert fields.validate_object_meta_update(new, old) == []


def test_a_good_selector_has_nothing_to_say() -> None:
    expressions = [
        {"key": "a", "operator": "In", "values": ["b"]},
        {"key": "a", "operator": "DoesNotExist"},
    ]

    assert fields.validate_selector({"matchExpressions": expressions}, "spec.selector") == []
    assert fields.validate_selector(None, "spec.selector") == []
