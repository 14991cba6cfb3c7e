"""`ip("10.0.0.1")` and `cidr("10.0.0.0/8")` in rules. As in Kubernetes, addresses with a zone and
IPv4 in IPv6 are none.
"""

import ipaddress
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Value = dict[str, Any]


def ip(text: str) -> Value:
    return {"kubernetes": Ip.TYPE, "value": str(_address(text))}


def is_ip(text: str) -> bool:
    try:
        _address(text)
    except ValueError:
        return False
    return True


def is_canonical(text: str) -> bool:
    return str(_address(text)) == text


def cidr(text: str) -> Value:
    found = _interface(text)
    return {"kubernetes": Cidr.TYPE, "value": str(found)}


def is_cidr(text: str) -> bool:
    try:
        _interface(text)
    except ValueError:
        return False
    return True


def _address(text: str) -> Address:
    found = ipaddress.ip_address(text)
    if isinstance(found, ipaddress.IPv6Address) and (found.scope_id or found.ipv4_mapped):
        raise ValueError(f"{text!r} has a zone or is IPv4 in IPv6, which is not allowed")
    return found


def _interface(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    address, slash, length = text.partition("/")
    _address(address)
    if not slash or not length.isdecimal():
        raise ValueError(f"{text!r} is no CIDR")
    return ipaddress.ip_interface(text)


class Ip:
    TYPE = "IP"

    @staticmethod
    def family(one: Value) -> int:
        return _address(one["value"]).version

    @staticmethod
    def is_unspecified(one: Value) -> bool:
        return _address(one["value"]).is_unspecified

    @staticmethod
    def is_loopback(one: Value) -> bool:
        return _address(one["value"]).is_loopback

    @staticmethod
    def is_link_local_multicast(one: Value) -> bool:
        found = _address(one["value"])
        if isinstance(found, ipaddress.IPv4Address):
            return found in ipaddress.IPv4Network("224.0.0.0/24")
        return found in ipaddress.IPv6Network("ff02::/16")

    @staticmethod
    def is_link_local_unicast(one: Value) -> bool:
        return _address(one["value"]).is_link_local

    @staticmethod
    def is_global_unicast(one: Value) -> bool:
        """In Go's sense: private ranges are global, too."""
        found = _address(one["value"])
        is_broadcast = str(found) == "255.255.255.255"
        is_local = found.is_loopback or found.is_multicast or found.is_link_local
        return not (found.is_unspecified or is_local or is_broadcast)


class Cidr:
    TYPE = "CIDR"

    @staticmethod
    def ip(one: Value) -> Value:
        return {"kubernetes": Ip.TYPE, "value": str(_interface(one["value"]).ip)}

    @staticmethod
    def masked(one: Value) -> Value:
        return {"kubernetes": Cidr.TYPE, "value": str(_interface(one["value"]).network)}

    @staticmethod
    def prefix_length(one: Value) -> int:
        return _interface(one["value"]).network.prefixlen

    @staticmethod
    def contains_ip(one: Value, other: Value | str) -> bool:
        address = _address(other if isinstance(other, str) else other["value"])
        return address in _interface(one["value"]).network

    @staticmethod
    def contains_cidr(one: Value, other: Value | str) -> bool:
        outer = _interface(one["value"]).network
        inner = _interface(other if isinstance(other, str) else other["value"]).network
        return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]
