"""The OpenAPI v2 document in gnostic's protobuf form, the only one in which kubectl takes it.

kubectl needs it to check a `kind: List` before it applies it, and old ones for all checks. What is
left out (responses, parameters' types beyond their names) no client reads. Field numbers are
those of gnostic's OpenAPIv2.proto.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from minikube_py.meta.encoding import encode

CONTENT_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
ASKED_FOR_AS = ("proto-openapi.spec.v2@v1.0+protobuf", "proto-openapi.spec.v2.v1.0+protobuf")
"""Clients ask with an @, which belongs in no media type: answered so, they could not parse it."""
_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}
_SCHEMA_TEXTS = {"$ref": 1, "format": 2, "description": 4}
_ENTRIES_A_TURN = 25


async def encode_document(document: Mapping[str, Any]) -> bytes:
    """Gives other requests a turn every few entries."""
    paths = await _join(document["paths"], lambda name, item: _named(2, name, _path(item)))
    definitions = await _join(
        document["definitions"], lambda name, schema: _named(1, name, _schema(schema))
    )
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    return (
        _text(1, document["swagger"])
        + _message(2, info)
        + _message(8, paths)
        + _message(9, definitions)
    )


async def _join(entries: Mapping[str, Any], write: Callable[[str, Any], bytes]) -> bytes:
    written = []
    for count, (name, value) in enumerate(entries.items()):
        written.append(write(name, value))
        if count % _ENTRIES_A_TURN == 0:
            await asyncio.sleep(0)
    return b"".join(written)


def _path(item: Mapping[str, Any]) -> bytes:
    operations = b"".join(
        _message(number, _operation(item[method]))
        for method, number in _METHODS.items()
        if method in item
    )
    return operations + b"".join(_message(9, _parameter(p)) for p in item.get("parameters", ()))


def _operation(operation: Mapping[str, Any]) -> bytes:
    return b"".join(
        (
            _texts(1, operation.get("tags", ())),
            _text(3, operation.get("description", "")),
            _text(5, operation["operationId"]),
            _texts(7, operation.get("consumes", ())),
            *(_message(8, _parameter(parameter)) for parameter in operation["parameters"]),
            _message(9, b""),
            *_extensions(13, operation),
        )
    )


def _parameter(parameter: Mapping[str, Any]) -> bytes:
    """ParametersItem → Parameter → body, or → NonBodyParameter → query or path."""
    required = _number(1, 1) if parameter.get("required") else b""
    if parameter["in"] == "body":
        body = (
            _text(2, parameter["name"])
            + _text(3, "body")
            + (_number(4, 1) if required else b"")
            + _message(5, _schema(parameter["schema"]))
        )
        return _message(1, _message(1, body))
    place, type_number = (3, 6) if parameter["in"] == "query" else (4, 5)
    inner = (
        required
        + _text(2, parameter["in"])
        + _text(3, parameter.get("description", ""))
        + _text(4, parameter["name"])
        + _text(type_number, parameter["type"])
    )
    return _message(1, _message(2, _message(place, inner)))


def _schema(schema: Mapping[str, Any]) -> bytes:
    parts = [_text(number, schema.get(name, "")) for name, number in _SCHEMA_TEXTS.items()]
    if "default" in schema:
        parts.append(_message(5, _any(schema["default"])))
    parts.append(_texts(19, schema.get("required", ())))
    parts += [_message(20, _any(choice)) for choice in schema.get("enum", ())]
    if isinstance(schema.get("additionalProperties"), Mapping):
        parts.append(_message(21, _message(1, _schema(schema["additionalProperties"]))))
    if "type" in schema:
        parts.append(_message(22, _text(1, schema["type"])))
    if "items" in schema:
        parts.append(_message(23, _message(1, _schema(schema["items"]))))
    if "properties" in schema:
        properties = schema["properties"].items()
        parts.append(
            _message(25, b"".join(_named(1, name, _schema(value)) for name, value in properties))
        )
    return b"".join([*parts, *_extensions(31, schema)])


def _extensions(number: int, node: Mapping[str, Any]) -> Iterator[bytes]:
    for name, value in node.items():
        if name.startswith("x-"):
            yield _named(number, name, _any(value))


def _any(value: Any) -> bytes:
    """As YAML, of which JSON is a part."""
    return _text(2, encode(value).decode())


def _named(number: int, name: str, message: bytes) -> bytes:
    return _message(number, _text(1, name) + _message(2, message))


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join(_text(number, value) for value in values)


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode()) if value else b""


def _message(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
