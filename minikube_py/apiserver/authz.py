"""Who may do what. One hook, asked before every handler; rules by role come later behind the same
hook.
"""

from dataclasses import dataclass
from typing import Protocol

from minikube_py.apiserver.targets import Target
from minikube_py.meta.errors import Forbidden
from minikube_py.meta.users import AUTHENTICATED, MASTERS, User

_PUBLIC = ("/healthz", "/livez", "/readyz", "/version")
_DISCOVERY = ("/api", "/apis", "/openapi")
_SELF_REVIEWS = frozenset(
    {
        ("authentication.k8s.io", "selfsubjectreviews"),
        ("authorization.k8s.io", "selfsubjectaccessreviews"),
        ("authorization.k8s.io", "selfsubjectrulesreviews"),
    }
)


@dataclass(frozen=True)
class Attributes:
    """What is asked for: a resource, or (target None) a plain path."""

    user: User
    verb: str
    path: str
    target: Target | None


class Authorizer(Protocol):
    def allows(self, attributes: Attributes) -> bool: ...


class MastersOnly:
    """system:masters may do everything; anyone authenticated may look around and ask who they are;
    health and version are public.
    """

    def allows(self, attributes: Attributes) -> bool:
        user, target = attributes.user, attributes.target
        if MASTERS in user.groups:
            return True
        if target is None and attributes.verb == "get" and _is_under(attributes.path, _PUBLIC):
            return True
        if AUTHENTICATED not in user.groups:
            return False
        if target is None:
            return attributes.verb == "get" and _is_under(attributes.path, _DISCOVERY)
        return attributes.verb == "create" and (target.group, target.resource) in _SELF_REVIEWS


def forbidden(attributes: Attributes) -> Forbidden:
    """In Kubernetes' words, which people and tools search for."""
    user, target = attributes.user.name, attributes.target
    if target is None:
        return Forbidden(
            f'forbidden: User "{user}" cannot {attributes.verb} path "{attributes.path}"'
        )
    resource = f"{target.resource}/{target.subresource}".rstrip("/")
    qualified = f"{target.resource}.{target.group}" if target.group else target.resource
    subject = f'{qualified} "{target.name}"' if target.name else qualified
    scope = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    details = {"name": target.name, "group": target.group, "kind": target.resource}
    return Forbidden(
        f'{subject} is forbidden: User "{user}" cannot {attributes.verb} resource "{resource}" '
        f'in API group "{target.group}" {scope}',
        details={name: value for name, value in details.items() if value},
    )


def _is_under(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(root + "/") for root in roots)
