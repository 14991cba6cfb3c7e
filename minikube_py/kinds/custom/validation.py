"""What a custom object must be: its values first, then the rules, which may rely on the values."""

from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.custom.nodes import Node
from minikube_py.kinds.custom.values import NOTHING, value_errors
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object


class Validator:
    """Belongs to one version of one definition."""

    def __init__(self, schema: Node) -> None:
        self._schema = schema

    def create(self, obj: Object) -> Sequence[FieldError]:
        return self._errors(obj, NOTHING)

    def update(self, new: Object, old: Object) -> Sequence[FieldError]:
        return self._errors(new, old)

    def _errors(self, obj: Object, old: Any) -> Sequence[FieldError]:
        return value_errors(obj, self._schema, old=old)
