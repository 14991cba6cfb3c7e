"""How a schema cuts an object into fields: what is a leaf, and how a list's items are named.

Without a schema (free-form objects) maps are cut by key and lists are leaves, as
structured-merge-diff's deduced type does.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from minikube_py.kinds.schema import Schema
from minikube_py.meta.errors import BadRequest
from minikube_py.resources.apply.paths import FieldSet, Path, item_step, shown, value_step

Shape = Literal["leaf", "map", "set", "keyed"]
_KEY_DEFAULTS = {"protocol": "TCP"}


def shape_of(value: Any, schema: Schema | None) -> Shape:
    """ "leaf" is owned as a whole: scalars, nulls, atomic maps and lists."""
    if isinstance(value, dict):
        atomic = schema is not None and schema.map_type == "atomic"
        return "leaf" if atomic else "map"
    if isinstance(value, list) and schema is not None:
        if schema.list_type == "map":
            return "keyed"
        if schema.list_type == "set":
            return "set"
    return "leaf"


def child_schema(schema: Schema | None, name: str) -> Schema | None:
    return schema.field(name) if schema is not None else None


def is_named_field(schema: Schema | None, name: str) -> bool:
    """A declared property, rather than a key of a map."""
    return schema is not None and schema.has_field(name)


def item_key(item: Any, schema: Schema, path: Path) -> str:
    """The step that names an item of a keyed list; raises BadRequest when a key is missing."""
    keys: dict[str, Any] = {}
    for name in schema.list_map_keys:
        value = item.get(name) if isinstance(item, dict) else None
        if value is None:
            value = _default_key(schema.items, name)
        if value is not None:
            keys[name] = value
    if not keys:
        names = ", ".join(schema.list_map_keys)
        raise BadRequest(
            f"{shown(path)}: associative list with keys has an element that omits key field(s) "
            f"{names}; set {names} in every item"
        )
    return item_step(keys)


def _default_key(items: Schema | None, name: str) -> Any:
    declared = items.field(name) if items is not None else None
    if declared is not None and declared.default is not None:
        return declared.default
    return _KEY_DEFAULTS.get(name)


def items_by_step(
    values: Sequence[Any], schema: Schema, path: Path, shape: Shape
) -> dict[str, list[Any]]:
    """A set's or keyed list's items by their steps, in order; stored lists may hold duplicates."""
    found: dict[str, list[Any]] = {}
    for value in values:
        step = value_step(value) if shape == "set" else item_key(value, schema, path)
        found.setdefault(step, []).append(value)
    return found


def field_set(obj: Mapping[str, Any], schema: Schema | None) -> FieldSet:
    """The fields an apply configuration sets (tofieldset.go)."""
    return frozenset(_fields(obj, schema, ()))


def _fields(value: Any, schema: Schema | None, path: Path) -> Iterator[Path]:
    shape = shape_of(value, schema)
    if shape == "leaf":
        yield path
    elif shape == "map":
        for name, child in value.items():
            child_path = (*path, f"f:{name}")
            yield from _fields(child, child_schema(schema, name), child_path)
            if child in (None, {}) or not is_named_field(schema, name):
                yield child_path
    else:
        assert schema is not None
        for step, items in items_by_step(value, schema, path, shape).items():
            if len(items) > 1:
                raise BadRequest(f"{shown(path)}: duplicate entries for key {shown((step,))}")
            item_path = (*path, step)
            if shape == "keyed":
                yield from _fields(items[0], schema.items, item_path)
            yield item_path


def named_parents(fields: FieldSet, schema: Schema | None) -> set[Path]:
    """The declared properties on the way to `fields`: owned with their content, though
    managedFields doesn't list them (fieldpath's EnsureNamedFieldsAreMembers).
    """
    found: set[Path] = set()
    for path in fields:
        current = schema
        for length, step in enumerate(path[:-1], start=1):
            if current is None:
                break
            if step.startswith("f:"):
                name = step[2:]
                if current.has_field(name):
                    found.add(path[:length])
                current = current.field(name)
            else:
                current = current.items
    return found
