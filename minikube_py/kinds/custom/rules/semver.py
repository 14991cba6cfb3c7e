"""`semver("1.2.3-rc.1")` in rules."""

import re
from typing import Any

TYPE = "Semver"
Semver = dict[str, Any]
_NUMBER = r"(0|[1-9]\d*)"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_PATTERN = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-(?P<pre>{_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?"
)


def semver(text: str, normalize: bool = False) -> Semver:
    match = _PATTERN.fullmatch(_normalized(text) if normalize else text)
    if match is None:
        raise ValueError(f"{text!r} is no semantic version")
    return {
        "kubernetes": TYPE,
        "major": int(match[1]),
        "minor": int(match[2]),
        "patch": int(match[3]),
        "pre": match["pre"] or "",
    }


def is_semver(text: str, normalize: bool = False) -> bool:
    return _PATTERN.fullmatch(_normalized(text) if normalize else text) is not None


def _normalized(text: str) -> str:
    """`v1.02` → `1.2.0`."""
    core, mark, rest = re.sub("^v", "", text).partition("-")
    numbers = [part.lstrip("0") or "0" for part in core.split(".")]
    return ".".join([*numbers, "0", "0"][: max(3, len(numbers))]) + mark + rest


def major(one: Semver) -> int:
    return int(one["major"])


def minor(one: Semver) -> int:
    return int(one["minor"])


def patch(one: Semver) -> int:
    return int(one["patch"])


def compare_to(one: Semver, other: Semver) -> int:
    return (_rank(one) > _rank(other)) - (_rank(one) < _rank(other))


def is_less_than(one: Semver, other: Semver) -> bool:
    return _rank(one) < _rank(other)


def is_greater_than(one: Semver, other: Semver) -> bool:
    return _rank(one) > _rank(other)


def _rank(one: Semver) -> tuple[Any, ...]:
    """A pre-release comes before its release; its numbers before its words."""
    words = [
        (0, int(word), "") if word.isdecimal() else (1, 0, word)
        for word in one["pre"].split(".")
        if word
    ]
    return one["major"], one["minor"], one["patch"], not words, words
