"""What a rule asks of its schema: fields that are there, and not more work than one write may be.

CEL's type checker sees objects as maps, so names of fields are checked here; a misspelt one is told
when the rule is defined, not when the first object fails. What can't be told is let pass. The cost
counts loops alone, never more than Kubernetes' own estimate does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from minikube_py.kinds.custom.nodes import (
    Node,
    child_node,
    is_embedded,
    is_int_or_string,
    properties_of,
)
from minikube_py.kinds.custom.rules.environment import OLD, OLD_SELF, SELF
from minikube_py.kinds.custom.rules.syntax import Call, Ident, Loop, Other, Select, Text, Tree
from minikube_py.kinds.custom.rules.values import escaped, visible_fields

COST_LIMIT = 10_000_000
_REQUEST_BYTES = 3 * 1024 * 1024
_SMALLEST = {"string": 2, "boolean": 4, "array": 2, "object": 2}
_SAME_AS_RECEIVER = ("value", "optional.of", "optional.ofNonZeroValue", "orValue", "optional")
_INDEX, _OPTIONAL_INDEX, _OPTIONAL_SELECT = "_[_]", "_[?_]", "_?._"


@dataclass(frozen=True)
class _Known:
    """What stands behind an expression."""

    node: Node
    is_root: bool = False


_Names = Mapping[str, _Known | None]


def undefined_fields(tree: Tree, node: Node, *, is_root: bool) -> list[str]:
    """Names of fields that `tree`, a rule at `node`, selects and the schema doesn't have."""
    known = _Known(node, is_root)
    found: list[str] = []
    _kind_of(tree, {SELF: known, OLD_SELF: known, OLD: known}, found)
    return list(dict.fromkeys(found))


def most_items(node: Node) -> int:
    """Of a list or map: what its schema allows, else what fits into a request."""
    limit = node.get("maxItems", node.get("maxProperties"))
    if limit is not None:
        return int(limit)
    return most_values(child_node(node, "items") or child_node(node, "additionalProperties") or {})


def most_values(node: Node) -> int:
    """How many values of a schema fit into one request."""
    return _REQUEST_BYTES // (_smallest(node) + 1)


def loop_cost(tree: Tree, node: Node) -> int:
    """How often, at most, the loops of a rule at `node` go round."""
    return _cost(tree, {SELF: _Known(node), OLD_SELF: _Known(node), OLD: _Known(node)})


# --- fields --------------------------------------------------------------------------------------


def _kind_of(tree: Tree, names: _Names, found: list[str]) -> _Known | None:
    """What `tree` gives, where that is known; adds undefined fields to `found`."""
    if isinstance(tree, Ident):
        return names.get(tree.name)
    if isinstance(tree, Select):
        return _selected(_kind_of(tree.operand, names, found), tree.field, found)
    if isinstance(tree, Call):
        return _called(tree, names, found)
    if isinstance(tree, Loop):
        inner = _inside(tree, _kind_of(tree.over, names, found), names, found)
        for part in tree.parts:
            _kind_of(part, inner, found)
    elif isinstance(tree, Other):
        for part in tree.inside:
            _kind_of(part, names, found)
    return None


def _called(tree: Call, names: _Names, found: list[str]) -> _Known | None:
    given = [_kind_of(argument, names, found) for argument in tree.arguments]
    first = given[0] if given else None
    if tree.function == _OPTIONAL_SELECT and isinstance(tree.arguments[1], Text):
        return _selected(first, tree.arguments[1].value, found)
    if tree.function in (_INDEX, _OPTIONAL_INDEX):
        return _element(first)
    return first if tree.function in _SAME_AS_RECEIVER else None


def _selected(known: _Known | None, field: str, found: list[str]) -> _Known | None:
    if known is None or not _is_declared(known):
        return None
    entries = child_node(known.node, "additionalProperties")
    if entries is not None:
        return _Known(entries)
    for name, child in visible_fields(known.node, is_root=known.is_root).items():
        if escaped(name) == field:
            return _Known(child, is_embedded(child))
    found.append(field)
    return None


def _is_declared(known: _Known) -> bool:
    return known.node.get("type") == "object" and not is_int_or_string(known.node)


def _element(known: _Known | None) -> _Known | None:
    if known is None:
        return None
    below = child_node(known.node, "items") or child_node(known.node, "additionalProperties")
    return _Known(below, is_embedded(below)) if below is not None else None


def _inside(loop: Loop, over: _Known | None, names: _Names, found: list[str]) -> _Names:
    is_list = over is not None and over.node.get("type") == "array"
    element = _element(over)
    inner = {**names, loop.variable: element if is_list else None}
    if loop.second:
        inner |= {loop.variable: None, loop.second: element}
    inner[loop.accumulator] = _kind_of(loop.start, names, found)
    return inner


# --- cost ----------------------------------------------------------------------------------------


def _cost(tree: Tree, names: _Names) -> int:
    if isinstance(tree, Loop):
        over = _kind_of(tree.over, names, [])
        inner = _inside(tree, over, names, [])
        body = sum(_cost(part, inner) for part in tree.parts)
        rounds = most_items(over.node) if over is not None else 1
        return _cost(tree.over, names) + _cost(tree.start, names) + rounds * (1 + body)
    return sum(_cost(part, names) for part in _parts(tree))


def _parts(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, Select):
        yield tree.operand
    elif isinstance(tree, Call):
        yield from tree.arguments
    elif isinstance(tree, Other):
        yield from tree.inside


def _smallest(node: Node) -> int:
    """Bytes of the smallest value as JSON."""
    size = _SMALLEST.get(str(node.get("type")), 1)
    known = properties_of(node)
    for name in node.get("required") or ():
        size += len(name) + 4 + _smallest(known.get(name, {}))
    return size
