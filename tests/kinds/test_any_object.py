"""Whatever is of the right types, however senseless, is judged and shown without a crash.

Objects are drawn from the published schemas, so fields that nobody thought of are there too.
"""

import copy
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikube_py.kinds.catalog import builtin_catalog
from minikube_py.kinds.fields import validate_object_meta
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import Schema, schema_for, type_errors, unknown_fields
from minikube_py.meta.errors import Invalid
from minikube_py.meta.objects import Object

NOW = datetime(2026, 1, 31, tzinfo=UTC)
_TEXTS = (
    "",
    "a",
    "A b",
    "/a/../b",
    "None",
    "Always",
    "Localhost",
    "ClientIP",
    "RollingUpdate",
    "NodePort",
    "ExternalName",
    "In",
    "Exists",
    "Gt",
    "10.0.0.1",
    "metadata.labels['a']",
    "kubernetes.io/tls",
    "ä\n",
)
_QUANTITIES = ("1", "0.5", "-1", "1Gi", "1e3", "3n", 2, 0.25)


def _draw(schema: Schema, source: random.Random, depth: int) -> Any:
    if schema.is_quantity:
        return source.choice(_QUANTITIES)
    if schema.int_or_string:
        return source.choice([0, 1, 70000, -1, "", "25%", "web", "200%"])
    if schema.type == "object":
        return _draw_object(schema, source, depth)
    if schema.type == "array":
        assert schema.items is not None
        count = source.choice([0, 1, 1, 2]) if depth > 0 else 0
        return [_draw(schema.items, source, depth - 1) for _ in range(count)]
    if schema.format == "date-time":
        return "2026-01-30T00:00:00Z"
    if schema.format == "byte":
        return source.choice(["", "eA=="])
    if schema.type == "boolean":
        return source.random() < 0.5
    if schema.type in ("integer", "number"):
        return source.choice([-1, 0, 1, 2, 80, 70000])
    return source.choice(_TEXTS)


def _draw_object(schema: Schema, source: random.Random, depth: int) -> Object:
    if schema.additional is not None:
        return {
            source.choice(("a", "cpu", "storage", "tls.crt", "a b")): _draw(
                schema.additional, source, depth - 1
            )
            for _ in range(source.choice([0, 1, 2]))
        }
    if depth <= 0:
        return {}
    drawn = {}
    for name in schema.field_names:
        if source.random() < 0.5:
            child = schema.field(name)
            assert child is not None
            drawn[name] = None if source.random() < 0.02 else _draw(child, source, depth - 1)
    return drawn


def _object(kind: Kind, seed: int) -> Object:
    source = random.Random(seed)
    drawn = _draw_object(schema_for(kind), source, 9)
    metadata = {"name": "a", **(drawn.get("metadata") or {})}
    return {**drawn, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}


@pytest.mark.parametrize("kind", builtin_catalog().all(), ids=repr)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_object_of_the_right_types_is_judged_and_shown(kind: Kind, seed: int) -> None:
    obj = _object(kind, seed)
    assert type_errors(obj, kind) == []
    assert unknown_fields(obj, kind) == []

    kind.default(obj)
    once = copy.deepcopy(obj)
    kind.default(obj)
    assert obj == once
    assert type_errors(obj, kind) == []
    try:
        kind.prepare(obj, None)
    except Invalid:
        obj["spec"].pop("ephemeralContainers")

    errors = [
        *validate_object_meta(obj, namespaced=kind.namespaced, name_problem=kind.name_problem),
        *kind.validate_create(obj),
        *kind.validate_update(obj, once),
    ]
    cells = [column.value(obj, NOW) for column in kind.columns]

    assert all(error.message for error in errors)
    assert None not in cells
    assert all(isinstance(value, str) for value in kind.selectable_fields(obj).values())
