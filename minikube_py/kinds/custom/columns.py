"""Printer columns: what a CustomResourceDefinition wants to see in `kubectl get`
(apiextensions-apiserver's tableconvertor).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from minikube_py.kinds import columns
from minikube_py.kinds.kind import Column
from minikube_py.meta.jsonpath import format_value, parse_path
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import human_age, parse_time


def columns_of(version: Mapping[str, Any]) -> tuple[Column, ...]:
    """The name first; the age when the version names no columns."""
    wanted: Sequence[Mapping[str, Any]] = version.get("additionalPrinterColumns") or []
    if not wanted:
        return (columns.NAME, columns.AGE)
    return (columns.NAME, *(_column(each) for each in wanted))


def _column(wanted: Mapping[str, Any]) -> Column:
    path = parse_path(wanted["jsonPath"])
    convert = _CONVERT[wanted["type"]]

    def value(obj: Object, now: datetime) -> Any:
        found = path.find(obj)
        return convert(found[0], now) if found else None

    return Column(
        wanted["name"],
        value,
        type=wanted["type"],
        format=wanted.get("format", ""),
        description=wanted.get("description")
        or f"Custom resource definition column (in JSONPath format): {wanted['jsonPath']}",
        priority=wanted.get("priority", 0),
    )


def _string(value: Any, _now: datetime) -> Any:
    return None if value is None else format_value(value)


def _integer(value: Any, _now: datetime) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number else None


def _number(value: Any, _now: datetime) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None


def _boolean(value: Any, _now: datetime) -> Any:
    return value if isinstance(value, bool) else None


def _date(value: Any, now: datetime) -> Any:
    if not isinstance(value, str):
        return None
    try:
        return human_age(now - parse_time(value))
    except ValueError:
        return "<invalid>"


_CONVERT: Mapping[str, Callable[[Any, datetime], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}
