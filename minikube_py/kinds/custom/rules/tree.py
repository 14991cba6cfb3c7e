"""All rules of a schema, by where they stand, run over an object in one go."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from minikube_py.kinds import fields
from minikube_py.kinds.custom.lists import correlated
from minikube_py.kinds.custom.nodes import Node, child_node, is_embedded, properties_of
from minikube_py.kinds.custom.rules.program import Program, compile_rule
from minikube_py.kinds.custom.rules.values import cel_value
from minikube_py.meta.errors import FieldError

MOST_EVALUATIONS = 20_000
"""For one object: about half a second at the worst."""
_OUT_OF_BUDGET = (
    "validation failed due to running out of cost budget, no further validation rules will be run"
)


@dataclass(frozen=True)
class RuleNode:
    node: Node
    is_root: bool
    programs: tuple[Program, ...]
    properties: Mapping[str, "RuleNode"]
    items: "RuleNode | None"
    entries: "RuleNode | None"


def rule_tree(node: Node, *, is_root: bool = True) -> RuleNode | None:
    """None where no rule stands at `node` or below. The rules compile: the definition was taken."""
    rules = node.get("x-kubernetes-validations") or ()
    below = {name: rule_tree(child, is_root=False) for name, child in properties_of(node).items()}
    properties = {name: found for name, found in below.items() if found is not None}
    items = _tree_below(child_node(node, "items"))
    entries = _tree_below(child_node(node, "additionalProperties"))
    if not (rules or properties or items or entries):
        return None
    programs = tuple(compile_rule(rule, node) for rule in rules)
    return RuleNode(node, is_root or is_embedded(node), programs, properties, items, entries)


def _tree_below(node: Node | None) -> RuleNode | None:
    return rule_tree(node, is_root=False) if node is not None else None


@dataclass
class Run:
    """One evaluation over one object."""

    left: int = MOST_EVALUATIONS
    told: bool = field(default=False)

    def errors(self, tree: RuleNode, now: Any, old: Any, path: str = "") -> Iterator[FieldError]:
        """`old` None: there was nothing. What is as it was is let be."""
        if now is None or (old is not None and now == old):
            return
        if tree.programs:
            yield from self._ask(tree, now, old, path)
        if isinstance(now, dict):
            yield from self._below_object(tree, now, old, path)
        elif isinstance(now, list) and tree.items is not None:
            before = correlated(old, tree.node)
            for index, item in enumerate(now):
                yield from self.errors(tree.items, item, before(item), f"{path}[{index}]")

    def _ask(self, tree: RuleNode, now: Any, old: Any, path: str) -> Iterator[FieldError]:
        shown = cel_value(now, tree.node, is_root=tree.is_root)
        before = None if old is None else cel_value(old, tree.node, is_root=tree.is_root)
        for program in tree.programs:
            self.left -= 1
            if self.left < 0:
                if not self.told:
                    self.told = True
                    yield fields.invalid(path, program.type_shown, _OUT_OF_BUDGET)
                return
            yield from program.errors(shown, before, path, shown=now)

    def _below_object(
        self, tree: RuleNode, now: dict[str, Any], old: Any, path: str
    ) -> Iterator[FieldError]:
        before = old if isinstance(old, dict) else {}
        for name, child in now.items():
            below = tree.properties.get(name, tree.entries)
            if below is not None:
                at = fields.joined_path(path, name)
                yield from self.errors(below, child, before.get(name), at)
