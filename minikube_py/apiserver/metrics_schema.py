"""Definitions of `metrics.k8s.io/v1beta1`, as OpenAPI v2: the schema package has those of
Kubernetes' own groups only.
"""

from collections.abc import Mapping
from typing import Any, Final

_PACKAGE: Final = "io.k8s.metrics.pkg.apis.metrics.v1beta1"
_MACHINERY: Final = "io.k8s.apimachinery.pkg"
Node = dict[str, Any]


def metrics_definitions() -> Mapping[str, Node]:
    """By name: an object and a list for nodes and for pods, and what they are made of."""
    return {
        f"{_PACKAGE}.ContainerMetrics": {
            "description": "What one container uses.",
            "type": "object",
            "required": ["name", "usage"],
            "properties": {
                "name": {"description": "The container's name in its Pod.", "type": "string"},
                "usage": _usage("cpu in cores, and memory: its working set in bytes."),
            },
        },
        f"{_PACKAGE}.NodeMetrics": _object(
            "NodeMetrics",
            "What one Node uses.",
            {"usage": _usage("cpu in cores, and memory: the working set in bytes of all on it.")},
        ),
        f"{_PACKAGE}.NodeMetricsList": _list("NodeMetrics"),
        f"{_PACKAGE}.PodMetrics": _object(
            "PodMetrics",
            "What the containers of one Pod use.",
            {
                "containers": {
                    "description": "Those that run, by name.",
                    "type": "array",
                    "items": _reference(f"{_PACKAGE}.ContainerMetrics"),
                }
            },
        ),
        f"{_PACKAGE}.PodMetricsList": _list("PodMetrics"),
    }


def _object(kind: str, description: str, own: Mapping[str, Node]) -> Node:
    when = "When the usage was read: the end of the time it is measured over."
    return {
        "description": description,
        "type": "object",
        "required": ["timestamp", "window", *own],
        "properties": {
            **_types(),
            "metadata": {
                "description": "Name, namespace and labels of what was measured.",
                **_reference(f"{_MACHINERY}.apis.meta.v1.ObjectMeta"),
            },
            "timestamp": {"description": when, **_reference(f"{_MACHINERY}.apis.meta.v1.Time")},
            "window": {
                "description": "How long was measured, such as 10.5s; cpu is the average over it.",
                "type": "string",
            },
            **own,
        },
        "x-kubernetes-group-version-kind": [_kind(kind)],
    }


def _list(kind: str) -> Node:
    return {
        "description": f"A list of {kind}.",
        "type": "object",
        "required": ["items"],
        "properties": {
            **_types(),
            "metadata": {
                "description": "Standard metadata of lists.",
                **_reference(f"{_MACHINERY}.apis.meta.v1.ListMeta"),
            },
            "items": {
                "description": "What was measured.",
                "type": "array",
                "items": _reference(f"{_PACKAGE}.{kind}"),
            },
        },
        "x-kubernetes-group-version-kind": [_kind(f"{kind}List")],
    }


def _types() -> Mapping[str, Node]:
    return {
        "apiVersion": {"description": "The schema of this object.", "type": "string"},
        "kind": {"description": "What this object is.", "type": "string"},
    }


def _usage(description: str) -> Node:
    return {
        "description": description,
        "type": "object",
        "additionalProperties": _reference(f"{_MACHINERY}.api.resource.Quantity"),
    }


def _reference(name: str) -> Node:
    return {"$ref": f"#/definitions/{name}"}


def _kind(kind: str) -> Node:
    return {"group": "metrics.k8s.io", "version": "v1beta1", "kind": kind}
