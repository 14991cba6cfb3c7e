"""A compiled expression's tree, read from CEL's own serialized form (cel/expr/checked.proto,
syntax.proto): for questions that the runtime doesn't answer, since it knows nothing of schemas.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ident:
    name: str


@dataclass(frozen=True)
class Select:
    operand: "Tree"
    field: str


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple["Tree", ...]
    """The receiver first, if there is one."""


@dataclass(frozen=True)
class Loop:
    """A comprehension; `second` is the second variable of those that have two, else ""."""

    variable: str
    second: str
    over: "Tree"
    accumulator: str
    start: "Tree"
    parts: tuple["Tree", ...]


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Other:
    """Numbers, lists, maps: only what is inside matters."""

    inside: tuple["Tree", ...] = ()


Tree = Ident | Select | Call | Loop | Text | Other
_Fields = Mapping[int, list[bytes]]
_CHECKED_EXPR, _EXPR = 2, 4
_CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _LOOP = 3, 4, 5, 6, 7, 8, 9
_STRING_VALUE = 6


def tree_of(serialized: bytes) -> Tree:
    """Of Expression.serialize(), an Any that holds a CheckedExpr."""
    any_fields = _fields(serialized)
    checked = _fields(any_fields[_CHECKED_EXPR][0])
    return _tree(checked[_EXPR][0])


def _tree(data: bytes) -> Tree:
    fields = _fields(data)
    for number, read in _READERS.items():
        if number in fields:
            return read(_fields(fields[number][0]))
    return Other()


def _const(fields: _Fields) -> Tree:
    return Text(_text(fields, _STRING_VALUE)) if _STRING_VALUE in fields else Other()


def _ident(fields: _Fields) -> Tree:
    return Ident(_text(fields, 1))


def _select(fields: _Fields) -> Tree:
    return Select(_tree(fields[1][0]), _text(fields, 2))


def _call(fields: _Fields) -> Tree:
    given = (*fields.get(1, ()), *fields.get(3, ()))
    return Call(_text(fields, 2), tuple(_tree(data) for data in given))


def _list(fields: _Fields) -> Tree:
    return Other(tuple(_tree(data) for data in fields.get(1, ())))


def _struct(fields: _Fields) -> Tree:
    entries = [_fields(data) for data in fields.get(2, ())]
    return Other(tuple(_tree(entry[at][0]) for entry in entries for at in (3, 4) if at in entry))


def _loop(fields: _Fields) -> Tree:
    parts = tuple(_tree(fields[at][0]) for at in (5, 6, 7) if at in fields)
    start = _tree(fields[4][0])
    over = _tree(fields[2][0])
    return Loop(_text(fields, 1), _text(fields, 8), over, _text(fields, 3), start, parts)


_READERS = {
    _CONST: _const,
    _IDENT: _ident,
    _SELECT: _select,
    _CALL: _call,
    _LIST: _list,
    _STRUCT: _struct,
    _LOOP: _loop,
}


def _text(fields: _Fields, number: int) -> str:
    return fields[number][0].decode() if number in fields else ""


def _fields(data: bytes) -> _Fields:
    """Of a message: the length-delimited ones by number; the others don't matter here."""
    found: dict[int, list[bytes]] = {}
    for number, value in _scan(data):
        found.setdefault(number, []).append(value)
    return found


def _scan(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 2:
            length, at = _varint(data, at)
            yield number, data[at : at + length]
            at += length
        elif wire == 0:
            _, at = _varint(data, at)
            yield number, b""
        else:
            at += 8 if wire == 1 else 4
            yield number, b""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
