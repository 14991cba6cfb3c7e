"""Label and field selectors, parsed from a query string or a LabelSelector, matched on dicts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from minikube_py.meta.errors import BadRequest
from minikube_py.meta.names import label_value_problem, qualified_name_problem

Operator = Literal["=", "!=", "in", "notin", "exists", "!", ">", "<"]

_FROM_EXPRESSION: dict[str, Operator] = {
    "In": "in",
    "NotIn": "notin",
    "Exists": "exists",
    "DoesNotExist": "!",
    "Gt": ">",
    "Lt": "<",
}
_SET_CLAUSE = re.compile(r"\s*(?P<key>\S+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)\s*")
_PLAIN_CLAUSE = re.compile(
    r"\s*(?P<key>[^\s!=<>]+)\s*(?P<op>==|=|!=|<|>)\s*(?P<value>[^\s!=<>]*)\s*"
)
_NAME_CLAUSE = re.compile(r"\s*(?P<not>!?)\s*(?P<key>[^\s!=<>()]+)\s*")


@dataclass(frozen=True)
class Requirement:
    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "=" | "in":
                return value is not None and value in self.values
            case "!=" | "notin":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
            case _:
                return value is not None and self._compares(value)

    def _compares(self, value: str) -> bool:
        try:
            left, right = int(value), int(next(iter(self.values)))
        except ValueError:
            return False
        return left > right if self.operator == ">" else left < right


@dataclass(frozen=True)
class Selector:
    """All requirements must hold; an empty selector matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)


EVERYTHING = Selector()


def parse_label_selector(text: str) -> Selector:
    """`a=b,c!=d,e in (f,g),h,!i`; raises BadRequest naming the clause that is wrong."""
    return Selector(tuple(_parse_clause(clause) for clause in _split_clauses(text)))


def from_label_selector(selector: Mapping[str, Any] | None) -> Selector | None:
    """A LabelSelector of an object's spec. None selects nothing, `{}` everything."""
    if selector is None:
        return None
    requirements = [
        Requirement(key, "=", frozenset([value]))
        for key, value in (selector.get("matchLabels") or {}).items()
    ]
    requirements += [
        Requirement(
            expression["key"],
            _FROM_EXPRESSION[expression["operator"]],
            frozenset(expression.get("values") or []),
        )
        for expression in selector.get("matchExpressions") or []
    ]
    return Selector(tuple(requirements))


def from_map(labels: Mapping[str, str] | None) -> Selector | None:
    """A plain map, as in a Service's spec.selector. Empty or missing selects nothing."""
    if not labels:
        return None
    return Selector(tuple(Requirement(k, "=", frozenset([v])) for k, v in labels.items()))


def format_label_selector(selector: Mapping[str, Any] | None) -> str:
    """A LabelSelector as the text kubectl prints and `scale` reports."""
    if selector is None:
        return "<none>"
    parts = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or []:
        key, operator = str(expression.get("key") or ""), expression.get("operator")
        values = ",".join(sorted(expression.get("values") or []))
        plain = {"Exists": key, "DoesNotExist": f"!{key}"}
        parts.append((key, plain.get(operator) or f"{key} {str(operator).lower()} ({values})"))
    return ",".join(text for _, text in sorted(parts))


@dataclass(frozen=True)
class FieldRequirement:
    field: str
    value: str
    negate: bool = False


def parse_field_selector(text: str) -> tuple[FieldRequirement, ...]:
    """`status.phase=Running,metadata.name!=x` (backslash escapes , = \\); raises BadRequest."""
    requirements = []
    for clause in re.findall(r"(?:\\.|[^,])+", text, re.DOTALL):
        if not clause.strip():
            continue
        match = re.fullmatch(r"\s*([^=!\s]+)\s*(==|=|!=)(.*)", clause, re.DOTALL)
        if match is None:
            raise BadRequest(f"invalid selector: {clause!r}; can't understand {clause!r}")
        value = re.sub(r"\\([,=\\])", r"\1", match[3])
        requirements.append(FieldRequirement(match[1], value, negate=match[2] == "!="))
    return tuple(requirements)


def fields_match(requirements: Sequence[FieldRequirement], fields: Mapping[str, str]) -> bool:
    """`fields` holds the selectable fields of one object; a missing one reads as ""."""
    return all(
        (fields.get(wanted.field, "") == wanted.value) is not wanted.negate
        for wanted in requirements
    )


def _split_clauses(text: str) -> list[str]:
    clauses, depth, start = [], 0, 0
    for index, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "," and depth == 0:
            clauses.append(text[start:index])
            start = index + 1
    clauses.append(text[start:])
    if len(clauses) == 1 and not clauses[0].strip():
        return []
    return clauses


def _parse_clause(clause: str) -> Requirement:
    requirement = _read_clause(clause)
    if requirement is None:
        raise BadRequest(f"unable to parse requirement: cannot understand {clause.strip()!r}")
    problem = qualified_name_problem(requirement.key)
    if problem:
        raise BadRequest(
            f"unable to parse requirement: invalid label key {requirement.key!r}: {problem}"
        )
    for value in requirement.values:
        problem = label_value_problem(value)
        if problem:
            raise BadRequest(
                f"unable to parse requirement: invalid label value {value!r}: {problem}"
            )
        if requirement.operator in "<>" and not value.lstrip("-").isdigit():
            raise BadRequest(f"unable to parse requirement: {value!r} must be an integer")
    return requirement


def _read_clause(clause: str) -> Requirement | None:
    if match := _SET_CLAUSE.fullmatch(clause):
        values = frozenset(value.strip() for value in match["values"].split(","))
        return Requirement(match["key"], "in" if match["op"] == "in" else "notin", values)
    if match := _PLAIN_CLAUSE.fullmatch(clause):
        operators: dict[str, Operator] = {"==": "=", "=": "=", "!=": "!=", "<": "<", ">": ">"}
        return Requirement(match["key"], operators[match["op"]], frozenset([match["value"]]))
    if match := _NAME_CLAUSE.fullmatch(clause):
        return Requirement(match["key"], "!" if match["not"] else "exists")
    return None
