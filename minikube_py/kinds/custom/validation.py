"""What a custom object must be: its values first, then the rules, which may rely on the values."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from minikube_py.kinds.custom.nodes import Node
from minikube_py.kinds.custom.rules.tree import RuleNode, Run, rule_tree
from minikube_py.kinds.custom.values import NOTHING, value_errors
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_BLOCKING = (
    "FieldValueRequired",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
)
"""Faults that would make rules fail in confusing ways."""
_UNASKED = FieldError(
    "<nil>",
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)


class Validator:
    """Belongs to one version of one definition."""

    def __init__(self, schema: Node) -> None:
        self._schema = schema

    @cached_property
    def _rules(self) -> RuleNode | None:
        """Compiled for the first object, not at the start of the daemon."""
        return rule_tree(self._schema)

    def create(self, obj: Object) -> Sequence[FieldError]:
        return self._errors(obj, NOTHING)

    def update(self, new: Object, old: Object) -> Sequence[FieldError]:
        return self._errors(new, old)

    def _errors(self, obj: Object, old: Any) -> Sequence[FieldError]:
        errors = value_errors(obj, self._schema, old=old)
        if self._rules is None:
            return errors
        if any(error.reason in _BLOCKING for error in errors):
            return [*errors, _UNASKED]
        before = None if old is NOTHING else old
        return [*errors, *Run().errors(self._rules, obj, before)]
