"""Sets of fields: paths of FieldsV1 steps, and their form in managedFields.

A step is `f:name`, `k:{"name":"x"}` (an item of a keyed list), `v:"x"` (a value of a set) or `i:0`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from minikube_py.meta import encoding

Path = tuple[str, ...]
FieldSet = frozenset[Path]
EMPTY: FieldSet = frozenset()
_SELF = "."


def read_fields(fields_v1: Mapping[str, Any]) -> FieldSet:
    """The paths a FieldsV1 tree names. Clients may write any JSON there: what is no tree below a
    step is as good as nothing.
    """
    found: list[Path] = []
    _collect(fields_v1, (), found)
    return frozenset(found)


def _collect(node: Mapping[str, Any], path: Path, found: list[Path]) -> None:
    for step, child in node.items():
        if step == _SELF:
            found.append(path)
        elif child and isinstance(child, dict):
            _collect(child, (*path, step), found)
        else:
            found.append((*path, step))


def write_fields(fields: FieldSet) -> dict[str, Any]:
    """The FieldsV1 tree; a field that is owned itself and has owned children carries a `.`."""
    root: dict[str, Any] = {}
    for path in sorted(fields):
        node = root
        for step in path:
            node = node.setdefault(step, {})
    for path in fields:
        node = root
        for step in path:
            node = node[step]
        if node:
            node[_SELF] = {}
    return root


def with_parents(fields: Iterable[Path]) -> set[Path]:
    """Every path and every prefix of it."""
    return {path[:length] for path in fields for length in range(1, len(path) + 1)}


def without_prefixes(fields: FieldSet, prefixes: Iterable[Path]) -> FieldSet:
    """Less all paths at or below one of `prefixes`."""
    dropped = tuple(prefixes)
    if not dropped:
        return fields
    return frozenset(
        path for path in fields if not any(path[: len(prefix)] == prefix for prefix in dropped)
    )


def item_step(keys: Mapping[str, Any]) -> str:
    """The step of a keyed list's item."""
    return "k:" + encoding.encode(dict(sorted(keys.items()))).decode()


def value_step(value: Any) -> str:
    return "v:" + encoding.encode(value).decode()


def shown(path: Path) -> str:
    """As conflicts name it: `.spec.containers[name="nginx"].image`."""
    parts = []
    for step in path:
        tag, text = step[0], step[2:]
        if tag == "f":
            parts.append(f".{text}")
        elif tag == "k":
            keys = encoding.decode(text)
            parts.append(
                "[" + ",".join(f"{k}={encoding.encode(v).decode()}" for k, v in keys.items()) + "]"
            )
        elif tag == "v":
            parts.append(f"[={text}]")
        else:
            parts.append(f"[{text}]")
    return "".join(parts)
