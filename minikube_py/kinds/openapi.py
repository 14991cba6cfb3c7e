"""The published OpenAPI definitions, and one definition as a Schema with its references resolved.

The definitions are data of the package kubernetes-validate (its newest version), read at the first
question: importing this module, or the catalog, must not parse them.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from weakref import WeakKeyDictionary

from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding

_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_REF = "#/definitions/"


def _newest_folder() -> Path:
    spec = find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package kubernetes-validate is missing; run scripts/setup")
    root = Path(next(iter(spec.submodule_search_locations))) / "kubernetes-json-schema"

    def numbers(folder: Path) -> tuple[int, ...]:
        return tuple(int(part) for part in re.findall(r"\d+", folder.name))

    return max(root.glob("v*-local"), key=numbers)


_FOLDER = _newest_folder()
KUBERNETES_VERSION = _FOLDER.name.removesuffix("-local")
"""`v1.37.0`: the newest version whose definitions are installed; what /version reports."""


@cache
def definitions() -> Mapping[str, Any]:
    """Every definition by its OpenAPI v2 name, `$ref`s as `#/definitions/<name>`. Shared: read
    only.
    """
    text = (_FOLDER / "_definitions.json").read_bytes()
    # The package's JSON Schema dialect, turned back into the published one before parsing.
    text = text.replace(b"#/$defs/", _REF.encode())
    text = re.sub(rb'\[\s*("[a-z]+"),\s*"null"\s*\]', rb"\1", text)
    found: dict[str, Any] = encoding.decode(text)["$defs"]
    for definition in found.values():
        for name in ("apiVersion", "kind"):
            (definition.get("properties") or {}).get(name, {}).pop("enum", None)
    found[_INT_OR_STRING] = {
        "description": found[_INT_OR_STRING].get("description", ""),
        "type": "string",
        "format": "int-or-string",
    }
    found[_QUANTITY] = {
        "description": found[_QUANTITY].get("description", ""),
        "type": "string",
    }
    return found


@cache
def _names_by_gvk() -> Mapping[tuple[str, str, str], str]:
    found = {}
    for name, definition in definitions().items():
        entries = definition.get("x-kubernetes-group-version-kind") or []
        # Options and Status belong to every group; only objects have one entry.
        if len(entries) == 1:
            entry = entries[0]
            found[entry["group"], entry["version"], entry["kind"]] = name
    return found


def definition_name(kind: Kind) -> str:
    """`io.k8s.api.apps.v1.Deployment`; raises KeyError for a kind that has no definition."""
    return kind.schema or _names_by_gvk()[kind.gvk]


class Schema:
    """One definition, or one field of it, with `$ref` resolved; the same instance every time.

    `structural`: written for a CustomResourceDefinition, where nothing is free that doesn't say so.
    """

    def __init__(self, node: Mapping[str, Any], *, structural: bool = False) -> None:
        self._own = node
        self.definition = str(node.get("$ref", "")).removeprefix(_REF)
        self.structural = structural and not self.definition
        self._node = definitions()[self.definition] if self.definition else node
        self._fields: dict[str, Schema | None] = {}

    def field(self, name: str) -> "Schema | None":
        """The schema of a property, or of any key of a map; None when there is no such field."""
        if name not in self._fields:
            node = self._properties.get(name)
            self._fields[name] = self.additional if node is None else self._below(node)
        return self._fields[name]

    def has_field(self, name: str) -> bool:
        """Is `name` a declared property (rather than a key of a map)?"""
        return name in self._properties

    @property
    def _properties(self) -> Mapping[str, Any]:
        return self._node.get("properties") or {}

    @property
    def field_names(self) -> tuple[str, ...]:
        return tuple(self._properties)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self._node.get("required") or ())

    @property
    def items(self) -> "Schema | None":
        return self._child("items")

    @property
    def additional(self) -> "Schema | None":
        """Of a map's values."""
        return self._child("additionalProperties")

    def _child(self, keyword: str) -> "Schema | None":
        key = f" {keyword}"  # no field name has a space
        if key not in self._fields:
            node = self._node.get(keyword)
            self._fields[key] = self._below(node) if isinstance(node, Mapping) else None
        return self._fields[key]

    def _below(self, node: Mapping[str, Any]) -> "Schema":
        return Schema(node, structural=self.structural)

    @property
    def type(self) -> str:
        """object, array, string, integer, number, boolean, or "" for anything."""
        return str(self._node.get("type", ""))

    @property
    def format(self) -> str:
        return str(self._node.get("format", ""))

    @property
    def description(self) -> str:
        return str(self._own.get("description") or self._node.get("description") or "")

    @property
    def list_type(self) -> Literal["atomic", "set", "map"] | None:
        return self._extension("list-type")  # type: ignore[no-any-return]

    @property
    def list_map_keys(self) -> tuple[str, ...]:
        return tuple(self._extension("list-map-keys") or ())

    @property
    def patch_strategy(self) -> str:
        """ "merge", "replace", "retainKeys", "merge,retainKeys" or "" (lists replaced)."""
        return str(self._extension("patch-strategy") or "")

    @property
    def patch_merge_key(self) -> str:
        return str(self._extension("patch-merge-key") or "")

    @property
    def map_type(self) -> Literal["atomic", "granular"] | None:
        return self._extension("map-type")  # type: ignore[no-any-return]

    @property
    def int_or_string(self) -> bool:
        return self.format == "int-or-string" or bool(self._extension("int-or-string"))

    @property
    def default(self) -> Any:
        """None for none."""
        return self._node.get("default")

    @property
    def is_quantity(self) -> bool:
        return self.definition == _QUANTITY

    @property
    def keeps_unknown(self) -> bool:
        """Fields that no schema names stay, beside others that one does name."""
        if self.structural:
            free = bool(self._extension("preserve-unknown-fields"))
            return free or self._node.get("additionalProperties") is True
        return self.preserve_unknown or self.type != "object"

    def keeps_null(self, name: str) -> bool:
        """Is a null there a value, rather than the same as absence?"""
        if not self.structural:
            return False
        child = self.field(name)
        return child is None or bool(child._node.get("nullable"))

    @property
    def preserve_unknown(self) -> bool:
        """An object whose fields are free: FieldsV1, RawExtension, …"""
        if self.structural:
            named = self._properties or isinstance(self.additional, Schema)
            return self.keeps_unknown and not named
        if self._extension("preserve-unknown-fields"):
            return True
        free = "properties" not in self._node and "additionalProperties" not in self._node
        return free and self.type in ("object", "")

    def _extension(self, name: str) -> Any:
        key = f"x-kubernetes-{name}"
        return self._own.get(key, self._node.get(key))

    def __repr__(self) -> str:
        return f"<Schema {self.definition or self.type}>"


@cache
def schema_named(definition: str) -> Schema:
    return Schema({"$ref": _REF + definition})


_inline: WeakKeyDictionary[Kind, Schema] = WeakKeyDictionary()


def schema_for(kind: Kind) -> Schema:
    """The root schema of a kind; raises KeyError when it has no definition."""
    if kind.inline_schema is None:
        return schema_named(definition_name(kind))
    known = _inline.get(kind)
    if known is None:
        known = _inline[kind] = Schema(kind.inline_schema, structural=True)
    return known
