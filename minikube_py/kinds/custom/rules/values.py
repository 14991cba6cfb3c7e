"""From JSON to what rules see: fields under the names that CEL can spell, numbers of the type that
the schema says, and nothing that the schema doesn't name (KEP-2876).
"""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from minikube_py.kinds.custom.nodes import (
    Node,
    child_node,
    is_embedded,
    is_int_or_string,
    properties_of,
)
from minikube_py.kinds.custom.rules.texts import parse_duration
from minikube_py.meta.timestamps import parse_time

_RESERVED = frozenset(
    (
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for",
        "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void",
        "while",
    )
)  # fmt: skip
_SPELLABLE = re.compile(r"[A-Za-z_./-][A-Za-z0-9_./-]*")
_ESCAPED = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))
_OBJECT_FIELDS: Mapping[str, Node] = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}},
    },
}


def escaped(name: str) -> str | None:
    """The identifier for a property in rules; None for a name that has none."""
    if name in _RESERVED:
        return f"__{name}__"
    if not _SPELLABLE.fullmatch(name):
        return None
    for character, word in _ESCAPED:
        name = name.replace(character, word)
    return name


def visible_fields(node: Node, *, is_root: bool) -> Mapping[str, Node]:
    """By their own names: all that rules may look at below an object."""
    known = properties_of(node)
    return {**known, **_OBJECT_FIELDS} if is_root or is_embedded(node) else known


def cel_type(node: Node, *, is_top: bool = True) -> str:
    """As CEL writes it. Below lists and maps times are texts, since only variables may be times."""
    if is_int_or_string(node) or (node.get("nullable") and not is_top):
        return "dyn"
    type_, format_ = node.get("type"), node.get("format")
    if type_ == "string":
        if not is_top and format_ in _TEXT_FORMATS and format_ != "byte":
            return "dyn"
        return _TEXT_FORMATS.get(str(format_), ("string",))[0]
    if type_ == "array":
        return f"list<{cel_type(child_node(node, 'items') or {}, is_top=False)}>"
    entries = child_node(node, "additionalProperties")
    if type_ == "object" and entries is not None:
        return f"map<string, {cel_type(entries, is_top=False)}>"
    return {"integer": "int", "number": "double", "boolean": "bool"}.get(str(type_), "dyn")


def cel_value(value: Any, node: Node, *, is_root: bool = False, is_top: bool = True) -> Any:
    """`value` fits its schema. A text that is no time after all stays a text."""
    if isinstance(value, dict):
        return _object(value, node, is_root=is_root)
    if isinstance(value, list):
        items = child_node(node, "items") or {}
        return [cel_value(item, items, is_top=False) for item in value]
    if isinstance(value, str):
        return _text(value, str(node.get("format")), is_top=is_top)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and node.get("type") == "number":
        return float(value)
    if is_number and node.get("type") == "integer":
        return int(value)
    return value


def _object(value: dict[str, Any], node: Node, *, is_root: bool) -> dict[str, Any]:
    entries = child_node(node, "additionalProperties")
    if entries is not None:
        return {name: cel_value(child, entries, is_top=False) for name, child in value.items()}
    found = {}
    for name, child in visible_fields(node, is_root=is_root).items():
        identifier = escaped(name)
        if name in value and identifier is not None:
            found[identifier] = cel_value(value[name], child, is_top=False)
    return found


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


_TEXT_FORMATS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "byte": ("bytes", base64.b64decode),
    "date": ("timestamp", _date),
    "date-time": ("timestamp", parse_time),
    "datetime": ("timestamp", parse_time),
    "duration": ("duration", parse_duration),
}


def _text(value: str, format_: str, *, is_top: bool) -> Any:
    known = _TEXT_FORMATS.get(format_)
    if known is None or (not is_top and format_ != "byte"):
        return value
    try:
        return known[1](value)
    except ValueError:
        return value
