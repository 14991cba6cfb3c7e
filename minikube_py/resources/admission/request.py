"""What a step of the admission chain gets to see, and how it refuses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import Forbidden
from minikube_py.meta.objects import Object
from minikube_py.meta.users import IN_PROCESS, User

Operation = Literal["CREATE", "UPDATE", "DELETE"]


class Lookup(Protocol):
    """What steps may know of other objects; shared states, never to be changed."""

    def find(self, kind: Kind, namespace: str | None, name: str) -> Object | None: ...

    def find_all(self, kind: Kind, namespace: str | None = None) -> Sequence[Object]: ...


@dataclass(frozen=True)
class AdmissionRequest:
    """`obj` may be changed in place; it is the stored state for DELETE. `old` only on UPDATE."""

    operation: Operation
    kind: Kind
    namespace: str | None
    name: str
    obj: Object
    old: Object | None = None
    subresource: str = ""
    user: User = IN_PROCESS
    warnings: list[str] = field(default_factory=list)
    """What the client is told beside the answer."""

    def is_a(self, kind: Kind, operation: Operation) -> bool:
        """The object itself, not one of its subresources."""
        return self.kind is kind and self.operation == operation and not self.subresource

    def forbidden(self, why: str) -> Forbidden:
        resource = self.kind.resource
        details = {"name": self.name, "group": self.kind.group, "kind": self.kind.plural}
        return Forbidden(f'{resource} "{self.name}" is forbidden: {why}', details=details)


Step = Callable[[AdmissionRequest, Lookup], None]
