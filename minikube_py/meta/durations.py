"""Durations in annotations, as Go programs write them: `5s`, `500ms`, `1m30s`, or bare seconds."""

import re

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|h|m|s))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_BARE = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def parse_duration(text: str) -> float:
    """Seconds, never below 0. Raises ValueError that shows how to write one."""
    if _BARE.fullmatch(text):
        return float(text)
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration: write e.g. 500ms, 5s or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
