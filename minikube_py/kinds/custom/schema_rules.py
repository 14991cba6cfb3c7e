"""Is a schema structural, and does it say nothing that nobody can hold to?

The rules of apiextensions' validation.go and schema/validation.go. Whoever writes a schema reads
these messages: each names the node it is about.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from minikube_py.kinds import fields
from minikube_py.kinds.custom.default_rules import default_errors
from minikube_py.kinds.custom.nested_rules import nested_errors
from minikube_py.kinds.custom.nodes import (
    Node,
    child_node,
    is_embedded,
    is_int_or_string,
    properties_of,
)
from minikube_py.kinds.custom.patterns import pattern_problem
from minikube_py.kinds.custom.rules.definition import rule_errors
from minikube_py.kinds.openapi import schema_named
from minikube_py.kinds.type_check import check_value
from minikube_py.meta.errors import FieldError

_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_SCHEMA_OR_OTHER = ("items", "additionalProperties", "additionalItems", "not")
_SCHEMA_PROPS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_MUST_NOT_BE_EMPTY = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
_QUADRATIC = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"


def schema_errors(schema: Node, path: str) -> list[FieldError]:
    """Of the schema of one version, which stands at `path`. Rules are compiled only when the
    schema is sound otherwise, and defaults are tried then.
    """
    errors = list(_shape_errors(schema, path)) or list(_errors(schema, path, "root"))
    if not errors:
        errors = [*default_errors(schema, path), *rule_errors(schema, path)]
    return errors


def _shape_errors(node: Node, path: str) -> Iterator[FieldError]:
    """The published schema of schemas stops where one may be something else: at items,
    additionalProperties and the like.
    """
    for keyword in _SCHEMA_OR_OTHER:
        below = child_node(node, keyword)
        if below is not None:
            at = f"{path}.{keyword}"
            wrong = list(check_value(below, schema_named(_SCHEMA_PROPS), at))
            yield from wrong or _shape_errors(below, at)
    for keyword in ("allOf", "anyOf", "oneOf"):
        for index, branch in enumerate(node.get(keyword) or ()):
            yield from _shape_errors(branch, f"{path}.{keyword}[{index}]")
    for name, child in properties_of(node).items():
        at = f"{path}.properties[{name}]"
        # Below items a null is not taken for absence when the definition is read.
        if isinstance(child, Mapping):
            yield from _shape_errors(child, at)
        else:
            yield fields.required(f"{at}.type")


def _errors(node: Node, path: str, level: str) -> Iterator[FieldError]:
    yield from _keyword_errors(node, path)
    yield from _type_errors(node, path, level)
    yield from _extension_errors(node, path)
    yield from _list_errors(node, path)
    yield from _implied_errors(node, path, level)
    yield from nested_errors(node, path)
    for name, child in properties_of(node).items():
        if not (name == "metadata" and level == "root"):
            yield from _errors(child, f"{path}.properties[{name}]", "field")
    items, entries = child_node(node, "items"), child_node(node, "additionalProperties")
    if items is not None:
        yield from _errors(items, f"{path}.items", "item")
    if entries is not None:
        yield from _errors(entries, f"{path}.additionalProperties", "field")


def _keyword_errors(node: Node, path: str) -> Iterator[FieldError]:
    for keyword in _UNSUPPORTED:
        if node.get(keyword):
            yield fields.forbidden(f"{path}.{keyword}", f"{keyword} is not supported")
    if node.get("uniqueItems"):
        yield fields.forbidden(f"{path}.uniqueItems", _QUADRATIC)
    if isinstance(node.get("items"), list):
        detail = "items must be a schema object and not an array"
        yield fields.forbidden(f"{path}.items", detail)
    entries = node.get("additionalProperties")
    if entries is not None and properties_of(node):
        detail = "additionalProperties and properties are mutual exclusive"
        yield fields.forbidden(f"{path}.additionalProperties", detail)
    elif entries is False:
        detail = "additionalProperties cannot be set to false"
        yield fields.forbidden(f"{path}.additionalProperties", detail)
    problem = pattern_problem(node["pattern"]) if node.get("pattern") else None
    if problem:
        detail = f"must be a valid regular expression, but isn't: {problem}"
        yield fields.invalid(f"{path}.pattern", node["pattern"], detail)


def _type_errors(node: Node, path: str, level: str) -> Iterator[FieldError]:
    type_, at = node.get("type", ""), f"{path}.type"
    if is_embedded(node) and type_ != "object":
        detail = "must be object if x-kubernetes-embedded-resource is true"
        yield fields.invalid(at, type_, detail) if type_ else fields.required(at, detail)
    elif not type_:
        is_free = is_int_or_string(node) or node.get("x-kubernetes-preserve-unknown-fields")
        if level == "root" or not is_free:
            yield fields.required(at, _MUST_NOT_BE_EMPTY[level])
    elif type_ == "null":
        yield fields.forbidden(at, "type cannot be set to null, use nullable as an alternative")
    elif type_ not in _TYPES:
        yield fields.not_supported(at, type_, _TYPES)
    elif level == "root" and type_ != "object":
        yield fields.invalid(at, type_, "must be object at the root")
    if type_ == "array" and node.get("items") is None:
        yield fields.required(f"{path}.items", "must be specified")
    if level == "root":
        yield from _root_errors(node, path)


def _root_errors(node: Node, path: str) -> Iterator[FieldError]:
    if node.get("additionalProperties") is not None:
        at = f"{path}.additionalProperties"
        yield fields.forbidden(at, "must not be used at the root")
    if node.get("nullable"):
        yield fields.forbidden(f"{path}.nullable", "nullable cannot be true at the root")


def _extension_errors(node: Node, path: str) -> Iterator[FieldError]:
    free = node.get("x-kubernetes-preserve-unknown-fields")
    at = f"{path}.x-kubernetes-preserve-unknown-fields"
    if free is False:
        yield fields.invalid(at, False, "must be true or undefined")
    if is_int_or_string(node):
        detail = "must be {} if x-kubernetes-int-or-string is true"
        if free:
            yield fields.invalid(at, True, detail.format("false"))
        if is_embedded(node):
            at = f"{path}.x-kubernetes-embedded-resource"
            yield fields.invalid(at, True, detail.format("false"))
        if node.get("type"):
            yield fields.invalid(f"{path}.type", node["type"], detail.format("empty"))
    if is_embedded(node) and not free and not properties_of(node):
        detail = (
            "must not be empty if x-kubernetes-embedded-resource is true without "
            "x-kubernetes-preserve-unknown-fields"
        )
        yield fields.required(f"{path}.properties", detail)
    if is_embedded(node) and node.get("additionalProperties") is not None:
        detail = "must not be used if x-kubernetes-embedded-resource is set"
        yield fields.forbidden(f"{path}.additionalProperties", detail)
    kind = node.get("x-kubernetes-map-type")
    if kind is not None:
        yield from fields.check_choice(
            f"{path}.x-kubernetes-map-type", kind, ("atomic", "granular"), must_be_set=False
        )
        if node.get("type") != "object":
            detail = "must be object if x-kubernetes-map-type is specified"
            yield fields.invalid(f"{path}.type", node.get("type", ""), detail)


def _list_errors(node: Node, path: str) -> Iterator[FieldError]:
    kind, keys = node.get("x-kubernetes-list-type"), node.get("x-kubernetes-list-map-keys") or []
    at = f"{path}.x-kubernetes-list-type"
    if kind is not None:
        yield from fields.check_choice(at, kind, ("atomic", "map", "set"), must_be_set=False)
        if node.get("type") != "array":
            detail = "must be array if x-kubernetes-list-type is specified"
            yield fields.invalid(f"{path}.type", node.get("type", ""), detail)
    items = child_node(node, "items") or {}
    if kind == "set":
        yield from _set_errors(items, path)
    if keys and kind != "map":
        detail = "must be map if x-kubernetes-list-map-keys is non-empty"
        yield fields.invalid(at, kind, detail) if kind else fields.required(at, detail)
    elif kind == "map":
        yield from _map_errors(items, keys, path)


def _set_errors(items: Node, path: str) -> Iterator[FieldError]:
    """Items are compared as a whole, so what could be merged below them must be atomic."""
    if items.get("nullable"):
        detail = "cannot be nullable when x-kubernetes-list-type is set"
        yield fields.forbidden(f"{path}.items.nullable", detail)
    for type_, keyword in (("object", "map"), ("array", "list")):
        at = f"{path}.items.x-kubernetes-{keyword}-type"
        found = items.get(f"x-kubernetes-{keyword}-type")
        if items.get("type") == type_ and found != "atomic":
            detail = "must be atomic as item of a list with x-kubernetes-list-type=set"
            if found is not None or type_ == "object":
                yield fields.invalid(at, found, detail)


def _map_errors(items: Node, keys: list[str], path: str) -> Iterator[FieldError]:
    at = f"{path}.x-kubernetes-list-map-keys"
    if not keys:
        yield fields.required(at, "must not be empty if x-kubernetes-list-type is map")
    if items.get("type") != "object":
        detail = "must be object if parent array's x-kubernetes-list-type is map"
        yield fields.invalid(f"{path}.items.type", items.get("type", ""), detail)
        return
    yield from fields.check_unique(at, keys)
    known, needed = properties_of(items), items.get("required") or ()
    for index, key in enumerate(keys):
        yield from _key_errors(known.get(key), key in needed, f"{at}[{index}]", key, path)


def _key_errors(
    node: Node | None, is_needed: bool, at: str, key: str, path: str
) -> Iterator[FieldError]:
    if node is None:
        yield fields.invalid(at, key, "must appear as property in items.properties")
        return
    below = f"{path}.items.properties[{key}]"
    if node.get("type") in ("array", "object"):
        detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
        yield fields.invalid(f"{below}.type", node["type"], detail)
    if not is_needed and node.get("default") is None:
        detail = (
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
            "required property"
        )
        yield fields.required(f"{below}.default", detail)
    if node.get("nullable"):
        detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
        yield fields.forbidden(f"{below}.nullable", detail)


def _implied_errors(node: Node, path: str, level: str) -> Iterator[FieldError]:
    """What every object has can't be declared to be something else."""
    if level != "root" and not is_embedded(node):
        return
    known: Mapping[str, Any] = properties_of(node)
    for name, type_ in (("apiVersion", "string"), ("kind", "string"), ("metadata", "object")):
        declared = known.get(name)
        if declared is not None and declared.get("type") != type_:
            at = f"{path}.properties[{name}].type"
            yield fields.invalid(at, declared.get("type", ""), f"must be {type_}")
    metadata = known.get("metadata")
    if metadata is None or level != "root":
        return
    others = set(metadata) - {"type", "properties", "description", "title"}
    if others or set(properties_of(metadata)) - {"name", "generateName"}:
        detail = (
            "must not specify anything other than name and generateName, but metadata is "
            "implicitly specified"
        )
        yield fields.forbidden(f"{path}.properties[metadata]", detail)
