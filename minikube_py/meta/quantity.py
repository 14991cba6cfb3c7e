"""Resource quantities: `100m`, `1.5Gi`, `2e3` (apimachinery's api/resource/quantity).

Values are exact Decimals; formatting gives the canonical form (largest suffix without a fraction).
As in Kubernetes, the smallest step is a billionth and the largest value fits 64 bits.
"""

import re
from decimal import ROUND_UP, Context, Decimal

_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_PATTERN = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))"
    r"(?:(?P<suffix>Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]{1,3}))?"
)
_NANO = Decimal("1e-9")
_LARGEST = Decimal(2**63 - 1)
_LONGEST = 100
# Wide enough for any text that is let in, so that nothing is rounded on the way.
_EXACT = Context(prec=2 * _LONGEST + 1100)


def parse_quantity(text: str | int | float) -> Decimal:
    """The value in base units (cores, bytes, …); raises ValueError.

    Finer than a billionth is rounded away from zero, what doesn't fit 64 bits is capped.
    """
    match = _PATTERN.fullmatch(str(text)) if len(str(text)) <= _LONGEST else None
    if match is None:
        raise ValueError(
            "quantities must match the regular expression "
            r"'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    number = Decimal(match["number"])
    suffix = match["suffix"] or ""
    if suffix in _BINARY:
        number = _EXACT.multiply(number, Decimal(1 << _BINARY[suffix]))
    else:
        power = int(match["exponent"] or _DECIMAL[suffix])
        number = number.scaleb(power, _EXACT)
    number = min(max(number, -_LARGEST), _LARGEST)
    return number.quantize(_NANO, ROUND_UP, _EXACT).normalize(_EXACT)


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
        scaled = value.scaleb(-power, _EXACT)
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    nano = value.scaleb(9, _EXACT).to_integral_value(rounding=ROUND_UP)
    return f"{int(nano)}n"


def to_milli(value: Decimal) -> int:
    """Thousandths, rounded up, as the scheduler counts CPU."""
    return int(value.scaleb(3).to_integral_value(rounding=ROUND_UP))


def to_bytes(value: Decimal) -> int:
    """Whole units, rounded up."""
    return int(value.to_integral_value(rounding=ROUND_UP))
