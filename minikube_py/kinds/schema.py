"""What a kind's published schema says about an object: unknown fields, wrong types.

One place to ask for whoever reads objects from clients. Values and rules beyond the shape (required
fields, ranges, references) are the kinds' own validation.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from minikube_py.kinds.kind import Kind
from minikube_py.kinds.openapi import (
    KUBERNETES_VERSION,
    Schema,
    definition_name,
    definitions,
    schema_for,
    schema_named,
)
from minikube_py.kinds.type_check import type_errors

__all__ = [
    "KUBERNETES_VERSION",
    "Schema",
    "definition_name",
    "definitions",
    "did_you_mean",
    "prune_below",
    "prune_unknown",
    "schema_for",
    "schema_named",
    "type_errors",
    "unknown_fields",
]


def unknown_fields(obj: Mapping[str, Any], kind: Kind) -> list[str]:
    """Paths of fields that the kind doesn't have, `spec.replcas`, in the object's own order."""
    return [path for _, _, path in _unknown(obj, schema_for(kind), "")]


def prune_unknown(obj: dict[str, Any], kind: Kind) -> list[str]:
    """Drops them, as the API does before it stores; returns their paths."""
    found = list(_unknown(obj, schema_for(kind), ""))
    for holder, name, _ in found:
        del holder[name]
    return [path for _, _, path in found]


def prune_below(obj: dict[str, Any], schema: Schema) -> None:
    """The same for a schema that belongs to no kind yet."""
    for holder, name, _ in list(_unknown(obj, schema, "")):
        del holder[name]


def did_you_mean(path: str, kind: Kind) -> str | None:
    """The field of the same parent that is spelt most like an unknown one's last step."""
    from difflib import get_close_matches  # slow to import, only for the misspelt

    *parents, name = re.sub(r"\[\d+\]", "", path).split(".")
    schema: Schema | None = schema_for(kind)
    for parent in parents:
        schema = schema and schema.field(parent)
        while schema is not None and schema.type == "array":
            schema = schema.items
    if schema is None:
        return None
    lower = {field.lower(): field for field in schema.field_names}
    close = get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    return lower[close[0]] if close else None


def _unknown(value: Any, schema: Schema, path: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    if isinstance(value, dict):
        if schema.preserve_unknown:
            return
        for name, child in value.items():
            child_path = f"{path}.{name}" if path else name
            child_schema = schema.field(name)
            if child_schema is None:
                if not schema.keeps_unknown:
                    yield value, name, child_path
            else:
                yield from _unknown(child, child_schema, child_path)
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            yield from _unknown(item, schema.items, f"{path}[{index}]")
