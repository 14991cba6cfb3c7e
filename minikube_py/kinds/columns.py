"""Table columns that kinds share, and the small texts that cells are made of."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from minikube_py.kinds.kind import Column
from minikube_py.meta.objects import Object, get_path, name_of
from minikube_py.meta.timestamps import human_age, parse_time

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"

Cell = Callable[[Object, datetime], Any]


def from_path(*path: str | int, default: Any = "") -> Cell:
    """A cell that shows the value at `path`."""
    return lambda obj, _now: get_path(obj, *path, default=default)


def from_object(text: Callable[[Object], Any]) -> Cell:
    """A cell that doesn't need the time."""
    return lambda obj, _now: text(obj)


def age_of(text: str | None, now: datetime) -> str:
    """How long ago a timestamp of an object was, as kubectl writes it."""
    return human_age(now - parse_time(text)) if text else UNKNOWN


def _age(obj: Object, now: datetime) -> str:
    return age_of(get_path(obj, "metadata", "creationTimestamp"), now)


NAME = Column(
    "Name",
    lambda obj, _now: name_of(obj),
    format="name",
    description="Name must be unique within a namespace.",
)
AGE = Column(
    "Age",
    _age,
    description="How long ago the object was created, since metadata.creationTimestamp.",
)


def joined(values: Sequence[Any] | None, separator: str = ",", empty: str = NONE) -> str:
    return separator.join(str(value) for value in values) if values else empty


def labels_text(labels: Mapping[str, str] | None) -> str:
    """`a=b,c=d`, or `<none>`."""
    return joined([f"{key}={value}" for key, value in sorted((labels or {}).items())])


def limited(items: Sequence[str], limit: int = 3) -> str:
    """`a,b,c + 2 more...`."""
    if len(items) <= limit:
        return joined(items, empty=NONE)
    return f"{joined(items[:limit])} + {len(items) - limit} more..."
