"""The hook asked before every handler, and how its no reads. The rules themselves are below, in
`resources.rbac`, where admission needs them too.
"""

from typing import Protocol

from minikube_py.apiserver.targets import Target
from minikube_py.meta.errors import Forbidden
from minikube_py.meta.users import AUTHENTICATED, MASTERS, User
from minikube_py.resources.rbac.attributes import Attributes, Decision
from minikube_py.resources.rbac.authorizer import is_always_open, with_everything
from minikube_py.resources.rbac.rules import Rule

_DISCOVERY = ("/api", "/openapi")
_SELF_REVIEWS = frozenset(
    {
        ("authentication.k8s.io", "selfsubjectreviews"),
        ("authorization.k8s.io", "selfsubjectaccessreviews"),
        ("authorization.k8s.io", "selfsubjectrulesreviews"),
    }
)


class Authorizer(Protocol):
    def authorize(self, asked: Attributes) -> Decision: ...

    def rules_for(self, user: User, namespace: str) -> tuple[list[Rule], list[str]]:
        """(what `user` may do there, why some of it could not be found)."""
        ...


class MastersOnly:
    """Where nobody wires roles: system:masters may do everything, anyone authenticated may look
    around and ask who they are.
    """

    def authorize(self, asked: Attributes) -> Decision:
        groups = asked.user.groups
        if MASTERS in groups or is_always_open(asked) or asked.path == "/version":
            return Decision(True)
        if AUTHENTICATED not in groups:
            return Decision(False)
        if asked.path is not None:
            return Decision(asked.verb == "get" and asked.path.startswith(_DISCOVERY))
        return Decision(asked.verb == "create" and (asked.group, asked.resource) in _SELF_REVIEWS)

    def rules_for(self, user: User, _namespace: str) -> tuple[list[Rule], list[str]]:
        return with_everything(user, []), []


def attributes_of(user: User, verb: str, path: str, target: Target | None) -> Attributes:
    """Of a request: for a resource, or (target None) for a plain path."""
    if target is None:
        return Attributes(user, verb, path=path)
    return Attributes(
        user,
        verb,
        target.group,
        target.resource,
        target.subresource,
        target.namespace,
        target.name,
    )


def forbidden(asked: Attributes, reason: str = "") -> Forbidden:
    """In Kubernetes' words, which people and tools search for."""
    why = f": {reason}" if reason else ""
    user = asked.user.name
    if asked.path is not None:
        return Forbidden(f'forbidden: User "{user}" cannot {asked.verb} path "{asked.path}"{why}')
    resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    qualified = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    subject = f'{qualified} "{asked.name}"' if asked.name else qualified
    scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    details = {"name": asked.name, "group": asked.group, "kind": asked.resource}
    return Forbidden(
        f'{subject} is forbidden: User "{user}" cannot {asked.verb} resource "{resource}" '
        f'in API group "{asked.group}" {scope}{why}',
        details={name: value for name, value in details.items() if value},
    )
