"""One rule, compiled: what it asks, and what is said where it doesn't hold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from minikube_py.kinds import fields
from minikube_py.kinds.custom.nodes import Node
from minikube_py.kinds.custom.rules.environment import HAD_OLD, OLD, OLD_SELF, SELF, environment
from minikube_py.kinds.custom.rules.values import cel_type
from minikube_py.meta.errors import FieldError

if TYPE_CHECKING:
    from cel_expr_python.cel import Expression

Rule = Mapping[str, Any]
_WITH_OPTIONAL = f"cel.bind({OLD_SELF}, {HAD_OLD} ? optional.of({OLD}) : optional.none(), %s\n)"
_NO_OVERLOAD = "no such overload"
_GO_WORDS = (
    (re.compile(r'^Key not found in map : "?(.*?)"?$'), r"no such key: \1"),
    (re.compile(r"^No matching overloads found ?: ?"), f"{_NO_OVERLOAD}: "),
    (re.compile(r"^divide by zero$"), "division by zero"),
    (re.compile(r"^Index error: index=(-?\d+) size=\d+$"), r"index out of bounds: \1"),
)


class BadRule(ValueError):
    """The expression does not compile; says where."""


@dataclass(frozen=True)
class Program:
    """`uses_old`: a transition rule, which asks nothing where there was nothing before."""

    rule: Rule
    type_shown: str
    asks: "Expression"
    tells: "Expression | None"
    uses_old: bool

    @property
    def has_optional_old(self) -> bool:
        return bool(self.rule.get("optionalOldSelf"))

    def errors(self, now: Any, old: Any, path: str, *, shown: Any) -> list[FieldError]:
        """`now` and `old` (None = there was nothing) as rules see them, `shown` as clients do."""
        if self.uses_old and old is None and not self.has_optional_old:
            return []
        data = self._data(now, old)
        holds, problem = _evaluated(self.asks, data)
        if holds is True:
            return []
        where = (path + _relative(self.rule.get("fieldPath") or "")).removeprefix(".")
        if problem:
            return [fields.invalid(where, self._shown(shown), self._failure(problem))]
        return [self._error(where, self._shown(shown), self._message(data))]

    def _shown(self, value: Any) -> Any:
        """Objects and lists are told by their type."""
        return self.type_shown if isinstance(value, dict | list) else value

    def _failure(self, problem: str) -> str:
        shown = self.rule.get("message") or self.rule["rule"]
        if _NO_OVERLOAD in problem:
            return (
                f"'{problem}': call arguments did not match a supported operator, function or "
                f"macro signature for rule: {shown}"
            )
        if "budget" in problem:
            return (
                f"'{problem}': no further validation rules will be run due to call cost exceeds "
                f"limit for rule: {shown}"
            )
        return f"{problem} evaluating rule: {shown}"

    def _data(self, now: Any, old: Any) -> dict[str, Any]:
        data = {SELF: now}
        if self.has_optional_old:
            data |= {HAD_OLD: old is not None, OLD: old}
        elif self.uses_old:
            data[OLD_SELF] = old
        return data

    def _message(self, data: Mapping[str, Any]) -> str:
        if self.tells is not None:
            told, _ = _evaluated(self.tells, data)
            if isinstance(told, str) and told.strip() and "\n" not in told:
                return told
        return self.rule.get("message") or f"failed rule: {self.rule['rule'].strip()}"

    def _error(self, where: str, shown: Any, message: str) -> FieldError:
        reason = self.rule.get("reason") or "FieldValueInvalid"
        if reason == "FieldValueRequired":
            return fields.required(where, message)
        if reason == "FieldValueForbidden":
            return fields.forbidden(where, message)
        if reason == "FieldValueDuplicate":
            return fields.duplicate(where, shown)
        return fields.invalid(where, shown, message)


def compile_rule(rule: Rule, node: Node) -> Program:
    """Raises BadRule."""
    is_optional = bool(rule.get("optionalOldSelf"))
    type_ = cel_type(node)
    asks = _compiled(rule["rule"], type_, is_optional=is_optional)
    if asks.return_type().name() != "BOOL":
        raise BadRule("cel expression must evaluate to a bool")
    tells = None
    if rule.get("messageExpression"):
        tells = _compiled(rule["messageExpression"], type_, is_optional=is_optional)
    type_shown = str(node.get("type") or "")
    return Program(rule, type_shown, asks, tells, is_optional or _mentions_old(asks))


def compile_message(rule: Rule, node: Node) -> None:
    """Raises BadRule when messageExpression gives no text."""
    is_optional = bool(rule.get("optionalOldSelf"))
    compiled = _compiled(rule["messageExpression"], cel_type(node), is_optional=is_optional)
    if compiled.return_type().name() not in ("STRING", "DYN"):
        raise BadRule("messageExpression must evaluate to a string")


@lru_cache(maxsize=1024)
def _compiled(text: str, type_: str, *, is_optional: bool) -> "Expression":
    """Once when it is defined is enough, for all versions that say the same."""
    env = environment(type_)
    try:
        return env.compile(_WITH_OPTIONAL % text if is_optional else text)
    except RuntimeError as error:
        said = str(error).removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]")
        raise BadRule(f"compilation failed: {said}") from error


def _mentions_old(expression: "Expression") -> bool:
    """Identifiers are the first field of their messages; texts are not."""
    return b"\n" + bytes([len(OLD_SELF)]) + OLD_SELF.encode() in expression.serialize()


def _evaluated(expression: "Expression", data: Mapping[str, Any]) -> tuple[Any, str]:
    """(the value, why there is none)."""
    try:
        result = expression.eval(data=data)
    except (RuntimeError, ValueError) as error:
        return None, _in_go_words(str(error))
    if result.type().name() == "ERROR":
        return None, _in_go_words(str(result))
    return result.value(), ""


def _in_go_words(problem: str) -> str:
    """As cel-go says what the C++ runtime found."""
    problem = re.sub(r"^[A-Z_]+: | \[[A-Z_]+\]$", "", problem)
    for pattern, words in _GO_WORDS:
        problem = pattern.sub(words, problem)
    return problem


def _relative(path: str) -> str:
    """`.a['b.c']` as error paths write it."""
    return path.replace("['", "[").replace("']", "]") if path else ""
