"""Protobuf messages as the JSON objects that the rest of the server knows.

Field numbers come from fields.json (scripts/protobuf-fields makes it). Go writes every field that
is no pointer, zero or not, where its JSON leaves zeros out: `_SIGNIFICANT` and its neighbours name
the fields whose zero says something.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from minikube_py.apiserver.protobuf.wire import double, fields_in, signed
from minikube_py.meta.encoding import decode
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.objects import Object, split_api_version
from minikube_py.meta.timestamps import format_micro_time, format_time

MAGIC = b"k8s\x00"
MAX_DEPTH = 100
_META = "k8s.io.apimachinery.pkg.apis.meta.v1"
_SIGNIFICANT_NAMES = (
    "activeDeadlineSeconds backoffLimit backoffLimitPerIndex completions defaultMode "
    "deletionGracePeriodSeconds expirationSeconds failedJobsHistoryLimit fsGroup "
    "gracePeriodSeconds leaseDurationSeconds leaseTransitions maxFailedIndexes minReplicas "
    "mode parallelism partition priority progressDeadlineSeconds replicas "
    "revisionHistoryLimit runAsGroup runAsUser stabilizationWindowSeconds "
    "startingDeadlineSeconds successfulJobsHistoryLimit terminationGracePeriodSeconds "
    "tolerationSeconds ttlSecondsAfterFinished value"
)
_SIGNIFICANT = frozenset(_SIGNIFICANT_NAMES.split())
"""Integers that are pointers in Go: zero is a choice, absence is none."""
_PLAIN_BOOLEANS_NAMES = (
    "hostIPC hostNetwork hostPID paused publishNotReadyAddresses readOnly ready stdin "
    "stdinOnce tty unschedulable"
)
_PLAIN_BOOLEANS = frozenset(_PLAIN_BOOLEANS_NAMES.split())
"""Booleans that are no pointers: false is absence."""
_SIGNIFICANT_TEXT = frozenset({"storageClassName"})
_INLINE_NAMES = (
    "ephemeralContainerCommon handler ingressRuleValue localObjectReference "
    "persistentVolumeSource rule ruleWithOperations volumeSource"
)
_INLINE = frozenset(_INLINE_NAMES.split())
"""Go structs that are embedded: in JSON their fields belong to the message around them."""
_SPELLED = {
    "Expression": "expression",
    "Name": "name",
    "Webhooks": "webhooks",
    "aPIGroup": "apiGroup",
    "uID": "uid",
}


def decode_object(data: bytes) -> Object:
    """A `k8s\\0` envelope's object. Raises BadRequest for unknown kinds and fields, which would
    otherwise be lost without a word.
    """
    if not data.startswith(MAGIC):
        raise BadRequest("the object provided is not Kubernetes protobuf: no k8s\\0 at its start")
    envelope = dict(fields_in(data[len(MAGIC) :]))
    names = dict(fields_in(_bytes(envelope.get(1, b""))))
    api_version = _bytes(names.get(1, b"")).decode(errors="replace")
    kind = _bytes(names.get(2, b"")).decode(errors="replace")
    message = _message_of(api_version, kind)
    if message not in _messages():
        raise BadRequest(
            f"{kind} in version {api_version!r} has no protobuf form here: send application/json"
        )
    value = _decode(_bytes(envelope.get(2, b"")), message, depth=0)
    return {"apiVersion": api_version, "kind": kind, **value}


@cache
def _messages() -> Mapping[str, Mapping[str, list[str]]]:
    """By message and field number: name, type, and `list` or `map` where it is one."""
    text = files(__package__).joinpath("fields.json").read_bytes()
    found: dict[str, dict[str, list[str]]] = decode(text)
    return found


def _message_of(api_version: str, kind: str) -> str:
    if kind.endswith("Options") and f"{_META}.{kind}" in _messages():
        return f"{_META}.{kind}"
    group, version = split_api_version(api_version)
    package = group.partition(".")[0] or "core"
    return f"k8s.io.api.{package}.{version}.{kind}"


def _decode(data: bytes, message: str, *, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise BadRequest(f"the object provided nests deeper than {MAX_DEPTH} levels")
    special = _SPECIAL.get(message)
    if special is not None:
        return special(data)
    known = _messages()[message]
    result: dict[str, Any] = {}
    for number, raw in fields_in(data):
        field = known.get(str(number))
        if field is None:
            raise BadRequest(
                f"field number {number} of {message.rpartition('.')[2]} is newer than this "
                "server's protobuf tables: send application/json"
            )
        _add(result, field, raw, message, depth)
    if set(result) == {"items"} and message.endswith(("ExtraValue", "Verbs")):
        return result["items"]
    return result


def _add(
    result: dict[str, Any], field: list[str], raw: int | bytes, message: str, depth: int
) -> None:
    name, type_ = _SPELLED.get(field[0], field[0]), field[1]
    shape = field[2] if len(field) > 2 else ""
    if shape == "map":
        key, value = _map_entry(_bytes(raw), type_, depth)
        result.setdefault(name, {})[key] = value
        return
    value = _value(raw, type_, depth)
    if shape == "list":
        result.setdefault(name, []).append(value)
    elif name in _INLINE and isinstance(value, dict):
        result.update(value)
    elif not _is_absent(name, value, message):
        result[name] = value


def _value(raw: int | bytes, type_: str, depth: int) -> Any:
    match type_:
        case "int":
            return signed(_int(raw))
        case "bool":
            return bool(_int(raw))
        case "string":
            return _text(_bytes(raw))
        case "bytes":
            return base64.b64encode(_bytes(raw)).decode()
        case "double":
            return double(_bytes(raw))
        case _:
            return _decode(_bytes(raw), type_, depth=depth + 1)


def _map_entry(data: bytes, type_: str, depth: int) -> tuple[str, Any]:
    entry = dict(fields_in(data))
    default: int | bytes = 0 if type_ in ("int", "bool") else b""
    return _text(_bytes(entry.get(1, b""))), _value(entry.get(2, default), type_, depth)


def _is_absent(name: str, value: Any, message: str) -> bool:
    """Whether Go's JSON would leave it out."""
    if value is None:
        return True
    if isinstance(value, bool):
        return not value and name in _PLAIN_BOOLEANS
    if isinstance(value, int):
        return value == 0 and name not in _SIGNIFICANT
    if value == "" or message.endswith(".PersistentVolumeSpec"):
        return value == "" and (
            name not in _SIGNIFICANT_TEXT or not message.endswith(".PersistentVolumeClaimSpec")
        )
    return False


