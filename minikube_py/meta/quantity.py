"""Resource quantities: `100m`, `1.5Gi`, `2e3` (apimachinery's api/resource/quantity).

Values are exact Decimals; formatting gives the canonical form (largest suffix without a fraction).
"""

import re
from decimal import ROUND_UP, Decimal

_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_PATTERN = re.compile(
    r"(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+))"
    r"(?:(?P<suffix>Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])|[eE](?P<exponent>[+-]?\d{1,3}))?"
)


def parse_quantity(text: str | int | float) -> Decimal:
    """The exact value in base units (cores, bytes, …); raises ValueError."""
    match = _PATTERN.fullmatch(str(text))
    if match is None:
        raise ValueError(
            "quantities must match the regular expression "
            r"'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    number = Decimal(match["number"])
    if match["exponent"]:
        return number.scaleb(int(match["exponent"]))
    suffix = match["suffix"] or ""
    if suffix in _BINARY:
        return number * (1 << _BINARY[suffix])
    return number.scaleb(_DECIMAL[suffix])


def format_quantity(value: Decimal, *, binary: bool = False) -> str:
    """Canonical text; `binary` prefers Ki/Mi/Gi when the value is whole in them."""
    if value == 0:
        return "0"
    if binary and value == value.to_integral_value():
        whole = int(value)
        for suffix, shift in reversed(_BINARY.items()):
            if whole % (1 << shift) == 0:
                return f"{whole >> shift}{suffix}"
        return str(whole)
    for suffix, power in sorted(_DECIMAL.items(), key=lambda item: -item[1]):
        scaled = value.scaleb(-power)
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    nano = value.scaleb(9).to_integral_value(rounding=ROUND_UP)
    return f"{int(nano)}n"


def to_milli(value: Decimal) -> int:
    """Thousandths, rounded up, as the scheduler counts CPU."""
    return int(value.scaleb(3).to_integral_value(rounding=ROUND_UP))


def to_bytes(value: Decimal) -> int:
    """Whole units, rounded up."""
    return int(value.to_integral_value(rounding=ROUND_UP))
