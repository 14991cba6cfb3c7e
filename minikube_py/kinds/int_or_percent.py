"""Counts that may be given as a percentage: maxSurge, maxUnavailable, partition."""

import re

from minikube_py.kinds.fields import invalid
from minikube_py.meta.errors import FieldError

_PERCENT = re.compile(r"[0-9]+%")
_PERCENT_RULE = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
    "'93%', regex used for validation is '[0-9]+%')"
)


def check_int_or_percent(
    path: str, value: int | str | None, *, at_most_all: bool = False
) -> list[FieldError]:
    """None passes; `at_most_all` refuses more than 100%."""
    if value is None:
        return []
    if isinstance(value, int):
        if value >= 0:
            return []
        return [invalid(path, value, "must be greater than or equal to 0")]
    if not _PERCENT.fullmatch(value):
        return [invalid(path, value, _PERCENT_RULE)]
    if at_most_all and int(value[:-1]) > 100:
        return [invalid(path, value, "must not be greater than 100%")]
    return []


def is_zero(value: int | str | None) -> bool:
    """0 and 0%; unset is not."""
    return value is not None and str(value).removesuffix("%").strip("0") == ""
