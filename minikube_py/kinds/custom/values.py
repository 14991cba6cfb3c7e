"""Do an object's values fit its structural schema? In the words of kube-openapi's validators, which
clients and their tests know.

On an update, a part that is what it was before is not looked at: a schema that became stricter
doesn't make the objects that are there immutable (KEP-4008).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from minikube_py.kinds import fields
from minikube_py.kinds.custom.formats import has_format
from minikube_py.kinds.custom.lists import correlated, repeats
from minikube_py.kinds.custom.nodes import (
    Node,
    child_node,
    is_embedded,
    is_int_or_string,
    properties_of,
)
from minikube_py.kinds.custom.patterns import matches
from minikube_py.kinds.openapi import schema_named
from minikube_py.kinds.type_check import check_value
from minikube_py.meta.errors import FieldError

NOTHING: Any = object()
"""There is no older state to compare with."""
_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def value_errors(value: Any, node: Node, path: str = "", old: Any = NOTHING) -> list[FieldError]:
    """Every value that doesn't fit; `path` is where `value` stands, `old` what stood there."""
    return list(_check(value, node, path, old))


def _check(value: Any, node: Node, path: str, old: Any) -> Iterator[FieldError]:
    if old is not NOTHING and value == old and type(value) is type(old):
        return
    wrong = _type_error(value, node, path)
    if wrong is not None:
        yield wrong
        return
    if value is None:
        return
    if node.get("enum") is not None:
        yield from _enum(value, node["enum"], path)
    if isinstance(value, str):
        yield from _string(value, node, path)
    elif isinstance(value, dict):
        yield from _object(value, node, path, old)
    elif isinstance(value, list):
        yield from _array(value, node, path, old)
    elif type_name(value) != "boolean":
        yield from _number(value, node, path)
    yield from _combined(value, node, path)


# --- types ---------------------------------------------------------------------------------------


def type_name(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for type_, name in _NAMES:
        if isinstance(value, type_):
            return name
    return "object"


_NAMES: Sequence[tuple[type, str]] = (
    (str, "string"),
    (int, "integer"),
    (float, "number"),
    (list, "array"),
)


def _type_error(value: Any, node: Node, path: str) -> FieldError | None:
    if value is None:
        is_fine = bool(node.get("nullable")) or not node.get("type")
    elif is_int_or_string(node):
        is_fine = type_name(value) in ("integer", "string")
    else:
        is_fine = not node.get("type") or _is_of(value, node["type"])
    if is_fine:
        return None
    wanted = "integer,string" if is_int_or_string(node) else node.get("type", "object")
    return _wrong_type(path, type_name(value), wanted)


def _is_of(value: Any, wanted: str) -> bool:
    name = type_name(value)
    if name == wanted:
        return True
    if wanted == "number":
        return name == "integer"
    return wanted == "integer" and name == "number" and float(value).is_integer()


def _wrong_type(path: str, value: str, wanted: str) -> FieldError:
    detail = f"{path} in body must be of type {wanted}: {fields.show(value)}"
    return fields.type_invalid(path, value, detail)


# --- single values -------------------------------------------------------------------------------


def _should(path: str, value: Any, rule: str) -> FieldError:
    return fields.invalid(path, value, f"{path} in body should {rule}")


def _enum(value: Any, allowed: Sequence[Any], path: str) -> Iterator[FieldError]:
    if any(value == choice and type_name(value) == type_name(choice) for choice in allowed):
        return
    shown = [choice if isinstance(choice, str) else fields.show(choice) for choice in allowed]
    listed = ", ".join(fields.show(choice) for choice in shown)
    message = f"Unsupported value: {fields.show(value)}: supported values: {listed}"
    yield FieldError(path, "FieldValueNotSupported", message)


def _string(value: str, node: Node, path: str) -> Iterator[FieldError]:
    longest, shortest = node.get("maxLength"), node.get("minLength")
    if longest is not None and len(value) > longest:
        yield fields.too_long(path, longest)
    if shortest is not None and len(value) < shortest:
        yield _should(path, value, f"be at least {shortest} chars long")
    if node.get("pattern") and not matches(node["pattern"], value):
        yield _should(path, value, f"match '{node['pattern']}'")
    if node.get("format") and not has_format(value, node["format"]):
        yield _wrong_type(path, value, node["format"])


def _number(value: float, node: Node, path: str) -> Iterator[FieldError]:
    largest, smallest, step = node.get("maximum"), node.get("minimum"), node.get("multipleOf")
    if largest is not None:
        if node.get("exclusiveMaximum") and value >= largest:
            yield _should(path, value, f"be less than {_plain(largest)}")
        elif value > largest:
            yield _should(path, value, f"be less than or equal to {_plain(largest)}")
    if smallest is not None:
        if node.get("exclusiveMinimum") and value <= smallest:
            yield _should(path, value, f"be greater than {_plain(smallest)}")
        elif value < smallest:
            yield _should(path, value, f"be greater than or equal to {_plain(smallest)}")
    if step and not _is_multiple(value, step):
        yield _should(path, value, f"be a multiple of {_plain(step)}")


def _is_multiple(value: float, step: float) -> bool:
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    times = value / step
    return math.isfinite(times) and math.isclose(times, round(times), rel_tol=1e-12)


def _plain(number: Any) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)


