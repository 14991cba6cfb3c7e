"""Kinds that are stored as another: what a client of one version reads and writes, and what is
kept.

Almost every kind is kept as it is served, and then its bytes are passed on untouched.
"""

from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.objects import Object


def to_stored(kind: Kind, obj: Object) -> Object:
    """The stored form; a new dict when it differs."""
    if kind.stored_as is None:
        return obj
    return {**kind.stored_as.to_stored(obj), "apiVersion": kind.stored_as.api_version}


def from_stored(kind: Kind, obj: Object) -> Object:
    """The form `kind` is served in; a new dict when it differs."""
    if kind.stored_as is None:
        return obj
    return {**kind.stored_as.from_stored(obj), "apiVersion": kind.api_version}


def served_bytes(kind: Kind, stored: bytes) -> bytes:
    if kind.stored_as is None or kind.stored_as.is_as_served(stored):
        return stored
    return encoding.encode(from_stored(kind, encoding.decode(stored)))
