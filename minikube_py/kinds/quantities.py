"""Quantities in objects: the canonical text the API stores, and the rules for lists of resources.

Comes after the type check, so every quantity parses.
"""

from collections.abc import Mapping
from decimal import ROUND_UP, Decimal
from typing import Any

from minikube_py.kinds.fields import check, invalid
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import qualified_name_problem
from minikube_py.meta.quantity import format_quantity, parse_quantity

_MILLI = Decimal("0.001")
_STANDARD = frozenset({"cpu", "memory", "ephemeral-storage", "storage"})


def canonical(text: str | int | float) -> str:
    """`1024Mi` → `1Gi`, `0.5` → `500m`, `1.5Gi` → `1536Mi`; the family of the suffix is kept."""
    return _format(parse_quantity(text), str(text))


def canonical_resource(text: str | int | float) -> str:
    """The same, rounded up to thousandths, as resource lists are."""
    value = parse_quantity(text)
    if value.as_tuple().exponent < -3:  # type: ignore[operator]
        value = value.quantize(_MILLI, rounding=ROUND_UP)
    return _format(value, str(text))


def _format(value: Decimal, text: str) -> str:
    if text.endswith("i"):
        return format_quantity(value, binary=abs(value) >= 1024)
    if "e" in text or ("E" in text and not text.endswith("E")):
        return _with_exponent(value)
    return format_quantity(value)


def _with_exponent(value: Decimal) -> str:
    if value == 0:
        return "0"
    power = 0
    while value == value.to_integral_value() and value % 1000 == 0:
        value, power = value / 1000, power + 3
    while value != value.to_integral_value():
        value, power = value * 1000, power - 3
    return f"{int(value)}e{power}" if power else str(int(value))


def default_resource_list(resources: dict[str, Any] | None) -> None:
    """Canonical text for every quantity of a ResourceList, in place."""
    for name, value in (resources or {}).items():
        resources[name] = canonical_resource(value)  # type: ignore[index]


def validate_not_negative(path: str, value: str | int | float) -> list[FieldError]:
    if parse_quantity(value) >= 0:
        return []
    return [invalid(path, str(value), "must be greater than or equal to 0")]


def validate_positive(path: str, value: str | int | float) -> list[FieldError]:
    if parse_quantity(value) > 0:
        return []
    return [invalid(path, str(value), "must be greater than zero")]


def validate_resource_requirements(
    resources: Mapping[str, Any] | None, path: str
) -> list[FieldError]:
    """requests and limits of a container or a Pod; every request fits below its limit."""
    limits = (resources or {}).get("limits") or {}
    requests = (resources or {}).get("requests") or {}
    errors = []
    for field, listed in (("limits", limits), ("requests", requests)):
        for name, value in listed.items():
            at = f"{path}.{field}[{name}]"
            errors += _validate_resource_name(name, at)
            errors += validate_not_negative(at, value)
            errors += _validate_extended(name, value, at)
    for name, value in requests.items():
        errors += _validate_against_limit(name, value, limits.get(name), f"{path}.requests")
    return errors


def _validate_against_limit(name: str, value: Any, limit: Any, path: str) -> list[FieldError]:
    if limit is None:
        if _is_extended(name):
            return [
                invalid(
                    f"{path}[{name}]",
                    str(value),
                    "Limit must be set for non overcommitable resources",
                )
            ]
        return []
    wanted, most = parse_quantity(value), parse_quantity(limit)
    if _is_extended(name) and wanted != most:
        return [invalid(path, str(value), f"must be equal to {name} limit of {limit}")]
    if wanted > most:
        return [invalid(path, str(value), f"must be less than or equal to {name} limit of {limit}")]
    return []


def _validate_resource_name(name: str, path: str) -> list[FieldError]:
    errors = check(path, name, qualified_name_problem)
    if errors or "/" in name or name in _STANDARD or name.startswith("hugepages-"):
        return errors
    return [invalid(path, name, "must be a standard resource type or fully qualified")]


def _validate_extended(name: str, value: Any, path: str) -> list[FieldError]:
    number = parse_quantity(value)
    if _is_extended(name) and number != number.to_integral_value():
        return [invalid(path, str(value), "must be an integer")]
    return []


def _is_extended(name: str) -> bool:
    return "/" in name and not name.partition("/")[0].endswith("kubernetes.io")