# --- objects and lists ---------------------------------------------------------------------------


def _object(value: dict[str, Any], node: Node, path: str, old: Any) -> Iterator[FieldError]:
    if is_embedded(node):
        yield from _embedded(value, path)
    yield from _property_count(value, node, path)
    for name in node.get("required") or ():
        if name not in value:
            yield fields.required(fields.joined_path(path, name))
    before = old if isinstance(old, dict) else {}
    known, entries = properties_of(node), child_node(node, "additionalProperties")
    for name, child in value.items():
        child_node_ = known.get(name, entries)
        if child_node_ is not None:
            child_path = fields.joined_path(path, name)
            yield from _check(child, child_node_, child_path, before.get(name, NOTHING))


def _property_count(value: dict[str, Any], node: Node, path: str) -> Iterator[FieldError]:
    most, fewest = node.get("maxProperties"), node.get("minProperties")
    if most is not None and len(value) > most:
        yield fields.too_many(path, len(value), most)
    if fewest is not None and len(value) < fewest:
        yield _should(path, value, f"have at least {fewest} properties")


def _embedded(value: dict[str, Any], path: str) -> Iterator[FieldError]:
    """An object inside the object (schema/objectmeta's Validate)."""
    for name in ("apiVersion", "kind"):
        if not value.get(name):
            yield fields.required(f"{path}.{name}", "must not be empty")
    metadata = value.get("metadata")
    wrong = list(check_value(metadata, schema_named(_OBJECT_META), f"{path}.metadata"))
    yield from wrong
    if isinstance(metadata, dict) and not wrong:
        yield from fields.validate_labels(metadata.get("labels"), f"{path}.metadata.labels")
        annotations = metadata.get("annotations")
        yield from fields.validate_annotations(annotations, f"{path}.metadata.annotations")


def _array(value: list[Any], node: Node, path: str, old: Any) -> Iterator[FieldError]:
    most, fewest = node.get("maxItems"), node.get("minItems")
    if most is not None and len(value) > most:
        yield fields.too_many(path, len(value), most)
    if fewest is not None and len(value) < fewest:
        yield _should(path, value, f"have at least {fewest} items")
    items = child_node(node, "items")
    if items is not None:
        before = correlated(old, node)
        for index, item in enumerate(value):
            older = before(item)
            stood = NOTHING if older is None else older
            yield from _check(item, items, f"{path}[{index}]", stood)
    for index, shown in repeats(value, node):
        yield fields.duplicate(f"{path}[{index}]", shown)


# --- allOf, anyOf, oneOf, not --------------------------------------------------------------------


def _combined(value: Any, node: Node, path: str) -> Iterator[FieldError]:
    for keyword, combine in _COMBINATIONS.items():
        branches = node.get(keyword)
        if branches:
            found = [list(_check(value, branch, path, NOTHING)) for branch in branches]
            yield from combine(found, path)
    refused = child_node(node, "not")
    if refused is not None and not list(_check(value, refused, path, NOTHING)):
        yield _combination(path, "must not validate the schema (not)")


def _combination(path: str, rule: str) -> FieldError:
    return fields.invalid(path or "<nil>", "", f'"{path}" {rule}')


def _all_of(found: list[list[FieldError]], path: str) -> Iterator[FieldError]:
    for errors in found:
        yield from errors
    if any(found):
        valid = len(found) - sum(map(bool, found))
        suffix = ". None validated" if not valid else ""
        yield _combination(path, f"must validate all the schemas (allOf){suffix}")


def _any_of(found: list[list[FieldError]], path: str) -> Iterator[FieldError]:
    if all(found):
        yield _combination(path, "must validate at least one schema (anyOf)")
        yield from min(found, key=len)


def _one_of(found: list[list[FieldError]], path: str) -> Iterator[FieldError]:
    valid = len(found) - sum(map(bool, found))
    rule = "must validate one and only one schema (oneOf)."
    if valid == 0:
        yield _combination(path, f"{rule} Found none valid")
        yield from min(found, key=len)
    elif valid > 1:
        yield _combination(path, f"{rule} Found {valid} valid alternatives")


_COMBINATIONS: Mapping[str, Callable[[list[list[FieldError]], str], Iterator[FieldError]]] = {
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
}
