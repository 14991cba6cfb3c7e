"""Custom kinds in OpenAPI documents: what `kubectl explain` prints and clients check fields with.

Version 3 has words for all of a structural schema. Version 2 has not: what it can't say is left
open, so that no old client refuses what the server takes (schema/kubeopenapi.go).
"""

from collections.abc import Mapping
from typing import Any

from minikube_py.kinds.custom.nodes import Node, child_node, keeps_unknown, properties_of
from minikube_py.kinds.kind import Kind

Definition = dict[str, Any]
_LIST_META = "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_BEYOND_V2 = frozenset(
    ("allOf", "anyOf", "oneOf", "not", "nullable", "default", "x-kubernetes-validations")
)


def definitions_of(kind: Kind, *, version: int) -> Mapping[str, Definition]:
    """Of the kind and its list, by name; `$ref`s as in the published definitions."""
    assert kind.inline_schema is not None
    schema = dict(kind.inline_schema) if version > 2 else _as_v2(kind.inline_schema)
    named = {**schema, "x-kubernetes-group-version-kind": [_gvk(kind, kind.kind)]}
    return {kind.schema: named, list_definition_name(kind): _list(kind)}


def list_definition_name(kind: Kind) -> str:
    return f"{kind.schema.rpartition('.')[0]}.{kind.list_name}"


def _as_v2(node: Node) -> Definition:
    if node.get("nullable"):
        return {key: node[key] for key in ("description",) if key in node}
    found = {key: value for key, value in node.items() if key not in _BEYOND_V2}
    if keeps_unknown(node):
        for keyword in ("properties", "items", "additionalProperties", "required"):
            found.pop(keyword, None)
        return found
    if properties_of(node):
        found["properties"] = {name: _as_v2(child) for name, child in properties_of(node).items()}
    for keyword in ("items", "additionalProperties"):
        child = child_node(node, keyword)
        if child is not None:
            found[keyword] = _as_v2(child)
    return found


def _list(kind: Kind) -> Definition:
    implied = (kind.inline_schema or {})["properties"]
    return {
        "description": f"{kind.list_name} is a list of {kind.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": implied["apiVersion"],
            "kind": implied["kind"],
            "metadata": {"$ref": _LIST_META},
            "items": {
                "description": f"List of {kind.plural}.",
                "type": "array",
                "items": {"$ref": f"#/definitions/{kind.schema}"},
            },
        },
        "x-kubernetes-group-version-kind": [_gvk(kind, kind.list_name)],
    }


def _gvk(kind: Kind, name: str) -> Mapping[str, str]:
    return {"group": kind.group, "version": kind.version, "kind": name}
