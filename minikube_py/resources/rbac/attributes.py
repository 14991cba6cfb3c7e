"""What is asked of an authorizer, and what it answers."""

from dataclasses import dataclass

from minikube_py.meta.users import User


@dataclass(frozen=True, slots=True)
class Attributes:
    """A resource request, or one for a plain path when `path` is not None."""

    user: User
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` explains a yes, and a no that comes of a broken binding."""

    allowed: bool
    reason: str = ""
