"""Rules when they are defined: each must compile, and say things that can be asked."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from minikube_py.kinds import fields
from minikube_py.kinds.custom.nodes import Node, child_node, is_embedded, properties_of
from minikube_py.kinds.custom.rules.program import BadRule, Rule, compile_message, compile_rule
from minikube_py.kinds.custom.rules.schema_check import (
    COST_LIMIT,
    loop_cost,
    most_items,
    most_values,
    undefined_fields,
)
from minikube_py.kinds.custom.rules.syntax import tree_of
from minikube_py.meta.errors import FieldError

_REASONS = (
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
)
_LONGEST_MESSAGE = 2048


@dataclass(frozen=True)
class _Place:
    """Where rules stand. `uncorrelated`: the list below which nobody can tell what an item was
    before, if any. `times`: how many values of one object stand there at most.
    """

    node: Node
    path: str
    is_root: bool = False
    uncorrelated: str = ""
    times: int = 1
    rule_path: str = ""

    def below(self, node: Node, step: str) -> "_Place":
        return _Place(node, f"{self.path}.{step}", is_embedded(node), self.uncorrelated, self.times)


def rule_errors(schema: Node, path: str) -> Iterator[FieldError]:
    """Of all rules of the schema at `path`, which is structural."""
    yield from _errors(_Place(schema, path, is_root=True))


def _errors(place: _Place) -> Iterator[FieldError]:
    node = place.node
    for index, rule in enumerate(node.get("x-kubernetes-validations") or ()):
        at = f"{place.path}.x-kubernetes-validations[{index}]"
        yield from _text_errors(rule, node, at)
        yield from _compile_errors(rule, replace(place, rule_path=at))
    for name, child in properties_of(node).items():
        yield from _errors(place.below(child, f"properties[{name}]"))
    entries, items = child_node(node, "additionalProperties"), child_node(node, "items")
    times = min(place.times * most_items(node), most_values(entries or items or {}))
    if entries is not None:
        yield from _errors(replace(place.below(entries, "additionalProperties"), times=times))
    if items is not None:
        is_map = node.get("x-kubernetes-list-type") == "map"
        lost = place.uncorrelated or ("" if is_map else place.path)
        below = place.below(items, "items")
        yield from _errors(replace(below, times=times, uncorrelated=lost))


def _text_errors(rule: Rule, node: Node, at: str) -> Iterator[FieldError]:
    text, message = rule.get("rule") or "", rule.get("message")
    if not text.strip():
        yield fields.required(f"{at}.rule", "rule is not specified")
    if message is not None and not message.strip():
        yield fields.invalid(f"{at}.message", message, "message must be non-empty if specified")
    elif message is not None and "\n" in message.strip():
        yield fields.invalid(f"{at}.message", message, "message must not contain line breaks")
    elif message is not None and len(message) > _LONGEST_MESSAGE:
        yield fields.too_long(f"{at}.message", _LONGEST_MESSAGE)
    elif message is None and "\n" in text.strip():
        detail = "message must be specified if rule contains line breaks"
        yield fields.required(f"{at}.message", detail)
    reason = rule.get("reason")
    if reason is not None and reason not in _REASONS:
        yield fields.not_supported(f"{at}.reason", reason, _REASONS)
    expression = rule.get("messageExpression")
    if expression is not None and not expression.strip():
        detail = "must be non-empty if specified"
        yield fields.required(f"{at}.messageExpression", detail)
    field_path = rule.get("fieldPath")
    if field_path and not _leads_somewhere(field_path, node):
        detail = f"fieldPath {field_path} must be a valid path: does not refer to a valid field"
        yield fields.invalid(f"{at}.fieldPath", field_path, detail)


def _leads_somewhere(path: str, node: Node) -> bool:
    if not path.startswith((".", "[")):
        return False
    steps = path.replace("['", ".\x00").replace("']", "\x00").split("\x00")
    names: list[str] = []
    for index, step in enumerate(steps):
        names += [step] if index % 2 else [name for name in step.split(".") if name]
    for name in names:
        below = properties_of(node).get(name, child_node(node, "additionalProperties"))
        if below is None:
            return False
        node = below
    return bool(names)


def _compile_errors(rule: Rule, place: _Place) -> Iterator[FieldError]:
    text, at = rule.get("rule") or "", f"{place.rule_path}.rule"
    if not text.strip():
        return
    try:
        program = compile_rule({**rule, "messageExpression": ""}, place.node)
    except BadRule as error:
        yield fields.invalid(at, text, str(error))
        return
    tree = tree_of(program.asks.serialize())
    undefined = undefined_fields(tree, place.node, is_root=place.is_root)
    for name in undefined:
        yield fields.invalid(at, text, f"compilation failed: ERROR: undefined field '{name}'")
    cost = 0 if undefined else place.times * loop_cost(tree, place.node)
    if cost > COST_LIMIT:
        yield fields.forbidden(at, _too_costly(cost))
    if place.uncorrelated and program.uses_old:
        detail = "oldSelf cannot be used on the uncorrelatable portion of the schema within "
        yield fields.invalid(at, text, detail + place.uncorrelated)
    if rule.get("messageExpression"):
        try:
            compile_message(rule, place.node)
        except BadRule as error:
            where = f"{place.rule_path}.messageExpression"
            yield fields.invalid(where, rule["messageExpression"], str(error))


def _too_costly(cost: int) -> str:
    factor = cost / COST_LIMIT
    shown = "more than 100x" if factor > 100 else f"{factor:.1f}x"
    return (
        f"estimated rule cost exceeds budget by factor of {shown} (try simplifying the rule, or "
        "adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
        "declared)"
    )
