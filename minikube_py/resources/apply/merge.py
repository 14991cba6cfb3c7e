"""Merging an apply configuration into a live object, and taking fields out again
(structured-merge-diff's typed merge and remove).

Pure: builds new containers on the way to what changes and shares the rest.
"""

from collections.abc import Iterable
from typing import Any

from minikube_py.kinds.schema import Schema
from minikube_py.resources.apply.paths import Path
from minikube_py.resources.apply.structure import (
    child_schema,
    items_by_step,
    shape_of,
)

Removals = dict[str, Any]
"""Steps to go: None = the field goes, a dict = what goes below it."""


def merge(live: Any, config: Any, schema: Schema | None, path: Path = ()) -> Any:
    """`live` with everything that `config` says; lists merge by key, in the order config wants."""
    shape = shape_of(config, schema)
    if live is None or shape == "leaf" or shape_of(live, schema) != shape:
        return config
    if shape == "map":
        merged = dict(live)
        for name, value in config.items():
            child = child_schema(schema, name)
            merged[name] = merge(live.get(name), value, child, (*path, f"f:{name}"))
        return merged
    assert schema is not None
    left = items_by_step(live, schema, path, shape)
    right = items_by_step(config, schema, path, shape)
    return _merge_items(left, right, schema, path)


def _merge_items(
    left: dict[str, list[Any]], right: dict[str, list[Any]], schema: Schema, path: Path
) -> list[Any]:
    """Config's items in config's order; live ones that it doesn't name stay after whom they
    followed.
    """
    result: list[Any] = []
    waiting = list(left)
    for step, items in right.items():
        if step in left:
            while waiting and waiting[0] != step:
                passed = waiting.pop(0)
                if passed not in right:
                    result += left[passed]
            if waiting:
                waiting.pop(0)
        known = left.get(step, [])
        live = known[0] if len(known) == 1 else None
        result.append(merge(live, items[0], schema.items, (*path, step)))
    for step in waiting:
        if step not in right:
            result += left[step]
    return result


def without_empty_lists(config: Any, schema: Schema | None) -> Any:
    """A list that merges says nothing by being empty: no item is named."""
    if not isinstance(config, dict):
        return config
    kept = {}
    for name, value in config.items():
        child = child_schema(schema, name)
        mergeable = isinstance(value, list) and shape_of(value, child) != "leaf"
        if not mergeable:
            kept[name] = without_empty_lists(value, child)
        elif value:
            items = child.items if child is not None else None
            kept[name] = [without_empty_lists(item, items) for item in value]
    return kept


def remove(obj: Any, paths: Iterable[Path], schema: Schema | None) -> Any:
    """`obj` without what is at and below `paths`."""
    removals: Removals = {}
    for path in sorted(paths):
        node: Removals | None = removals
        for step in path[:-1]:
            node = node.setdefault(step, {}) if node is not None else None
        if node is not None:
            node[path[-1]] = None
    return _remove(obj, removals, schema, ())


def _remove(value: Any, removals: Removals, schema: Schema | None, path: Path) -> Any:
    shape = shape_of(value, schema)
    if shape == "leaf":
        return value
    if shape == "map":
        return {
            name: _remove_below(child, removals, f"f:{name}", child_schema(schema, name), path)
            for name, child in value.items()
            if removals.get(f"f:{name}", removals) is not None
        }
    assert schema is not None
    return [
        _remove_below(item, removals, step, schema.items, path)
        for step, items in items_by_step(value, schema, path, shape).items()
        if removals.get(step, removals) is not None
        for item in items
    ]


def _remove_below(
    child: Any, removals: Removals, step: str, schema: Schema | None, path: Path
) -> Any:
    below = removals.get(step)
    return _remove(child, below, schema, (*path, step)) if below else child
