"""Walking a structural schema as it stands in a CustomResourceDefinition: plain JSON nodes."""

from collections.abc import Mapping
from typing import Any

Node = Mapping[str, Any]
_OBJECT_META = "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_METADATA = (
    "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/"
    "sig-architecture/api-conventions.md#metadata"
)
_IMPLIED: Mapping[str, Node] = {
    "apiVersion": {
        "type": "string",
        "description": "APIVersion defines the versioned schema of this representation of an "
        "object. Servers should convert recognized schemas to the latest internal value, and may "
        "reject unrecognized values. More info: "
        "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
        "#resources",
    },
    "kind": {
        "type": "string",
        "description": "Kind is a string value representing the REST resource this object "
        "represents. Servers may infer this from the endpoint the client submits requests to. "
        "Cannot be updated. In CamelCase. More info: "
        "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
        "#types-kinds",
    },
}


def properties_of(node: Node) -> Mapping[str, Node]:
    return node.get("properties") or {}


def child_node(node: Node, keyword: str) -> Node | None:
    """`items`, `additionalProperties` or `not` where it is a schema."""
    child = node.get(keyword)
    return child if isinstance(child, Mapping) else None


def keeps_unknown(node: Node) -> bool:
    free = node.get("x-kubernetes-preserve-unknown-fields")
    return bool(free) or node.get("additionalProperties") is True


def is_embedded(node: Node) -> bool:
    return bool(node.get("x-kubernetes-embedded-resource"))


def is_int_or_string(node: Node) -> bool:
    return bool(node.get("x-kubernetes-int-or-string"))


def with_implied_fields(node: Node, *, is_root: bool = True) -> dict[str, Any]:
    """A copy in which every object has the fields that all objects have: apiVersion, kind and the
    whole of metadata.
    """
    copied = dict(node)
    fields = {
        name: with_implied_fields(child, is_root=False)
        for name, child in properties_of(node).items()
    }
    for keyword in ("items", "additionalProperties"):
        child = child_node(node, keyword)
        if child is not None:
            copied[keyword] = with_implied_fields(child, is_root=False)
    if is_root or is_embedded(node):
        for name, implied in _IMPLIED.items():
            fields.setdefault(name, dict(implied))
        fields["metadata"] = {"$ref": _OBJECT_META, "description": _METADATA}
    if fields:
        copied["properties"] = fields
    return copied
