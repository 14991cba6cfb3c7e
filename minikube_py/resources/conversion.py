"""Kinds that are stored as another: what a client of one version reads and writes, and what is
kept.

Almost every kind is kept as it is served, and then its bytes are passed on untouched.
"""

from collections.abc import Mapping

from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.objects import Object

_EVENT_FIELDS = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_FROM_STORED_EVENT = {stored: served for served, stored in _EVENT_FIELDS.items()}


def is_converted(kind: Kind) -> bool:
    return kind.group == "events.k8s.io" and kind.kind == "Event"


def to_stored(kind: Kind, obj: Object) -> Object:
    """The stored form; a new dict when it differs."""
    if not is_converted(kind):
        return obj
    return {**_renamed(obj, _EVENT_FIELDS), "apiVersion": "v1"}


def from_stored(kind: Kind, obj: Object) -> Object:
    """The form `kind` is served in; a new dict when it differs."""
    if not is_converted(kind):
        return obj
    return {**_renamed(obj, _FROM_STORED_EVENT), "apiVersion": kind.api_version}


def served_bytes(kind: Kind, stored: bytes) -> bytes:
    if not is_converted(kind):
        return stored
    return encoding.encode(from_stored(kind, encoding.decode(stored)))


def _renamed(obj: Object, names: Mapping[str, str]) -> Object:
    return {names.get(field, field): value for field, value in obj.items()}
