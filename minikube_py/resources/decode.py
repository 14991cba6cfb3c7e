"""From what a client sent to an object of its kind: checked for shape, copied, and pruned.

The first step of every write. What a kind's values must be beyond their types is validated later,
when defaults are there.
"""

import re
from typing import Any

from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import (
    Schema,
    did_you_mean,
    prune_unknown,
    schema_for,
    type_errors,
)
from minikube_py.meta import encoding
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.objects import Object
from minikube_py.meta.quantity import format_quantity, parse_quantity
from minikube_py.meta.timestamps import format_micro_time, format_time, parse_time
from minikube_py.resources.options import FieldValidation

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_TIMES = {f"{_META}.Time": format_time, f"{_META}.MicroTime": format_micro_time}


def decode_object(
    kind: Kind, body: Any, validation: FieldValidation
) -> tuple[Object, tuple[str, ...]]:
    """(a copy the caller owns, warnings); raises BadRequest naming what is wrong and where."""
    if not isinstance(body, dict):
        raise BadRequest(f"a {kind.kind} must be an object, not {type(body).__name__}")
    obj = copied(body)
    _check_type(kind, obj)
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, **obj}
    if not obj.get("metadata"):
        obj["metadata"] = {}
    wrong = type_errors(obj, kind)
    if wrong:
        raise BadRequest(_cannot_handle(kind, "; ".join(str(error) for error in wrong)))
    return obj, _pruned(kind, obj, validation)


def copied(obj: Any) -> Any:
    """A deep copy of JSON: encoding and decoding beats copying in Python several times over."""
    try:
        return encoding.decode(encoding.encode(obj))
    except TypeError as error:
        raise BadRequest(f"the object provided can't be expressed as JSON: {error}") from error


def _check_type(kind: Kind, obj: Object) -> None:
    """Missing apiVersion and kind are known from the URL; others must be right."""
    version = obj.setdefault("apiVersion", kind.api_version) or kind.api_version
    name = obj.setdefault("kind", kind.kind) or kind.kind
    obj["apiVersion"], obj["kind"] = version, name
    if version != kind.api_version:
        raise BadRequest(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({kind.api_version})"
        )
    if name != kind.kind:
        raise BadRequest(
            f'{name} in version "{version}" cannot be handled as a {kind.kind}: no kind "{name}" '
            f"is served at {kind.resource}"
        )


def _pruned(kind: Kind, obj: Object, validation: FieldValidation) -> tuple[str, ...]:
    unknown = prune_unknown(obj, kind)
    _normalize(obj, schema_for(kind))
    if not unknown or validation == "Ignore":
        return ()
    problems = [_unknown_field(kind, path) for path in unknown]
    if validation == "Strict":
        raise BadRequest(
            _cannot_handle(kind, f"strict decoding error: {', '.join(problems)}"),
        )
    return tuple(problems)


def _unknown_field(kind: Kind, path: str) -> str:
    meant = did_you_mean(path, kind)
    hint = f' (did you mean "{meant}"?)' if meant else ""
    return f'unknown field "{path}"{hint}'


def _cannot_handle(kind: Kind, why: str) -> str:
    return f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}'


def drop_nulls(value: Any, kind: Kind) -> None:
    """In place: what callers in this process may leave behind."""
    _normalize(value, schema_for(kind) if kind.is_custom else None)


def _normalize(value: Any, schema: Schema | None) -> None:
    """Drops nulls, which mean the same as absence; writes number quantities as text, and times as
    Kubernetes does: what Python clients read as Z comes back as +00:00.
    """
    if isinstance(value, dict):
        if schema is not None and schema.preserve_unknown:
            return
        for name in [name for name, child in value.items() if child is None]:
            if schema is None or not schema.keeps_null(name):
                del value[name]
        for name, child in value.items():
            _normalize_child(value, name, child, schema and schema.field(name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _normalize_child(value, index, child, schema and schema.items)


def _normalize_child(holder: Any, place: Any, child: Any, schema: Schema | None) -> None:
    if isinstance(child, dict | list):
        _normalize(child, schema)
    elif schema is not None and schema.is_quantity:
        holder[place] = _canonical_quantity(child)
    elif schema is not None and schema.definition in _TIMES and isinstance(child, str):
        holder[place] = _TIMES[schema.definition](parse_time(child))


def _canonical_quantity(value: str | float) -> str:
    """`0.5` → `500m`, `1024Mi` → `1Gi`; exponents are kept as written."""
    text = str(value)
    if "e" in text or re.search(r"E[-+\d]", text):
        return text
    return format_quantity(parse_quantity(text), binary=text.endswith("i"))
