"""Defaults of a structural schema. The schema is read once, so that what has no defaults costs
nothing on a write.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minikube_py.kinds.custom.nodes import Node, child_node, properties_of
from minikube_py.meta import encoding

Fill = Callable[[Any], None]
"""Puts defaults where nothing is, in place."""


@dataclass(frozen=True)
class _Field:
    """`default` is encoded, None = none; `fill` is for what stands below the field."""

    default: bytes | None
    nullable: bool
    fill: Fill | None


def filler(node: Node) -> Fill | None:
    """None for a schema without any default."""
    fields = {name: _field(child) for name, child in properties_of(node).items()}
    fields = {name: field for name, field in fields.items() if field.default or field.fill}
    entries = _below(child_node(node, "additionalProperties"))
    items = _below(child_node(node, "items"))
    if not fields and entries is None and items is None:
        return None

    def fill(value: Any) -> None:
        if isinstance(value, dict):
            for name, field in fields.items():
                _fill_field(value, name, field)
            if entries is not None:
                for name, child in value.items():
                    if name not in fields:
                        entries(child)
        elif isinstance(value, list) and items is not None:
            for item in value:
                items(item)

    return fill


def _field(node: Node) -> _Field:
    default = encoding.encode(node["default"]) if node.get("default") is not None else None
    return _Field(default, bool(node.get("nullable")), filler(node))


def _below(node: Node | None) -> Fill | None:
    return filler(node) if node is not None else None


def _fill_field(holder: dict[str, Any], name: str, field: _Field) -> None:
    missing = name not in holder or (holder[name] is None and not field.nullable)
    if missing and field.default is not None:
        holder[name] = encoding.decode(field.default)
    if field.fill is not None and name in holder:
        field.fill(holder[name])
