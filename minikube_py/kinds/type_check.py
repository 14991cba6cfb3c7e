"""Are the values of an object of the types its kind's fields have?

Where kube-apiserver answers with a decoder's complaint, these name the field, what stands there and
what is allowed. A null counts as an absent field, as in Kubernetes, but not as a list's item.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from minikube_py.kinds.fields import type_invalid
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.openapi import Schema, schema_for, schema_named
from minikube_py.meta.errors import FieldError
from minikube_py.meta.quantity import parse_quantity
from minikube_py.meta.timestamps import parse_time

_INTEGER_BITS = {"int32": 32, "int64": 64}
_LONGEST_SHOWN = 60
_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def type_errors(obj: Mapping[str, Any], kind: Kind) -> list[FieldError]:
    """One error for each value of a wrong type; unknown fields are passed over.

    Of custom objects only the metadata: the rest is validated, which names what is wrong with it.
    """
    if kind.is_custom:
        return list(check_value(obj.get("metadata"), schema_named(_OBJECT_META), "metadata"))
    return list(check_value(obj, schema_for(kind)))


def check_value(value: Any, schema: Schema, path: str = "") -> Iterator[FieldError]:
    """The same for any value and schema; `path` is where the value stands."""
    if value is None:
        return
    if schema.int_or_string:
        yield from _int_or_string(value, schema, path)
    elif schema.is_quantity:
        yield from _quantity(value, schema, path)
    elif schema.type in _BY_TYPE:
        yield from _BY_TYPE[schema.type](value, schema, path)


def _object(value: Any, schema: Schema, path: str) -> Iterator[FieldError]:
    if not isinstance(value, dict):
        if isinstance(value, list):
            hint = "an object (key: value), not a list; remove the leading '-'"
        else:
            hint = f"an object (key: value), not {_kind_of(value)}"
        yield _wrong(path, value, hint)
        return
    if schema.preserve_unknown:
        return
    for name, child in value.items():
        child_schema = schema.field(name)
        if child_schema is None:
            continue
        child_path = _child_path(path, name, is_map=not schema.has_field(name))
        yield from check_value(child, child_schema, child_path)


def _child_path(path: str, name: str, *, is_map: bool) -> str:
    if is_map:
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def _array(value: Any, schema: Schema, path: str) -> Iterator[FieldError]:
    if not isinstance(value, list):
        yield _wrong(path, value, f"a list (items that start with '-'), not {_kind_of(value)}")
        return
    for index, item in enumerate(value):
        item_path = f"{path}[{index}]"
        if item is None:
            yield _wrong(item_path, item, "set; remove the empty list item")
        elif schema.items is not None:
            yield from check_value(item, schema.items, item_path)


def _string(value: Any, schema: Schema, path: str) -> Iterator[FieldError]:
    if not isinstance(value, str):
        hint = f"a string, not {_kind_of(value)}"
        if isinstance(value, bool | int | float):
            hint += "; put it in quotes"
        yield _wrong(path, value, hint)
    elif schema.format == "byte":
        yield from _base64(value, path)
    elif schema.format == "date-time":
        yield from _time(value, path)


def _base64(value: str, path: str) -> Iterator[FieldError]:
    try:
        base64.b64decode(re.sub(r"[\r\n]", "", value), validate=True)
    except (binascii.Error, ValueError):
        shown = value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…"
        yield _wrong(path, shown, "base64-encoded (plain text belongs into stringData)")


def _time(value: str, path: str) -> Iterator[FieldError]:
    try:
        parse_time(value)
    except ValueError:
        yield _wrong(path, value, "a time as in RFC 3339, for example 2026-01-31T12:00:00Z")


def _integer(value: Any, schema: Schema, path: str) -> Iterator[FieldError]:
    if not isinstance(value, int) or isinstance(value, bool):
        hint = f"an integer, not {_kind_of(value)}"
        if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value):
            hint += "; remove the quotes"
        yield _wrong(path, value, hint)
        return
    bits = _INTEGER_BITS.get(schema.format, 64)
    limit = 1 << (bits - 1)
    if not -limit <= value < limit:
        yield _wrong(path, value, f"an integer between {-limit} and {limit - 1}")


def _number(value: Any, _schema: Schema, path: str) -> Iterator[FieldError]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield _wrong(path, value, f"a number, not {_kind_of(value)}")


def _boolean(value: Any, _schema: Schema, path: str) -> Iterator[FieldError]:
    if not isinstance(value, bool):
        hint = f"true or false, not {_kind_of(value)}"
        if isinstance(value, str) and value.lower() in ("true", "false"):
            hint += "; remove the quotes"
        yield _wrong(path, value, hint)


def _int_or_string(value: Any, _schema: Schema, path: str) -> Iterator[FieldError]:
    if isinstance(value, bool) or not isinstance(value, int | str):
        yield _wrong(path, value, f"an integer or a string, not {_kind_of(value)}")


def _quantity(value: Any, _schema: Schema, path: str) -> Iterator[FieldError]:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        yield _wrong(path, value, f"a quantity such as 500m or 128Mi, not {_kind_of(value)}")
        return
    try:
        parse_quantity(value)
    except ValueError as error:
        yield type_invalid(path, value, str(error))


_BY_TYPE: Mapping[str, Callable[[Any, Schema, str], Iterator[FieldError]]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


def _wrong(path: str, value: Any, wanted: str) -> FieldError:
    if isinstance(value, dict | list):
        return FieldError(path, "FieldValueTypeInvalid", f"Invalid value: must be {wanted}")
    return type_invalid(path, value, f"must be {wanted}")


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return "an integer" if isinstance(value, int) else "a number"
