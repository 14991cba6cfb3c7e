"""Values against schemas, in the words that kube-apiserver uses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.kinds.custom.defaulting import filler
from minikube_py.kinds.custom.formats import has_format
from minikube_py.kinds.custom.values import value_errors
from minikube_py.kinds.openapi import Schema
from minikube_py.kinds.schema import prune_below
from minikube_py.meta import encoding
from minikube_py.meta.objects import Object


def said(value: Any, node: Object, **old: Any) -> list[str]:
    return [str(error) for error in value_errors(value, node, "spec.a", **old)]


@pytest.mark.parametrize(
    ("node", "value", "message"),
    [
        (
            {"type": "integer"},
            "x",
            'Invalid value: "string": spec.a in body must be of type integer: "string"',
        ),
        (
            {"type": "integer"},
            1.5,
            'Invalid value: "number": spec.a in body must be of type integer: "number"',
        ),
        (
            {"type": "boolean"},
            1,
            'Invalid value: "integer": spec.a in body must be of type boolean: "integer"',
        ),
        (
            {"type": "string"},
            None,
            'Invalid value: "null": spec.a in body must be of type string: "null"',
        ),
        (
            {"x-kubernetes-int-or-string": True},
            True,
            'Invalid value: "boolean": spec.a in body must be of type integer,string: "boolean"',
        ),
        (
            {"type": "integer", "maximum": 10},
            11,
            "Invalid value: 11: spec.a in body should be less than or equal to 10",
        ),
        (
            {"type": "integer", "maximum": 10, "exclusiveMaximum": True},
            10,
            "Invalid value: 10: spec.a in body should be less than 10",
        ),
        (
            {"type": "integer", "minimum": 1},
            0,
            "Invalid value: 0: spec.a in body should be greater than or equal to 1",
        ),
        (
            {"type": "number", "minimum": 0.5, "exclusiveMinimum": True},
            0.5,
            "Invalid value: 0.5: spec.a in body should be greater than 0.5",
        ),
        (
            {"type": "number", "multipleOf": 0.1},
            0.25,
            "Invalid value: 0.25: spec.a in body should be a multiple of 0.1",
        ),
        (
            {"type": "string", "minLength": 2},
            "x",
            'Invalid value: "x": spec.a in body should be at least 2 chars long',
        ),
        (
            {"type": "string", "maxLength": 2},
            "xyz",
            "Too long: may not be more than 2 bytes",
        ),
        (
            {"type": "string", "pattern": "^a+$"},
            "b",
            "Invalid value: \"b\": spec.a in body should match '^a+$'",
        ),
        (
            {"type": "string", "format": "ipv4"},
            "b",
            'Invalid value: "b": spec.a in body must be of type ipv4: "b"',
        ),
        (
            {"type": "string", "enum": ["x", "b"]},
            "y",
            'Unsupported value: "y": supported values: "x", "b"',
        ),
        (
            {"type": "array", "items": {"type": "string"}, "maxItems": 1},
            ["a", "b"],
            "Too many: 2: must have at most 1 item",
        ),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            [],
            "Invalid value: []: spec.a in body should have at least 1 items",
        ),
        (
            {"type": "object", "maxProperties": 0},
            {"b": 1},
            "Too many: 1: must have at most 0 items",
        ),
        (
            {"type": "object", "minProperties": 1},
            {},
            "Invalid value: {}: spec.a in body should have at least 1 properties",
        ),
        (
            {"type": "string", "not": {"enum": ["x"]}},
            "x",
            'Invalid value: "": "spec.a" must not validate the schema (not)',
        ),
    ],
)
def test_a_value_that_does_not_fit_is_told_as_kubernetes_tells_it(
    node: Object, value: Any, message: str
) -> None:
    assert said(value, node) == [f"spec.a: {message}"]


def test_what_is_inside_is_named_by_its_path() -> None:
    node = {
        "type": "object",
        "required": ["name"],
        "properties": {"list": {"type": "array", "items": {"type": "integer"}}},
        "additionalProperties": {"type": "string"},
    }

    assert said({"list": [1, "x"], "other": 3}, node) == [
        "spec.a.name: Required value",
        'spec.a.list[1]: Invalid value: "string": spec.a.list[1] in body must be of type integer: '
        '"string"',
        'spec.a.other: Invalid value: "integer": spec.a.other in body must be of type string: '
        '"integer"',
    ]


def test_one_of_wants_exactly_one() -> None:
    node = {"type": "object", "oneOf": [{"required": ["b"]}, {"required": ["c"]}]}
    rule = 'spec.a: Invalid value: "": "spec.a" must validate one and only one schema (oneOf).'

    assert said({"b": 1}, node) == []
    assert said({}, node)[0] == f"{rule} Found none valid"
    assert said({"b": 1, "c": 1}, node) == [f"{rule} Found 2 valid alternatives"]


def test_any_of_and_all_of_tell_why() -> None:
    any_of = {"type": "integer", "anyOf": [{"minimum": 5}, {"maximum": 1}]}
    all_of = {"type": "integer", "allOf": [{"minimum": 1}, {"maximum": 3}]}

    assert said(7, any_of) == []
    assert said(2, all_of) == []
    assert "must validate at least one schema (anyOf)" in said(3, any_of)[0]
    assert "should be less than or equal to 3" in said(4, all_of)[0]
    assert "must validate all the schemas (allOf)" in said(4, all_of)[1]


def test_sets_and_map_lists_hold_nothing_twice() -> None:
    a_set = {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}
    item = {"type": "object", "properties": {"name": {"type": "string"}}}
    a_map = {
        "type": "array",
        "items": item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }

    assert said(["a", "b", "a"], a_set) == ['spec.a[2]: Duplicate value: "a"']
    assert said([{"name": "a"}, {"name": "a", "b": 1}], a_map) == [
        'spec.a[1]: Duplicate value: {"name":"a"}'
    ]


def test_embedded_objects_need_a_kind_and_sound_metadata() -> None:
    node = {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "x-kubernetes-preserve-unknown-fields": True,
    }

    assert said({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}, node) == []
    assert said({"kind": "Pod"}, node) == ["spec.a.apiVersion: Required value: must not be empty"]
    wrong = said({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a b": "c"}}}, node)
    assert wrong[0].startswith("spec.a.metadata.labels: Invalid value")


def test_what_was_wrong_before_and_is_left_alone_stops_no_update() -> None:
    node = {
        "type": "object",
        "properties": {"b": {"type": "string", "maxLength": 1}, "c": {"type": "integer"}},
    }

    assert said({"b": "long", "c": 2}, node, old={"b": "long", "c": 1}) == []
    assert len(said({"b": "longer", "c": 2}, node, old={"b": "long", "c": 1})) == 1


def test_true_is_not_one() -> None:
    assert said(True, {"enum": [1]}) != []
    assert said(1, {"type": "integer"}, old=True) == []


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("bsonobjectid", "0123456789abcdef01234567", "xyz"),
        ("uri", "https://example.com/a", "not a uri"),
        ("email", "a@example.com", "a.example.com"),
        ("hostname", "a.example.com", "-a"),
        ("ipv4", "10.0.0.1", "10.0.0"),
        ("ipv6", "::1", "10.0.0.1"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("mac", "01:23:45:67:89:ab", "01:23"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123"),
        ("uuid4", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
        ("isbn", "0321751043", "0321751044"),
        ("isbn13", "978-0321751041", "978-0321751042"),
        ("creditcard", "4111-1111-1111-1111", "1234"),
        ("ssn", "111-11-1111", "1"),
        ("hexcolor", "#FFF", "#FFFF"),
        ("rgbcolor", "rgb(1, 2, 255)", "rgb(1,2,256)"),
        ("byte", "eA==", "x"),
        ("date", "2026-01-31", "2026-02-31"),
        ("date-time", "2026-01-31T12:00:00Z", "2026-01-31"),
        ("duration", "1h30m", "soon"),
        ("k8s-short-name", "web", "a.b"),
        ("k8s-long-name", "a.b", "A"),
    ],
)
def test_formats_that_kubernetes_checks(name: str, good: str, bad: str) -> None:
    assert has_format(good, name)
    assert not has_format(bad, name)


def test_other_formats_mean_nothing() -> None:
    assert has_format("anything", "my-own")


# --- properties over schemas made up by hypothesis -----------------------------------------------

_NAMES = st.sampled_from(["a", "b", "c"])


def _described(node: Object) -> st.SearchStrategy[Any]:
    """Values that fit a schema of `schemas`."""
    type_ = node.get("type")
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if type_ == "string":
        return st.text(min_size=node.get("minLength", 0), max_size=node.get("maxLength", 5))
    if type_ == "integer":
        return st.integers(node.get("minimum", -9), node.get("maximum", 9))
    if type_ == "boolean":
        return st.booleans()
    if type_ == "array":
        return st.lists(_described(node["items"]), max_size=node.get("maxItems", 3))
    if "additionalProperties" in node:
        return st.dictionaries(_NAMES, _described(node["additionalProperties"]), max_size=2)
    known = {name: _described(child) for name, child in node["properties"].items()}
    needed = node.get("required", [])
    optional = {name: value for name, value in known.items() if name not in needed}
    return st.fixed_dictionaries({name: known[name] for name in needed}, optional=optional)


def _objects(children: st.SearchStrategy[Object]) -> st.SearchStrategy[Object]:
    def with_required(properties: Object) -> st.SearchStrategy[Object]:
        some = st.lists(st.sampled_from(sorted(properties)), unique=True, max_size=2)
        return some.map(
            lambda needed: {"type": "object", "properties": properties, "required": needed}
        )

    return st.dictionaries(_NAMES, children, min_size=1, max_size=3).flatmap(with_required)


_SCHEMAS: st.SearchStrategy[Object] = st.recursive(
    st.sampled_from(
        [
            {"type": "string", "maxLength": 3, "default": "d"},
            {"type": "string", "enum": ["x", "y"]},
            {"type": "integer", "minimum": 0, "maximum": 4, "default": 2},
            {"type": "boolean"},
        ]
    ),
    lambda children: st.one_of(
        _objects(children),
        children.map(lambda child: {"type": "array", "items": child, "maxItems": 2}),
        children.map(lambda child: {"type": "object", "additionalProperties": child}),
    ),
    max_leaves=6,
)
_ROOTS = _objects(_SCHEMAS)


@given(st.data())
def test_what_is_made_from_a_schema_fits_it_and_loses_nothing(data: st.DataObject) -> None:
    node = data.draw(_ROOTS)
    value = data.draw(_described(node))

    kept = encoding.decode(encoding.encode(value))
    prune_below(kept, Schema(node, structural=True))

    assert value_errors(value, node) == []
    assert kept == value


@given(st.data())
def test_defaults_fit_and_filling_twice_changes_nothing(data: st.DataObject) -> None:
    node = data.draw(_ROOTS)
    value = data.draw(_described(node))
    fill = filler(node) or (lambda _value: None)

    fill(value)
    once = encoding.encode(value)
    fill(value)

    assert value_errors(value, node) == []
    assert encoding.encode(value) == once


@given(st.data(), st.recursive(st.integers(-9, 9) | st.text(max_size=2), st.lists, max_leaves=3))
def test_pruning_twice_is_pruning_once(data: st.DataObject, odd: Any) -> None:
    schema = Schema(data.draw(_ROOTS), structural=True)
    value = data.draw(
        st.recursive(
            st.just(odd),
            lambda inner: st.dictionaries(st.sampled_from("abcxyz"), inner, max_size=4),
            max_leaves=8,
        ).filter(lambda drawn: isinstance(drawn, dict))
    )

    prune_below(value, schema)
    once = encoding.encode(value)
    prune_below(value, schema)

    assert encoding.encode(value) == once
