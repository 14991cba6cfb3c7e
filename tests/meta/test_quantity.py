from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.meta.quantity import format_quantity, parse_quantity, to_bytes, to_milli

_NUMBERS = st.decimals(
    min_value=-(10**12), max_value=10**12, allow_nan=False, allow_infinity=False, places=9
)
_SUFFIXES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 10**3, "M": 10**6, "": 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100m", Decimal("0.1")),
        ("1.5Gi", Decimal(1610612736)),
        ("2e3", Decimal(2000)),
        ("1E", Decimal(10) ** 18),
        ("1E3", Decimal(1000)),
        ("+.5", Decimal("0.5")),
        ("5.", Decimal(5)),
        (3, Decimal(3)),
        (0.25, Decimal("0.25")),
        ("-1Ki", Decimal(-1024)),
    ],
)
def test_every_notation_is_read(text: str | float, value: Decimal) -> None:
    assert parse_quantity(text) == value


@pytest.mark.parametrize(
    "text", ["", "1x", "Gi", "1 Gi", "1.2.3", "0x10", "1Kii", "--1", "nan", "inf", "\u0661", "1\n"]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        parse_quantity(text)


def test_too_fine_a_value_is_rounded_away_from_zero() -> None:
    assert parse_quantity("0.1n") == Decimal("1e-9")
    assert parse_quantity("-0.1n") == Decimal("-1e-9")


@pytest.mark.parametrize("text", ["1e999", "9" * 40, "100Ei"])
def test_too_large_a_value_is_capped(text: str) -> None:
    assert parse_quantity(text) == 2**63 - 1


def test_an_endless_text_is_refused_before_it_costs_anything() -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        parse_quantity("1" * 10_000)


@pytest.mark.parametrize(
    ("value", "binary", "text"),
    [
        (Decimal("0.5"), False, "500m"),
        (Decimal(1000), False, "1k"),
        (Decimal(1024), True, "1Ki"),
        (Decimal(1536), True, "1536"),
        (Decimal("1181116006.4"), True, "1181116006400m"),
        (Decimal(0), True, "0"),
        (Decimal("0.000000001"), False, "1n"),
        (Decimal(-2048), True, "-2Ki"),
        (Decimal("1e-10"), False, "1n"),
    ],
)
def test_canonical_text_has_the_largest_suffix_without_a_fraction(
    value: Decimal, binary: bool, text: str
) -> None:
    assert format_quantity(value, binary=binary) == text


@given(_NUMBERS, st.booleans())
def test_formatting_loses_nothing(value: Decimal, binary: bool) -> None:
    assert parse_quantity(format_quantity(value, binary=binary)) == value


@given(_NUMBERS)
def test_formatting_is_stable(value: Decimal) -> None:
    text = format_quantity(value)

    assert format_quantity(parse_quantity(text)) == text


@given(st.integers(min_value=0, max_value=10**6), st.sampled_from(sorted(_SUFFIXES)))
def test_a_suffix_multiplies(number: int, suffix: str) -> None:
    assert parse_quantity(f"{number}{suffix}") == number * _SUFFIXES[suffix]


@given(_NUMBERS)
def test_thousandths_and_whole_units_never_fall_short(value: Decimal) -> None:
    assert abs(to_milli(value)) >= abs(value * 1000)
    assert abs(to_bytes(value)) >= abs(value)
    assert abs(to_bytes(value) - value) < 1
