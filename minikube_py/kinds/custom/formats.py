"""The `format`s of strings that Kubernetes checks (kube-openapi's strfmt); others mean nothing."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date
from urllib.parse import urlsplit

from minikube_py.meta import names
from minikube_py.meta.timestamps import parse_time

_HOSTNAME = re.compile(
    r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
_EMAIL = re.compile(r"(?:[^<>@]*<)?[^\s@<>]+@[^\s@<>]+>?")
_DURATION = re.compile(r"[-+]?(\d+(\.\d+)?\s*(ns|us|µs|ms|s|m|h|d|w|[a-z]+)\s*)+|0")
_MAC = re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5,7}|([0-9a-fA-F]{4}\.){2,3}[0-9a-fA-F]{4}")
_UUID = "[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?%s[0-9a-fA-F]{3}-?%s[0-9a-fA-F]{3}-?[0-9a-fA-F]{12}"
_CARD = re.compile(
    r"4\d{12}(\d{3})?|5[1-5]\d{14}|6(011|5\d\d)\d{12}|3[47]\d{13}|3(0[0-5]|[68]\d)\d{11}"
    r"|(2131|1800|35\d{3})\d{11}"
)
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)")
_HEX = "[0-9a-fA-F]"


def has_format(value: str, name: str) -> bool:
    """True for every value of a format that isn't known."""
    check = _CHECKS.get(name.replace("-", "") if name.startswith("date") else name)
    return check is None or check(value)


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            parse(value)
        except (ValueError, binascii.Error):
            return False
        return True

    return check


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


def _uri(value: str) -> object:
    parts = urlsplit(value)
    if not (parts.scheme or value.startswith("/")) or re.search(r"\s", value):
        raise ValueError("neither absolute nor a path")
    return parts


def _rgb(value: str) -> bool:
    match = _RGB.fullmatch(value)
    return match is not None and all(int(part) <= 255 for part in match.groups())


def _isbn10(value: str) -> bool:
    digits = re.sub(r"[\s-]", "", value)
    if not re.fullmatch(r"\d{9}[\dX]", digits):
        return False
    numbers = [10 if digit == "X" else int(digit) for digit in digits]
    return sum(number * (10 - place) for place, number in enumerate(numbers)) % 11 == 0


def _isbn13(value: str) -> bool:
    digits = re.sub(r"[\s-]", "", value)
    if not re.fullmatch(r"\d{13}", digits):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def _base64(value: str) -> object:
    return base64.b64decode(re.sub(r"[\r\n]", "", value), validate=True)


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "bsonobjectid": _matches(f"{_HEX}{{24}}"),
    "uri": _parses(_uri),
    "email": lambda value: _EMAIL.fullmatch(value) is not None,
    "hostname": lambda value: len(value) <= 255 and _HOSTNAME.fullmatch(value) is not None,
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": lambda value: "/" in value and _parses(lambda v: ipaddress.ip_network(v, False))(value),
    "mac": lambda value: _MAC.fullmatch(value) is not None,
    "uuid": _matches(_UUID % (_HEX, _HEX)),
    "uuid3": _matches(_UUID % ("3", _HEX)),
    "uuid4": _matches(_UUID % ("4", "[89abAB]")),
    "uuid5": _matches(_UUID % ("5", "[89abAB]")),
    "isbn": lambda value: _isbn10(value) or _isbn13(value),
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "creditcard": lambda value: _CARD.fullmatch(re.sub(r"\D", "", value)) is not None,
    "ssn": _matches(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "hexcolor": _matches(f"#?({_HEX}{{3}}|{_HEX}{{6}})"),
    "rgbcolor": _rgb,
    "byte": _parses(_base64),
    "date": lambda value: len(value) == 10 and _parses(date.fromisoformat)(value),
    "duration": lambda value: _DURATION.fullmatch(value) is not None,
    "datetime": _parses(parse_time),
    "k8s-short-name": lambda value: names.label_problem(value) is None,
    "k8s-long-name": lambda value: names.subdomain_problem(value) is None,
}
