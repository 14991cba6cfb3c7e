"""Rules when they are defined: each must compile, and say things that can be asked."""

from collections.abc import Iterator

from minikube_py.kinds import fields
from minikube_py.kinds.custom.nodes import Node, child_node, properties_of
from minikube_py.kinds.custom.rules.program import BadRule, Rule, compile_message, compile_rule
from minikube_py.meta.errors import FieldError

_REASONS = (
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
)
_LONGEST_MESSAGE = 2048


def rule_errors(
    node: Node, path: str, *, is_root: bool = True, uncorrelated: str = ""
) -> Iterator[FieldError]:
    """`uncorrelated`: the list below which nobody can tell what an item was before, if any."""
    for index, rule in enumerate(node.get("x-kubernetes-validations") or ()):
        at = f"{path}.x-kubernetes-validations[{index}]"
        yield from _text_errors(rule, node, at)
        yield from _compile_errors(rule, node, at, uncorrelated)
    for name, child in properties_of(node).items():
        below = f"{path}.properties[{name}]"
        yield from rule_errors(child, below, is_root=False, uncorrelated=uncorrelated)
    entries, items = child_node(node, "additionalProperties"), child_node(node, "items")
    if entries is not None:
        below = f"{path}.additionalProperties"
        yield from rule_errors(entries, below, is_root=False, uncorrelated=uncorrelated)
    if items is not None:
        is_map = node.get("x-kubernetes-list-type") == "map"
        lost = uncorrelated or ("" if is_map else path)
        yield from rule_errors(items, f"{path}.items", is_root=False, uncorrelated=lost)


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


def _compile_errors(rule: Rule, node: Node, at: str, uncorrelated: str) -> Iterator[FieldError]:
    text = rule.get("rule") or ""
    if not text.strip():
        return
    try:
        program = compile_rule({**rule, "messageExpression": ""}, node)
    except BadRule as error:
        yield fields.invalid(f"{at}.rule", text, str(error))
        return
    if uncorrelated and program.uses_old:
        detail = "oldSelf cannot be used on the uncorrelatable portion of the schema within "
        detail += uncorrelated
        yield fields.invalid(f"{at}.rule", text, detail)
    if rule.get("messageExpression"):
        try:
            compile_message(rule, node)
        except BadRule as error:
            where = f"{at}.messageExpression"
            yield fields.invalid(where, rule["messageExpression"], str(error))
