"""From a definition to kinds: versions, columns, subresources, selectable fields, documents."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from minikube_py.kinds.catalog import Catalog
from minikube_py.kinds.custom.build import kinds_of
from minikube_py.kinds.custom.publishing import definitions_of
from minikube_py.kinds.custom.versions import by_priority
from minikube_py.kinds.schema import prune_unknown, schema_for, type_errors, unknown_fields
from minikube_py.meta import encoding
from minikube_py.meta.objects import Object
from minikube_py.resources.conversion import from_stored, served_bytes, to_stored
from tests.kinds.custom.definitions import (
    definition,
    established,
    kind_with,
    spec_schema,
    version,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_kind_has_the_accepted_names() -> None:
    made = established(definition(names={"shortNames": ["ct"], "categories": ["all"]}))

    kind = kinds_of(made)[0]

    assert (kind.api_version, kind.kind, kind.list_name) == (
        "stable.example.com/v1",
        "CronTab",
        "CronTabList",
    )
    assert (kind.short_names, kind.categories, kind.singular_name) == (("ct",), ("all",), "crontab")
    assert kind.namespaced
    assert not kind.has_status
    assert kind.scale is None


def test_versions_come_in_order_of_preference() -> None:
    names = ["v1", "v10beta3", "v2", "foo", "v1alpha1", "v10beta10"]

    assert by_priority(names) == ["v2", "v1", "v10beta10", "v10beta3", "v1alpha1", "foo"]


def test_versions_that_are_not_served_are_no_kinds() -> None:
    made = definition(version("v1"), version("v2", storage=False, served=False))
    made["spec"]["versions"][1]["served"] = False

    assert [kind.version for kind in kinds_of(established(made))] == ["v1"]


def test_scale_finds_its_numbers_where_the_definition_says() -> None:
    paths = {
        "specReplicasPath": ".spec.size",
        "statusReplicasPath": ".status.size",
        "labelSelectorPath": ".status.selector",
    }
    scale = kind_with({"type": "object"}, subresources={"scale": paths, "status": {}}).scale
    assert scale is not None

    assert (scale.spec_replicas, scale.status_replicas) == (("spec", "size"), ("status", "size"))
    assert scale.selector({"status": {"selector": "a=b"}}) == "a=b"
    assert scale.selector({}) == ""


@pytest.mark.parametrize(
    ("type_", "value", "cell"),
    [
        ("string", "a", "a"),
        ("string", 3, "3"),
        ("string", ["a"], '["a"]'),
        ("string", None, None),
        ("integer", 3, 3),
        ("integer", 3.7, 3),
        ("integer", "3", None),
        ("number", 3, 3.0),
        ("number", True, None),
        ("boolean", False, False),
        ("boolean", "x", None),
        ("date", (NOW - timedelta(minutes=5)).isoformat(), "5m"),
        ("date", "yesterday", "<invalid>"),
        ("date", 3, None),
    ],
)
def test_columns_show_values_of_their_type(type_: str, value: Any, cell: Any) -> None:
    column = {"name": "A", "type": type_, "jsonPath": ".spec.a", "priority": 1}
    kind = kind_with({"type": "object"}, additionalPrinterColumns=[column])

    shown = kind.columns[1]

    assert shown.value({"spec": {"a": value}}, NOW) == cell
    assert shown.value({}, NOW) is None
    assert (shown.name, shown.type, shown.priority) == ("A", type_, 1)


def test_without_columns_the_age_is_shown() -> None:
    assert [column.name for column in kind_with({"type": "object"}).columns] == ["Name", "Age"]


def test_selectable_fields_are_texts() -> None:
    schema = spec_schema(a={"type": "string"}, b={"type": "boolean"}, c={"type": "integer"})
    fields = [{"jsonPath": f".spec.{name}"} for name in "abc"]
    kind = kind_with(schema, selectableFields=fields)

    assert kind.selectable_fields({"spec": {"b": True, "c": 3}}) == {
        "spec.a": "",
        "spec.b": "true",
        "spec.c": "3",
    }


# --- schema --------------------------------------------------------------------------------------


def test_what_the_schema_does_not_name_is_pruned() -> None:
    schema = spec_schema(
        a={"type": "object"},
        b={"type": "object", "additionalProperties": {"type": "object", "properties": {}}},
        free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        half={
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"known": {"type": "object"}},
        },
        pod={
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "properties": {"spec": {"type": "object"}},
        },
    )
    kind = kind_with(schema)
    obj = {
        "apiVersion": "stable.example.com/v1",
        "kind": "CronTab",
        "metadata": {"name": "a", "odd": 1, "labels": {"x": "y"}},
        "spec": {
            "a": {"x": 1},
            "b": {"key": {"x": 1}},
            "free": {"x": {"y": 1}},
            "half": {"x": 1, "known": {"y": 1}},
            "pod": {"apiVersion": "v1", "metadata": {"name": "p", "odd": 1}, "x": 1},
        },
        "extra": 1,
    }

    pruned = prune_unknown(obj, kind)

    assert set(pruned) == {
        "metadata.odd",
        "spec.a.x",
        "spec.b.key.x",
        "spec.half.known.y",
        "spec.pod.metadata.odd",
        "spec.pod.x",
        "extra",
    }
    assert unknown_fields(obj, kind) == []


def test_only_metadata_is_checked_when_it_is_read() -> None:
    kind = kind_with(spec_schema(a={"type": "integer"}))

    wrong = type_errors({"metadata": {"labels": []}, "spec": {"a": "x"}}, kind)

    assert [error.field for error in wrong] == ["metadata.labels"]


def test_a_schema_knows_how_lists_are_merged() -> None:
    item = {"type": "object", "properties": {"name": {"type": "string"}}}
    keyed = {
        "type": "array",
        "items": item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }
    spec = schema_for(kind_with(spec_schema(keyed=keyed))).field("spec")
    assert spec is not None

    found = spec.field("keyed")

    assert found is not None
    assert (found.list_type, found.list_map_keys) == ("map", ("name",))
    assert spec.field("absent") is None


# --- versions ------------------------------------------------------------------------------------


def two_versions() -> Object:
    old = version("v1", schema=spec_schema(a={"type": "string"}))
    new = spec_schema(a={"type": "string"}, b={"type": "string", "default": "x"})
    return established(definition(old, version("v2", storage=False, schema=new)))


def stored(api_version: str, **spec: Any) -> Object:
    return {"apiVersion": api_version, "kind": "CronTab", "metadata": {}, "spec": spec}


def test_an_object_is_served_in_every_version_whatever_it_was_stored_in() -> None:
    v2, v1 = kinds_of(two_versions())

    assert from_stored(v2, stored("stable.example.com/v1", a="1")) == stored(
        "stable.example.com/v2", a="1", b="x"
    )
    assert from_stored(v1, stored("stable.example.com/v2", a="1", b="y")) == stored(
        "stable.example.com/v1", a="1"
    )
    assert to_stored(v2, stored("stable.example.com/v2", a="1", b="y")) == stored(
        "stable.example.com/v1", a="1"
    )


def test_bytes_that_are_served_as_they_are_stay_untouched() -> None:
    _, v1 = kinds_of(two_versions())
    encoded = encoding.encode(stored("stable.example.com/v1", a="1", unknown=1))

    assert served_bytes(v1, encoded) is encoded
    assert kind_with({"type": "object"}).stored_as is None


def test_objects_older_than_their_schema_get_its_defaults_when_read() -> None:
    made = definition(version(schema=spec_schema(a={"type": "string", "default": "new"})))
    made["metadata"]["generation"] = 2
    kind = kinds_of(established(made))[0]
    encoded = encoding.encode(stored("stable.example.com/v1", gone=1))

    served = encoding.decode(served_bytes(kind, encoded))

    assert served["spec"] == {"a": "new"}


# --- documents -----------------------------------------------------------------------------------


def test_both_documents_describe_the_kind_and_its_list() -> None:
    kind = kind_with(
        spec_schema(
            a={"type": "string", "nullable": True, "description": "an A"},
            b={"type": "integer", "anyOf": [{"minimum": 1}], "default": 1},
            c={
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                "properties": {"d": {"type": "string"}},
            },
        )
    )

    new, old = definitions_of(kind, version=3), definitions_of(kind, version=2)

    name = "com.example.stable.v1.CronTab"
    assert set(new) == set(old) == {name, f"{name}List"}
    group_version_kind = {"group": "stable.example.com", "version": "v1", "kind": "CronTab"}
    assert new[name]["x-kubernetes-group-version-kind"] == [group_version_kind]
    assert new[name]["properties"]["spec"]["properties"]["a"]["nullable"]
    fields = old[name]["properties"]["spec"]["properties"]
    assert fields["a"] == {"description": "an A"}
    assert fields["b"] == {"type": "integer"}
    assert "properties" not in fields["c"]
    items = old[f"{name}List"]["properties"]["items"]["items"]
    assert items == {"$ref": f"#/definitions/{name}"}


def test_a_group_prefers_the_best_version_of_all_its_kinds() -> None:
    early = definition(version("v1beta1"), plural="cats", kind="Cat")
    late = definition(version("v1"), plural="dogs", kind="Dog")

    catalog = Catalog([*kinds_of(established(early)), *kinds_of(established(late))])

    assert catalog.groups()["stable.example.com"] == ["v1", "v1beta1"]


def test_a_catalog_tells_what_came_and_went() -> None:
    catalog, told = Catalog(), []
    end = catalog.subscribe(lambda gone, new: told.append((list(gone), list(new))))
    first, second = kind_with({"type": "object"}), kind_with({"type": "object"})

    catalog.add(first)
    catalog.replace([first], [second])
    catalog.remove(second)
    end()
    catalog.add(first)

    assert told == [([], [first]), ([first], [second]), ([second], [])]