def _int_or_string(data: bytes) -> int | str:
    fields = dict(fields_in(data))
    if _int(fields.get(1, 0)) == 1:
        return _text(_bytes(fields.get(3, b"")))
    return signed(_int(fields.get(2, 0)))


def _quantity(data: bytes) -> str | None:
    return _text(_bytes(dict(fields_in(data)).get(1, b""))) or None


def _moment(data: bytes) -> datetime | None:
    """None for the zero time, which has no bytes at all."""
    fields = dict(fields_in(data))
    if not fields:
        return None
    seconds, nanos = signed(_int(fields.get(1, 0))), signed(_int(fields.get(2, 0)))
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanos // 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise BadRequest(f"the object provided has a time that can't be: {error}") from error


def _time(data: bytes) -> str | None:
    moment = _moment(data)
    return format_time(moment) if moment else None


def _micro_time(data: bytes) -> str | None:
    moment = _moment(data)
    return format_micro_time(moment) if moment else None


def _embedded_json(data: bytes) -> Any:
    raw = _bytes(dict(fields_in(data)).get(1, b""))
    return decode(raw) if raw else None


_SPECIAL: Mapping[str, Callable[[bytes], Any]] = {
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "k8s.io.apimachinery.pkg.api.resource.Quantity": _quantity,
    f"{_META}.Time": _time,
    f"{_META}.MicroTime": _micro_time,
    f"{_META}.FieldsV1": _embedded_json,
    "k8s.io.apimachinery.pkg.runtime.RawExtension": _embedded_json,
}


def _bytes(raw: int | bytes) -> bytes:
    if isinstance(raw, int):
        raise BadRequest("the object provided is not valid protobuf: a number where bytes belong")
    return raw


def _int(raw: int | bytes) -> int:
    if isinstance(raw, bytes):
        raise BadRequest("the object provided is not valid protobuf: bytes where a number belongs")
    return raw


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"the object provided has text that is no UTF-8: {error}") from error
