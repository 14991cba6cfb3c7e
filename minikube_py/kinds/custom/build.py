"""A Kind for each version that an established CustomResourceDefinition serves.

Objects lie in the store in the version they were last written in and are served in the one asked
for: conversion strategy None changes apiVersion and nothing else.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minikube_py.kinds.custom.columns import columns_of
from minikube_py.kinds.custom.defaulting import Fill, filler
from minikube_py.kinds.custom.nodes import Node, with_implied_fields
from minikube_py.kinds.custom.validation import Validator
from minikube_py.kinds.custom.versions import by_priority
from minikube_py.kinds.kind import ALL_VERBS, Kind, Scale, StoredAs
from minikube_py.kinds.openapi import Schema
from minikube_py.kinds.schema import prune_below
from minikube_py.meta import encoding
from minikube_py.meta.jsonpath import parse_path
from minikube_py.meta.objects import Object, get_path, is_deleting

Version = Mapping[str, Any]


def kinds_of(definition: Object) -> Sequence[Kind]:
    """The preferred version first; nothing is served under names that weren't accepted."""
    served = [version for version in definition["spec"]["versions"] if version["served"]]
    names = [version["name"] for version in served]
    ordered = sorted(served, key=lambda version: by_priority(names).index(version["name"]))
    return [_kind(definition, version) for version in ordered]


def storage_kind(definition: Object) -> Kind | None:
    """The kind in the version that objects are stored in, served or not; None before it has
    names.
    """
    if not get_path(definition, "status", "acceptedNames", "plural"):
        return None
    versions = definition["spec"]["versions"]
    return _kind(definition, next(version for version in versions if version["storage"]))


def definition_name(group: str, version: str, kind: str) -> str:
    """`com.example.stable.v1.CronTab`, as OpenAPI documents name it."""
    return ".".join([*reversed(group.split(".")), version, kind])


def _kind(definition: Object, version: Version) -> Kind:
    spec, names = definition["spec"], definition["status"]["acceptedNames"]
    group, name = spec["group"], version["name"]
    schema = _schema(version)
    inline = with_implied_fields(schema)
    fill = filler(schema)
    validator = Validator(schema)
    subresources = version.get("subresources") or {}
    return Kind(
        group,
        name,
        kind=names["kind"],
        plural=names["plural"],
        singular=names.get("singular", ""),
        list_kind=names.get("listKind", ""),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        namespaced=spec["scope"] == "Namespaced",
        columns=columns_of(version),
        has_status="status" in subresources,
        scale=_scale(subresources.get("scale")),
        verbs=_verbs(definition),
        default=fill or _nothing,
        validate_create=validator.create,
        validate_update=validator.update,
        validate_status=validator.update,
        update_repeats_create=False,
        selectable_fields=_selectable(version.get("selectableFields") or ()),
        stored_as=_stored_as(definition, name, inline, fill),
        schema=definition_name(group, name, names["kind"]),
        inline_schema=inline,
        schema_digest=hashlib.sha256(encoding.encode(schema)).hexdigest(),
        deprecation=_deprecation(group, names["kind"], version),
    )


def _verbs(definition: Object) -> tuple[str, ...]:
    """No new objects while all are being deleted."""
    if is_deleting(definition):
        return tuple(verb for verb in ALL_VERBS if verb != "create")
    return ALL_VERBS


def _nothing(_obj: Object) -> None: ...


def _deprecation(group: str, kind: str, version: Version) -> str:
    if not version.get("deprecated"):
        return ""
    usual = f"{group}/{version['name']} {kind} is deprecated"
    return str(version.get("deprecationWarning") or usual)


def _scale(wanted: Mapping[str, str] | None) -> Scale | None:
    if not wanted:
        return None
    selector_path = _steps(wanted.get("labelSelectorPath", ""))

    def selector(obj: Object) -> str:
        return str(get_path(obj, *selector_path, default="")) if selector_path else ""

    return Scale(
        selector,
        spec_replicas=_steps(wanted["specReplicasPath"]),
        status_replicas=_steps(wanted["statusReplicasPath"]),
    )


def _steps(path: str) -> tuple[str, ...]:
    """`.spec.replicas` → ("spec", "replicas")."""
    return tuple(step for step in path.split(".") if step)


def _selectable(
    wanted: Sequence[Mapping[str, str]],
) -> Callable[[Object], Mapping[str, str]]:
    """Missing fields select as "" (KEP-4358)."""
    paths = {each["jsonPath"].removeprefix("."): parse_path(each["jsonPath"]) for each in wanted}

    def fields(obj: Object) -> Mapping[str, str]:
        found = {}
        for name, path in paths.items():
            values = path.find(obj)
            found[name] = _selected(values[0]) if values else ""
        return found

    return fields


def _selected(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else encoding.encode(value).decode()


def _stored_as(
    definition: Object, version: str, inline: Node, fill: Fill | None
) -> StoredAs | None:
    """None while there was never another version or schema: stored bytes are what is served."""
    spec = definition["spec"]
    group = spec["group"]
    storage = next(each for each in spec["versions"] if each["storage"])
    never_changed = definition["metadata"].get("generation", 1) == 1
    if never_changed and len(spec["versions"]) == 1:
        return None
    start = b'{"apiVersion":%s,' % encoding.encode(f"{group}/{version}")
    kept = inline if storage["name"] == version else with_implied_fields(_schema(storage))
    return StoredAs(
        group,
        storage["name"],
        to_stored=_Coerced(Schema(kept, structural=True), None) if kept is not inline else dict,
        from_stored=_Coerced(Schema(inline, structural=True), fill),
        is_as_served=lambda stored: never_changed and stored.startswith(start),
    )


@dataclass(frozen=True)
class _Coerced:
    """Another version's object, or one from before the definition changed, made to fit a schema."""

    schema: Schema
    fill: Fill | None

    def __call__(self, obj: Object) -> Object:
        fitting: Object = encoding.decode(encoding.encode(obj))
        prune_below(fitting, self.schema)
        if self.fill is not None:
            self.fill(fitting)
        return fitting


def _schema(version: Version) -> Node:
    schema: Node = get_path(version, "schema", "openAPIV3Schema", default={"type": "object"})
    return schema
