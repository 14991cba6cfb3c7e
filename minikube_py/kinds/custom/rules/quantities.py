"""`quantity("1.5Gi")` in rules."""

from decimal import Decimal
from typing import Any

from minikube_py.meta.quantity import parse_quantity

TYPE = "Quantity"
Quantity = dict[str, Any]


def quantity(text: str) -> Quantity:
    return _made(parse_quantity(text))


def is_quantity(text: str) -> bool:
    try:
        parse_quantity(text)
    except ValueError:
        return False
    return True


def is_less_than(one: Quantity, other: Quantity) -> bool:
    return _value(one) < _value(other)


def is_greater_than(one: Quantity, other: Quantity) -> bool:
    return _value(one) > _value(other)


def compare_to(one: Quantity, other: Quantity) -> int:
    return (_value(one) > _value(other)) - (_value(one) < _value(other))


def add(one: Quantity, other: Quantity | int) -> Quantity:
    return _made(_value(one) + _value(other))


def sub(one: Quantity, other: Quantity | int) -> Quantity:
    return _made(_value(one) - _value(other))


def sign(one: Quantity) -> int:
    return compare_to(one, _made(Decimal(0)))


def is_integer(one: Quantity) -> bool:
    value = _value(one)
    return value == value.to_integral_value() and -(2**63) <= value < 2**63


def as_integer(one: Quantity) -> int:
    if not is_integer(one):
        raise ValueError("cannot convert value to integer")
    return int(_value(one))


def as_approximate_float(one: Quantity) -> float:
    return float(_value(one))


def _made(value: Decimal) -> Quantity:
    """Equal quantities are equal maps, however they were written."""
    return {"kubernetes": TYPE, "value": f"{value.normalize():f}"}


def _value(one: Quantity | int) -> Decimal:
    if isinstance(one, int):
        return Decimal(one)
    if one.get("kubernetes") != TYPE:
        raise ValueError("no such overload")
    return Decimal(one["value"])
