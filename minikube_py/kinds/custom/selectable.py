"""Fields of custom objects that field selectors may name (KEP-4358): plain paths to scalars."""

from collections.abc import Iterator, Mapping
from typing import Any

from minikube_py.kinds import fields
from minikube_py.kinds.custom.nodes import Node, properties_of
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import get_path

_MOST = 8
_SCALARS = ("boolean", "integer", "string")


def selectable_errors(version: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    wanted = version.get("selectableFields") or []
    schema: Node = get_path(version, "schema", "openAPIV3Schema", default={})
    if len(wanted) > _MOST:
        yield fields.too_many(path, len(wanted), _MOST)
    yield from fields.check_unique(path, wanted, "jsonPath")
    for index, each in enumerate(wanted):
        expression, at = each.get("jsonPath") or "", f"{path}[{index}].jsonPath"
        if not expression:
            yield fields.required(at)
        elif problem := _problem(expression, schema):
            yield fields.invalid(at, expression, problem)


def _problem(expression: str, schema: Node) -> str | None:
    if not expression.startswith(".") or "[" in expression:
        return "is an invalid path: must be a simple json path of named fields, such as .spec.color"
    steps = expression.removeprefix(".").split(".")
    if steps[0] == "metadata":
        return "must not point to fields in metadata"
    node = schema
    for step in steps:
        if step not in properties_of(node):
            return "is an invalid path: does not refer to a valid field"
        node = properties_of(node)[step]
    if node.get("type") not in _SCALARS:
        return "must point to a field of type string, boolean or integer"
    return None
