"""Builds OpenAPI documents from the published definitions, in small steps: the largest takes longer
than one request may hold up the others.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from minikube_py.apiserver.metrics_schema import metrics_definitions
from minikube_py.apiserver.openapi_paths import paths_of
from minikube_py.apiserver.served import ServedResource
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import KUBERNETES_VERSION, definitions
from minikube_py.meta.objects import GroupVersionKind

Document = dict[str, Any]
_V2_REF, _V3_REF = "#/definitions/", "#/components/schemas/"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_DEFINITIONS_A_TURN = 25
_OF_NO_GROUP = ("DeleteOptions", "Patch", "Status", "WatchEvent")
_SPECIAL_V3: Mapping[str, Document] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "oneOf": [{"type": "integer"}, {"type": "string"}],
        "format": "int-or-string",
    },
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "oneOf": [{"type": "string"}, {"type": "number"}]
    },
}
"""Types that v2 had no words for."""


async def build_v3(resources: Sequence[ServedResource]) -> Document:
    names = _Names(resources, version=3)
    paths = await _paths(resources, names, _V3_REF, version=3)
    return {
        "openapi": "3.0.0",
        "info": _info(),
        "paths": paths,
        "components": {"schemas": await _schemas(names, _as_v3)},
    }


async def build_v2(resources: Sequence[ServedResource]) -> Document:
    names = _Names(resources, version=2)
    paths = await _paths(resources, names, _V2_REF, version=2)
    return {
        "swagger": "2.0",
        "info": _info(),
        "paths": paths,
        "definitions": await _schemas(names, lambda _name, definition: dict(definition)),
    }


class _Names:
    """Which definition a kind has, and which were used; `custom` are those that no package has."""

    def __init__(self, resources: Sequence[ServedResource], *, version: int) -> None:
        self.used: set[str] = set()
        self.custom: dict[str, Mapping[str, Any]] = {}
        self._by_gvk: dict[tuple[str, str, str], str] = {}
        for name, definition in _known().items():
            entries = definition.get("x-kubernetes-group-version-kind") or []
            if len(entries) == 1:
                entry = entries[0]
                self._by_gvk[entry["group"], entry["version"], entry["kind"]] = name
        for resource in resources:
            if resource.custom is not None:
                self._add_custom(resource.custom, version)

    def _add_custom(self, kind: Kind, version: int) -> None:
        from minikube_py.kinds.custom import publishing  # not before there are custom kinds

        self.custom |= publishing.definitions_of(kind, version=version)
        self._by_gvk[kind.gvk] = kind.schema
        list_name = publishing.list_definition_name(kind)
        self._by_gvk[kind.group, kind.version, f"{kind.kind}List"] = list_name

    def find(self, gvk: GroupVersionKind, *, is_list: bool) -> str | None:
        """None for kinds without a definition, such as options of streams."""
        kind = f"{gvk.kind}List" if is_list else gvk.kind
        if kind in _OF_NO_GROUP:
            name: str | None = f"{_META}.{kind}"
        else:
            name = self._by_gvk.get((gvk.group, gvk.version, kind))
        if name is not None:
            self.used.add(name)
        return name


async def _paths(
    resources: Sequence[ServedResource], names: _Names, prefix: str, *, version: int
) -> Document:
    def reference(gvk: GroupVersionKind, is_list: bool) -> Document:
        name = names.find(gvk, is_list=is_list)
        return {"$ref": prefix + name} if name else {"type": "string"}

    paths: Document = {}
    for resource in resources:
        names.find(resource.gvk, is_list=False)
        paths.update(paths_of(resource, reference, version=version))
        await asyncio.sleep(0)
    return paths


async def _schemas(
    names: _Names, convert: Callable[[str, Mapping[str, Any]], Document]
) -> Document:
    """The wanted definitions and all that they refer to."""
    known, found = {**_known(), **names.custom}, {}
    waiting = sorted(names.used)
    while waiting:
        turn, waiting = waiting[:_DEFINITIONS_A_TURN], waiting[_DEFINITIONS_A_TURN:]
        for name in turn:
            if name not in found:
                found[name] = convert(name, known[name])
                waiting += _references(known[name])
        await asyncio.sleep(0)
    return dict(sorted(found.items()))


def _known() -> Mapping[str, Mapping[str, Any]]:
    return {**definitions(), **metrics_definitions()}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str):
            yield target.removeprefix(_V2_REF)
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)


def _as_v3(name: str, definition: Mapping[str, Any]) -> Document:
    if name in _SPECIAL_V3:
        return {"description": definition.get("description", ""), **_SPECIAL_V3[name]}
    converted: Document = _converted(definition)
    return converted


def _converted(node: Any) -> Any:
    """References move to #/components, and where they have a description they are wrapped: in v3
    nothing may stand beside a reference.
    """
    if isinstance(node, list):
        return [_converted(child) for child in node]
    if not isinstance(node, dict):
        return node
    target = node.get("$ref")
    if not isinstance(target, str):
        return {key: _converted(child) for key, child in node.items()}
    reference = {"$ref": _V3_REF + target.removeprefix(_V2_REF)}
    beside = {key: _converted(child) for key, child in node.items() if key != "$ref"}
    return {**beside, "allOf": [reference]} if beside else reference


def _info() -> Document:
    return {"title": "Kubernetes", "version": KUBERNETES_VERSION}
