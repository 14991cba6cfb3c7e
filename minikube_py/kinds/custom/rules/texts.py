"""Regular expressions and URLs in rules."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

Value = dict[str, Any]
_LONGEST = 100_000


def snake_case(name: str) -> str:
    """`isIP` → `is_ip`, `getEscapedPath` → `get_escaped_path`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def find(text: str, pattern: str) -> str:
    """The first match, "" for none."""
    found = find_all(text, pattern, 1)
    return found[0] if found else ""


def find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    matches: list[str] = []
    for match in _compiled(pattern).finditer(text[:_LONGEST]):
        if 0 <= limit <= len(matches):
            break
        matches.append(match[0])
    return matches


def _compiled(pattern: str) -> re.Pattern[str]:
    """RE2 has no look-arounds and no references back, and repeats in repeats don't slow it down:
    here they are refused.
    """
    if re.search(r"\(\?[=!<]|\\[1-9]|[+*}|][^()]*\)+[+*{]", pattern):
        raise ValueError(f"the regular expression {pattern!r} is not supported by find")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"Illegal regex: {error}") from error


_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}


def parse_duration(text: str) -> timedelta:
    """`1h30m`, as Go writes it; raises ValueError."""
    parts = re.findall(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", text)
    if "".join(f"{number}{unit}" for number, unit in parts) != text.lstrip("+-") or not parts:
        raise ValueError(f"{text!r} is no duration such as 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return timedelta(seconds=-seconds if text.startswith("-") else seconds)


def url(text: str) -> Value:
    parts = _parts(text)
    return {"kubernetes": Url.TYPE, "value": parts.geturl()}


def is_url(text: str) -> bool:
    try:
        _parts(text)
    except ValueError:
        return False
    return True


def _parts(text: str) -> Any:
    parts = urlsplit(text)
    is_absolute = bool(parts.scheme) or text.startswith("/")
    if not is_absolute or re.search(r"[\s\x00-\x1f]|%(?![0-9a-fA-F]{2})", text):
        raise ValueError(f"URL parse error during conversion from string: {text!r}")
    _ = parts.port  # raises for what is no port
    return parts


class Url:
    TYPE = "URL"

    @staticmethod
    def get_scheme(one: Value) -> str:
        return str(_parts(one["value"]).scheme)

    @staticmethod
    def get_host(one: Value) -> str:
        return str(_parts(one["value"]).netloc.rpartition("@")[2])

    @staticmethod
    def get_hostname(one: Value) -> str:
        host = Url.get_host(one)
        match = re.fullmatch(r"\[(.*)\](:\d*)?|([^:]*)(:\d*)?", host)
        return (match[1] or match[3] or "") if match else host

    @staticmethod
    def get_port(one: Value) -> str:
        port = _parts(one["value"]).port
        return "" if port is None else str(port)

    @staticmethod
    def get_escaped_path(one: Value) -> str:
        return quote(_parts(one["value"]).path, safe="/%:@!$&'()*+,;=-._~")

    @staticmethod
    def get_query(one: Value) -> dict[str, list[str]]:
        return parse_qs(_parts(one["value"]).query, keep_blank_values=True)
