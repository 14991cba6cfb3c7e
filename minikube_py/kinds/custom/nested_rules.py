"""What may stand below allOf, anyOf, oneOf and not: checks of values alone.

Everything that says which fields there are must be said outside of them, so that pruning,
defaulting and documentation need not know which branch holds (schema/complete.go).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from minikube_py.kinds import fields
from minikube_py.kinds.custom.nodes import Node, child_node, is_int_or_string, properties_of
from minikube_py.meta.errors import FieldError

_JUNCTORS = ("allOf", "anyOf", "oneOf")
_FORBIDDEN: Mapping[str, str] = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    "externalDocs": "must be undefined to be structural",
    "x-kubernetes-preserve-unknown-fields": "must be false to be structural",
    "x-kubernetes-embedded-resource": "must be false to be structural",
    "x-kubernetes-int-or-string": "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}
_INT_OR_STRING: list[Any] = [{"type": "integer"}, {"type": "string"}]


def nested_errors(node: Node, path: str) -> Iterator[FieldError]:
    """Of everything below the junctors of `node`, which itself stands outside."""
    for at, branch in _branches(node, path):
        if not _says_int_or_string(node, at.removeprefix(path), branch):
            yield from _errors(branch, node, at)


def _branches(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    for keyword in _JUNCTORS:
        for index, branch in enumerate(node.get(keyword) or ()):
            yield f"{path}.{keyword}[{index}]", branch
    refused = child_node(node, "not")
    if refused is not None:
        yield f"{path}.not", refused


def _says_int_or_string(node: Node, at: str, branch: Node) -> bool:
    """The two shapes in which generators write int-or-string down."""
    if not is_int_or_string(node):
        return False
    if at.startswith(".anyOf"):
        return bool(node.get("anyOf") == _INT_OR_STRING)
    return at == ".allOf[0]" and branch.get("anyOf") == _INT_OR_STRING


def _errors(branch: Node, outside: Node, path: str) -> Iterator[FieldError]:
    for keyword, detail in _FORBIDDEN.items():
        if branch.get(keyword):
            yield fields.forbidden(f"{path}.{keyword}", detail)
    if "metadata" in properties_of(branch):
        detail = "must not be specified in a nested context"
        yield fields.forbidden(f"{path}.properties[metadata]", detail)
    yield from _properties_errors(branch, outside, path)
    items = child_node(branch, "items")
    if items is not None:
        declared = child_node(outside, "items")
        if declared is None:
            outside_path = _outside(path)
            detail = f"because it is defined in {path}.items"
            yield fields.required(f"{outside_path}.items", detail)
        yield from _errors(items, declared or {}, f"{path}.items")
    for at, deeper in _branches(branch, path):
        yield from _errors(deeper, outside, at)


def _properties_errors(branch: Node, outside: Node, path: str) -> Iterator[FieldError]:
    declared = properties_of(outside)
    for name, child in properties_of(branch).items():
        at = f"{path}.properties[{name}]"
        if name not in declared:
            detail = f"because it is defined in {at}"
            yield fields.required(f"{_outside(path)}.properties[{name}]", detail)
        yield from _errors(child, declared.get(name, {}), at)


def _outside(path: str) -> str:
    """The node that a path below junctors is about, as it must be declared outside of them."""
    steps = [step for step in path.split(".") if not _is_junctor(step)]
    return ".".join(steps)


def _is_junctor(step: str) -> bool:
    return step == "not" or step.split("[")[0] in _JUNCTORS
