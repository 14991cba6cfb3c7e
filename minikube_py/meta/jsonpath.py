"""kubectl's JSONPath: templates such as `{range .items[*]}{.metadata.name}{"\\n"}{end}`.

The dialect is that of Kubernetes' reference/kubectl/jsonpath page: filters, unions, slices,
recursive descent, `range`/`end`; missing keys give nothing. Pure.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Step = Callable[[Any, Any], Iterator[Any]]
"""(value, the document's root) → what this step finds in the value."""

_NAME = re.compile(r"(?:\\.|[^\s.\[\]{}()'\"=!<>|&,])+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_OPERATOR = re.compile(r"==|!=|<=|>=|<|>")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    ">": lambda left, right: bool(left > right),
    "<=": lambda left, right: bool(left <= right),
    ">=": lambda left, right: bool(left >= right),
}


class BadJsonPath(ValueError):
    """The expression makes no sense; says where."""


@dataclass(frozen=True)
class Path:
    """A compiled expression."""

    steps: tuple[Step, ...]

    def find(self, document: Any, root: Any = None) -> list[Any]:
        """All values the path leads to, in document order; empty where a key is missing."""
        found = [document]
        root = document if root is None else root
        for step in self.steps:
            found = [result for value in found for result in step(value, root)]
        return found


@dataclass
class _Range:
    path: Path
    body: list["_Part"] = field(default_factory=list)


_Part = str | Path | _Range


@dataclass(frozen=True)
class Template:
    parts: Sequence[_Part]

    def render(self, document: Any) -> str:
        return "".join(_render(self.parts, document, document))


def parse_template(text: str) -> Template:
    """Text with expressions in braces; an expression alone needs none. Raises BadJsonPath."""
    if "{" not in text:
        return Template([parse_path(text)])
    parts: list[_Part] = []
    open_ranges: list[_Range] = []
    for is_expression, piece in _pieces(text):
        current = open_ranges[-1].body if open_ranges else parts
        word = piece.strip()
        if not is_expression:
            current.append(piece)
        elif word == "end":
            if not open_ranges:
                raise BadJsonPath("{end} without a {range} before it")
            open_ranges.pop()
        elif word.startswith("range") and word[5:6] in " .[$@":
            opened = _Range(parse_path(word[5:].strip()))
            current.append(opened)
            open_ranges.append(opened)
        elif word[:1] in "'\"" and word:
            current.append(_Parser(word).literal_only())
        else:
            current.append(parse_path(word))
    if open_ranges:
        raise BadJsonPath("{range} without an {end}")
    return Template(parts)


def parse_path(text: str) -> Path:
    """`.a.b`, `$.a`, `a.b`, with or without braces; raises BadJsonPath."""
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    parser = _Parser(text)
    path = parser.path(leading_dot_optional=True)
    parser.expect_end()
    return path


def format_value(value: Any) -> str:
    """As kubectl prints a result: text as it is, the rest as JSON, null as nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _render(parts: Sequence[_Part], value: Any, root: Any) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, Path):
            yield " ".join(format_value(found) for found in part.find(value, root))
        else:
            for element in part.path.find(value, root):
                yield from _render(part.body, element, root)


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """(is it inside braces, text); braces inside quotes don't count."""
    position = 0
    while position < len(text):
        start = text.find("{", position)
        if start < 0:
            yield False, text[position:]
            return
        if start > position:
            yield False, text[position:start]
        end = _closing_brace(text, start + 1)
        yield True, text[start + 1 : end]
        position = end + 1


def _closing_brace(text: str, position: int) -> int:
    quote = ""
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "}":
            return position
        position += 1
    raise BadJsonPath(f"a '{{' is not closed in {text!r}")


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def literal_only(self) -> str:
        literal = self._quoted()
        self.expect_end()
        return literal

    def expect_end(self) -> None:
        self._spaces()
        if self._at < len(self._text):
            raise self._error("unexpected text")

    def path(self, *, leading_dot_optional: bool = False) -> Path:
        steps: list[Step] = []
        if self._peek() in ("$", "@"):
            if self._take() == "$":
                steps.append(_to_root)
        elif leading_dot_optional and self._peek() not in (".", "[", ""):
            steps.append(_field(self._name()))
        while self._peek() in (".", "["):
            steps.append(self._step())
        return Path(tuple(step for step in steps if step is not _same))

    def _step(self) -> Step:
        if self._take() == "[":
            return self._bracket()
        if self._peek() == ".":
            self._take()
            return _descendants if self._peek() == "[" else _recursive(self._dotted())
        if self._peek() in ("", "["):
            return _same
        return self._dotted()

    def _dotted(self) -> Step:
        if self._peek() == "*":
            self._take()
            return _wildcard
        return _field(self._name())

    def _name(self) -> str:
        match = _NAME.match(self._text, self._at)
        if match is None:
            raise self._error("a name is expected")
        self._at = match.end()
        return re.sub(r"\\(.)", r"\1", match[0])

    def _bracket(self) -> Step:
        self._spaces()
        if self._text.startswith("?(", self._at):
            self._at += 2
            return self._filter()
        steps = [self._selector()]
        while self._peek_after_spaces() == ",":
            self._take()
            self._spaces()
            steps.append(self._selector())
        self._expect("]")
        return steps[0] if len(steps) == 1 else _union(steps)

    def _selector(self) -> Step:
        if self._peek() == "*":
            self._take()
            return _wildcard
        if self._peek() in ("'", '"'):
            return _field(self._quoted())
        match = re.compile(r"(-?\d*)(?:(:)(-?\d*))?(?:(:)(-?\d*))?").match(self._text, self._at)
        if match is None or not match[0]:
            raise self._error("a number, a slice, a quoted name or * is expected")
        self._at = match.end()
        if match[2] is None:
            return _index(int(match[1]))
        numbers = [int(part) if part else None for part in (match[1], match[3], match[5])]
        return _slice(slice(*numbers))

    def _filter(self) -> Step:
        left = self._operand()
        self._spaces()
        match = _OPERATOR.match(self._text, self._at)
        if match is None:
            self._expect(")")
            self._expect("]")
            return _filter_by(lambda value, root: any(True for _ in left(value, root)))
        self._at = match.end()
        right = self._operand()
        self._expect(")")
        self._expect("]")
        return _filter_by(_comparison(left, _COMPARE[match[0]], right))

    def _operand(self) -> Step:
        self._spaces()
        if self._peek() in ("'", '"'):
            return _constant(self._quoted())
        if match := _NUMBER.match(self._text, self._at):
            self._at = match.end()
            return _constant(json.loads(match[0]))
        for word, value in (("true", True), ("false", False)):
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return _constant(value)
        path = self.path()
        return lambda value, root: iter(path.find(value, root))

    def _quoted(self) -> str:
        quote = self._take()
        literal = ""
        while self._peek() not in (quote, ""):
            character = self._take()
            if character == "\\":
                character = self._take()
                character = {"n": "\n", "t": "\t", "r": "\r"}.get(character, character)
            literal += character
        self._expect(quote)
        return literal

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _peek_after_spaces(self) -> str:
        self._spaces()
        return self._peek()

    def _take(self) -> str:
        character = self._peek()
        if not character:
            raise self._error("more is expected")
        self._at += 1
        return character

    def _spaces(self) -> None:
        while self._peek().isspace():
            self._at += 1

    def _expect(self, character: str) -> None:
        if self._peek_after_spaces() != character:
            raise self._error(f"{character!r} is expected")
        self._at += 1

    def _error(self, what: str) -> BadJsonPath:
        return BadJsonPath(f"{what} at position {self._at + 1} of {self._text!r}")


def _same(value: Any, _root: Any) -> Iterator[Any]:
    yield value


def _to_root(_value: Any, root: Any) -> Iterator[Any]:
    yield root


def _wildcard(value: Any, _root: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _descendants(value: Any, root: Any) -> Iterator[Any]:
    yield value
    for child in _wildcard(value, root):
        yield from _descendants(child, root)


def _field(name: str) -> Step:
    def step(value: Any, _root: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _index(number: int) -> Step:
    def step(value: Any, _root: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= number < len(value):
            yield value[number]

    return step


def _slice(span: slice) -> Step:
    def step(value: Any, _root: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from value[span]

    return step


def _union(steps: Sequence[Step]) -> Step:
    def step(value: Any, root: Any) -> Iterator[Any]:
        for one in steps:
            yield from one(value, root)

    return step


def _recursive(following: Step) -> Step:
    def step(value: Any, root: Any) -> Iterator[Any]:
        for descendant in _descendants(value, root):
            yield from following(descendant, root)

    return step


def _constant(literal: Any) -> Step:
    def step(_value: Any, _root: Any) -> Iterator[Any]:
        yield literal

    return step


def _comparison(
    left: Step, compare: Callable[[Any, Any], bool], right: Step
) -> Callable[[Any, Any], bool]:
    def holds(value: Any, root: Any) -> bool:
        try:
            return any(
                compare(one, other) for one in left(value, root) for other in right(value, root)
            )
        except TypeError:  # 3 < "x": kubectl refuses, here it does not hold
            return False

    return holds


def _filter_by(holds: Callable[[Any, Any], bool]) -> Step:
    def step(value: Any, root: Any) -> Iterator[Any]:
        for element in _wildcard(value, root):
            if holds(element, root):
                yield element

    return step
