"""Rules when they are defined."""

from collections.abc import Iterator

from minikube_py.kinds.custom.nodes import Node
from minikube_py.meta.errors import FieldError


def rule_errors(_schema: Node, _path: str) -> Iterator[FieldError]:
    yield from ()
