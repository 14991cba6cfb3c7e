"""Defaults that a schema may name: what they put into an object must itself fit the schema."""

from collections.abc import Iterator

from minikube_py.kinds import fields
from minikube_py.kinds.custom.defaulting import filler
from minikube_py.kinds.custom.nodes import Node, child_node, properties_of, with_implied_fields
from minikube_py.kinds.custom.values import value_errors
from minikube_py.kinds.openapi import Schema
from minikube_py.kinds.schema import prune_below
from minikube_py.meta import encoding
from minikube_py.meta.errors import FieldError


def default_errors(schema: Node, path: str) -> Iterator[FieldError]:
    """Of a schema that is sound otherwise."""
    if schema.get("default") is not None:
        yield fields.forbidden(f"{path}.default", "must not be set at the root")
    yield from _below(schema, path)


def _errors(node: Node, path: str) -> Iterator[FieldError]:
    default = node.get("default")
    if default is not None:
        at = f"{path}.default"
        pruned = encoding.decode(encoding.encode(default))
        if isinstance(pruned, dict):
            inside = with_implied_fields(node, is_root=False)
            prune_below(pruned, Schema(inside, structural=True))
        if pruned != default:
            yield fields.invalid(at, default, "must not have unknown fields")
        else:
            fill = filler(node)
            if fill is not None:
                fill(pruned)
            yield from value_errors(pruned, node, at)
    yield from _below(node, path)


def _below(node: Node, path: str) -> Iterator[FieldError]:
    for name, child in properties_of(node).items():
        yield from _errors(child, f"{path}.properties[{name}]")
    for keyword in ("items", "additionalProperties"):
        below = child_node(node, keyword)
        if below is not None:
            yield from _errors(below, f"{path}.{keyword}")
