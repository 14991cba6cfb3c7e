"""Turns the server's refusal of a document into lines that name file, document, line, field and
what is allowed there.

The server says which field; the published schema it serves at /openapi/v3 says what else may stand
in that place.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from minikube_py.cli.errors import ApiFailure, CliError
from minikube_py.cli.manifests import Document
from minikube_py.cli.session import Session
from minikube_py.meta.objects import split_api_version

_UNKNOWN = re.compile(
    r'unknown field "(?P<quoted>[^"]+)"'
    r"|(?P<bare>\.[\w.\[\]=\"\-/]+): field not declared in schema"
)
_NAMED_FIELD = re.compile(r"(?:^|: )(?P<field>(?:spec|metadata|data|status)[\w.\[\]]*): ")
_SHOWN_FIELDS = 12


def explain(session: Session, document: Document, error: ApiFailure) -> list[str]:
    """One line a problem."""
    unknown = list(_unknown_fields(error.message))
    if unknown:
        return [
            f"{_place(document, field)}: unknown field {field!r}{_advice(session, document, field)}"
            for field in unknown
        ]
    if error.causes:
        return [
            f"{_place(document, cause.get('field', ''))}: {_cause(cause)}" for cause in error.causes
        ]
    named = _NAMED_FIELD.search(error.message)
    if named:
        field = named["field"]
        return [f"{_place(document, field)}: {error.message[named.start('field') :]}"]
    return [f"{document.place}: {error.message}"]


def _unknown_fields(message: str) -> Iterator[str]:
    seen = set()
    for match in _UNKNOWN.finditer(message):
        field = (match["quoted"] or match["bare"]).lstrip(".")
        if field not in seen:
            seen.add(field)
            yield field


def _cause(cause: Mapping[str, str]) -> str:
    field, message = cause.get("field", ""), cause.get("message", "")
    return message if not field or message.startswith(field) else f"{field}: {message}"


def _place(document: Document, field: str) -> str:
    line = document.line_of(_plain_path(field)) if field else None
    return f"{document.place}, line {line}" if line else document.place


def _plain_path(field: str) -> str:
    """Structured paths select list elements by key (`[name="web"]`), which has no line of ours."""
    return field.partition('[name="')[0]


def _advice(session: Session, document: Document, field: str) -> str:
    parent, _, name = field.rpartition(".")
    try:
        allowed = _allowed(session, document.object, parent)
    except CliError:  # no schema to be had: the field's name alone must do
        return ""
    if not allowed:
        return ""
    close = difflib.get_close_matches(name, allowed, n=1)
    if close:
        return f" (did you mean {close[0]!r}?)"
    shown = ", ".join(sorted(allowed)[:_SHOWN_FIELDS])
    more = ", …" if len(allowed) > _SHOWN_FIELDS else ""
    return f" (allowed in {parent or 'it'}: {shown}{more})"


def _allowed(session: Session, obj: Mapping[str, Any], parent: str) -> list[str]:
    group, version = split_api_version(obj["apiVersion"])
    path = f"/openapi/v3/apis/{group}/{version}" if group else f"/openapi/v3/api/{version}"
    document = session.client.get(path)
    schemas = (document.get("components") or {}).get("schemas") or {}
    wanted = {"group": group, "version": version, "kind": obj["kind"]}
    for schema in schemas.values():
        if wanted in (schema.get("x-kubernetes-group-version-kind") or []):
            return _properties_at(schemas, schema, parent)
    return []


def _properties_at(schemas: Mapping[str, Any], schema: Any, path: str) -> list[str]:
    schema = _resolved(schemas, schema)
    for step in re.findall(r"[^.\[\]]+|\[[^\]]*\]", path):
        if step.startswith("["):
            schema = _resolved(schemas, schema.get("items") or {})
        else:
            properties = schema.get("properties") or {}
            schema = _resolved(
                schemas, properties.get(step) or schema.get("additionalProperties") or {}
            )
    return list(schema.get("properties") or {})


def _resolved(schemas: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    """Follows `$ref` and the one-element `allOf` that carries it."""
    while isinstance(schema, dict) and ("$ref" in schema or schema.get("allOf")):
        reference = schema.get("$ref") or schema["allOf"][0].get("$ref")
        if not reference:
            return dict(schema["allOf"][0])
        schema = schemas.get(reference.rpartition("/")[2]) or {}
    return schema if isinstance(schema, dict) else {}
