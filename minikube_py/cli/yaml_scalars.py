"""What an unquoted word of a manifest means: as Go's YAML 1.1 reads it, since that is what kubectl
sends. It differs from PyYAML's: `y` is true, `0o10` is eight, `1e3` a number, `1:30` and dates are
text. Pure; manifests.py hands it to its loader.
"""

import base64
import re
from collections.abc import Callable
from typing import Any

import yaml

_PREFIX = "tag:yaml.org,2002:"
_OURS = ("timestamp", "int", "float", "value")
_NUMBER = "!number"
_INT = re.compile(
    r"([-+]?)(?:0[bB]([01]+)|0[xX]([0-9a-fA-F]+)|0[oO]([0-7]+)|0([0-7]+)|([1-9][0-9]*|0))$"
)
_BASES = (2, 16, 8, 8, 10)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")
_LARGEST = 2**64 - 1
_SMALLEST = -(2**63)

Word = int | float | str


def number_or_text(text: str) -> Word:
    """The number that `text` is, or `text`; raises ValueError for what JSON has no number for."""
    if _NOT_FINITE.match(text):
        raise ValueError(f"{text} is no number that JSON has; put it in quotes if it is text")
    plain = text if text.startswith(".") else text.replace("_", "")
    found = _INT.match(plain)
    if found is not None:
        whole = _whole(found)
        if _SMALLEST <= whole <= _LARGEST:
            return whole
    if _FLOAT.match(plain):
        value = float(plain)
        return text if value in (float("inf"), float("-inf")) else value
    return text


def _whole(found: re.Match[str]) -> int:
    sign, *forms = found.groups()
    digits, base = next((form, base) for form, base in zip(forms, _BASES, strict=True) if form)
    return int(sign + digits, base)


def read_like_go(loader: Any) -> None:
    """Teaches a loader class of PyYAML to read plain words so; it must not be a shared one."""
    loader.yaml_implicit_resolvers = {
        first: [rule for rule in rules if rule[0] not in {_PREFIX + name for name in _OURS}]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    loader.add_implicit_resolver(_PREFIX + "bool", re.compile("[yYnN]$"), list("yYnN"))
    loader.add_implicit_resolver(_NUMBER, re.compile(r"[-+.0-9]"), list("-+.0123456789"))
    loader.bool_values = {**yaml.SafeLoader.bool_values, "y": True, "n": False}
    loader.add_constructor(_NUMBER, _marked(number_or_text))
    loader.add_constructor(_PREFIX + "merge", _marked(str))  # `<<` where it is no key
    loader.add_constructor(_PREFIX + "binary", _marked(_text_of))


def _marked(read: Callable[[str], Word]) -> Callable[[Any, yaml.ScalarNode], Word]:
    def construct(loader: Any, node: yaml.ScalarNode) -> Word:
        try:
            return read(loader.construct_scalar(node))
        except ValueError as error:
            raise yaml.constructor.ConstructorError(
                problem=str(error), problem_mark=node.start_mark
            ) from error

    return construct


def _text_of(encoded: str) -> str:
    return base64.b64decode(encoded).decode(errors="replace")
