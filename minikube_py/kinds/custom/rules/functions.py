"""Kubernetes' own CEL functions (apiserver's cel/library): lists, regular expressions, URLs,
quantities, addresses, versions.

Values of Kubernetes' own types travel through CEL as maps with one entry that names the type: the
runtime knows no types but its own. What a function raises becomes the error of the rule.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from minikube_py.kinds.custom.rules import addresses, quantities, semver, texts
from minikube_py.kinds.custom.rules.texts import parse_duration
from minikube_py.meta.timestamps import parse_time

if TYPE_CHECKING:
    from cel_expr_python.cel import FunctionDecl, Type

Implementation = Callable[..., Any]


@dataclass(frozen=True)
class Function:
    """`signature`: the parameters' CEL types and, behind the arrow, the result's; a receiver
    stands before a dot. `list.string -> int`.
    """

    name: str
    signature: str
    run: Implementation


def _total(items: list[Any]) -> Any:
    return sum(items[1:], start=items[0]) if items else 0


def _extreme(pick: Callable[[list[Any]], Any], name: str) -> Implementation:
    def run(items: list[Any]) -> Any:
        if not items:
            raise ValueError(f"{name} called on empty list")
        return pick(items)

    return run


def _index(items: list[Any], wanted: Any) -> int:
    return next((at for at, item in enumerate(items) if _same(item, wanted)), -1)


def _last_index(items: list[Any], wanted: Any) -> int:
    places = [at for at, item in enumerate(items) if _same(item, wanted)]
    return places[-1] if places else -1


def _same(one: Any, other: Any) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _is_sorted(items: list[Any]) -> bool:
    return all(one <= other for one, other in pairwise(items))


_LISTS = (
    Function("isSorted", "list. -> bool", _is_sorted),
    Function("sum", "list. -> dyn", _total),
    Function("min", "list. -> dyn", _extreme(min, "min")),
    Function("max", "list. -> dyn", _extreme(max, "max")),
    *(
        Function(name, f"list.{type_} -> int", run)
        for name, run in (("indexOf", _index), ("lastIndexOf", _last_index))
        for type_ in ("bool", "bytes", "double", "int", "list", "map", "string")
    ),
)


def _ordering(name: str, compare: Callable[[Any, Any], bool]) -> list[Function]:
    """Below the top of a rule's value, times and durations are texts: the runtime takes them only
    as variables. So texts compare with times.
    """
    found = []
    for type_, parse in (("timestamp", parse_time), ("duration", parse_duration)):
        left = f"string, {type_} -> bool"
        right = f"{type_}, string -> bool"
        found += [
            Function(name, left, lambda a, b, parse=parse: compare(parse(a), b)),
            Function(name, right, lambda a, b, parse=parse: compare(a, parse(b))),
        ]
    return found


_TIMES = (
    *_ordering("_<_", operator.lt),
    *_ordering("_<=_", operator.le),
    *_ordering("_>_", operator.gt),
    *_ordering("_>=_", operator.ge),
)
_KIND = "kubernetes"
"""The entry that names the type of a map that stands for a value of Kubernetes' own."""


def _by_type(name: str, *modules: Any) -> Implementation:
    """The same method name on several types: the receiver's decides."""

    def run(receiver: dict[str, Any], *arguments: Any) -> Any:
        for module in modules:
            if receiver.get(_KIND) == module.TYPE:
                return getattr(module, texts.snake_case(name))(receiver, *arguments)
        raise ValueError(f"no such overload: {name}")

    return run


def _methods(names: Sequence[str], signature: str, *modules: Any) -> list[Function]:
    return [Function(name, signature, _by_type(name, *modules)) for name in names]


_OWN_TYPES = (
    Function("quantity", "string -> map", quantities.quantity),
    Function("isQuantity", "string -> bool", quantities.is_quantity),
    Function("semver", "string -> map", semver.semver),
    Function("semver", "string, bool -> map", semver.semver),
    Function("isSemver", "string -> bool", semver.is_semver),
    Function("isSemver", "string, bool -> bool", semver.is_semver),
    *_methods(["isLessThan", "isGreaterThan"], "map.map -> bool", quantities, semver),
    *_methods(["compareTo"], "map.map -> int", quantities, semver),
    *_methods(["major", "minor", "patch"], "map. -> int", semver),
    *_methods(["add", "sub"], "map.map -> map", quantities),
    *_methods(["add", "sub"], "map.int -> map", quantities),
    *_methods(["sign", "asInteger"], "map. -> int", quantities),
    *_methods(["isInteger"], "map. -> bool", quantities),
    *_methods(["asApproximateFloat"], "map. -> double", quantities),
    Function("ip", "string -> map", addresses.ip),
    Function("isIP", "string -> bool", addresses.is_ip),
    Function("ip.isCanonical", "string -> bool", addresses.is_canonical),
    Function("cidr", "string -> map", addresses.cidr),
    Function("isCIDR", "string -> bool", addresses.is_cidr),
    *_methods(["family"], "map. -> int", addresses.Ip),
    *_methods(
        [
            "isUnspecified",
            "isLoopback",
            "isLinkLocalMulticast",
            "isLinkLocalUnicast",
            "isGlobalUnicast",
        ],
        "map. -> bool",
        addresses.Ip,
    ),
    *_methods(["ip", "masked"], "map. -> map", addresses.Cidr),
    *_methods(["prefixLength"], "map. -> int", addresses.Cidr),
    *_methods(["containsIP", "containsCIDR"], "map.map -> bool", addresses.Cidr),
    *_methods(["containsIP", "containsCIDR"], "map.string -> bool", addresses.Cidr),
    Function("url", "string -> map", texts.url),
    Function("isURL", "string -> bool", texts.is_url),
    *_methods(
        ["getScheme", "getHost", "getHostname", "getPort", "getEscapedPath"],
        "map. -> string",
        texts.Url,
    ),
    *_methods(["getQuery"], "map. -> map", texts.Url),
)

_TEXTS = (
    Function("find", "string.string -> string", texts.find),
    Function("findAll", "string.string -> list", texts.find_all),
    Function("findAll", "string.string, int -> list", texts.find_all),
)


@cache
def declarations() -> "Sequence[FunctionDecl]":
    """All of them, as the runtime takes them."""
    from cel_expr_python import cel

    types = {
        **{name: getattr(cel.Type, name.upper()) for name in _PLAIN_TYPES},
        "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    }
    overloads: dict[str, list[Any]] = {}
    for function in (*_LISTS, *_OWN_TYPES, *_TEXTS, *_TIMES):
        overloads.setdefault(function.name, []).append(_overload(function, types))
    return [cel.FunctionDecl(name, found) for name, found in overloads.items()]


_PLAIN_TYPES = (
    "bool", "bytes", "double", "duration", "dyn", "int", "list", "string", "timestamp",
)  # fmt: skip


def _overload(function: Function, types: "dict[str, Type]") -> Any:
    from cel_expr_python import cel

    parameters, _, result = function.signature.partition(" -> ")
    receiver, dot, rest = parameters.partition(".")
    names = [name.strip() for name in f"{receiver}, {rest}".split(",") if name.strip()]
    return cel.Overload(
        f"k8s_{function.name}_{'_'.join(names)}{'_member' if dot else ''}",
        return_type=types[result],
        parameters=[types[name] for name in names],
        is_member=bool(dot),
        impl=function.run,
    )
