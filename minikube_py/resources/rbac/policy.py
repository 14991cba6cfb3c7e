"""From a user to the rules that bindings give: found by looking at every binding, or in an index.

The same words for both: a grant is what one binding gives one user, with the names that
explanations need. Only the subjects and role references of bindings matter here, never their age.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from minikube_py.kinds.catalog import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object, name_of, namespace_of
from minikube_py.meta.users import User
from minikube_py.resources.rbac.rules import Rule, rules_of

SubjectKey = tuple[str, str]
"""("User" or "Group", name): a ServiceAccount is the user of its name."""


@dataclass(frozen=True, slots=True)
class Binding:
    """`namespace` is "" for a ClusterRoleBinding."""

    namespace: str
    name: str
    role_kind: str
    role_name: str
    subjects: tuple[tuple[SubjectKey, str], ...]
    """Each with its description."""

    @property
    def role(self) -> tuple[str, str]:
        """(namespace or "", name)."""
        return (self.namespace if self.role_kind == "Role" else "", self.role_name)

    def describe(self, subject: str) -> str:
        """Kubernetes says `name/namespace`, the name first."""
        kind, name = "ClusterRoleBinding", self.name
        if self.namespace:
            kind, name = "RoleBinding", f"{self.name}/{self.namespace}"
        return f'{kind} "{name}" of {self.role_kind} "{self.role_name}" to {subject}'

    def missing_role(self) -> str:
        kind = f"{self.role_kind.lower()}.rbac.authorization.k8s.io"
        return f'{kind} "{self.role_name}" not found'


@dataclass(frozen=True, slots=True)
class Grant:
    """`rules` None: the role that is bound does not exist."""

    binding: Binding
    subject: str
    rules: tuple[Rule, ...] | None


class Policy(Protocol):
    def grants(self, user: User, namespace: str) -> Iterator[Grant]:
        """Cluster-wide ones first, then the namespace's ("" = none)."""
        ...


def rules_for(policy: Policy, user: User, namespace: str) -> tuple[list[Rule], list[str]]:
    """(all rules the user has there, why others could not be found)."""
    rules: list[Rule] = []
    problems: list[str] = []
    for grant in policy.grants(user, namespace):
        if grant.rules is None:
            problems.append(grant.binding.missing_role())
        else:
            rules.extend(grant.rules)
    return rules, problems


def parse_binding(obj: Mapping[str, Any]) -> Binding:
    namespace = namespace_of(obj)
    reference = obj.get("roleRef") or {}
    found = [_subject(subject, namespace) for subject in obj.get("subjects") or ()]
    return Binding(
        namespace,
        name_of(obj),
        reference.get("kind") or "",
        reference.get("name") or "",
        tuple(subject for subject in found if subject is not None),
    )


def _subject(subject: Mapping[str, Any], namespace: str) -> tuple[SubjectKey, str] | None:
    kind, name = subject.get("kind") or "", subject.get("name") or ""
    if kind in ("User", "Group"):
        return (kind, name), f'{kind} "{name}"'
    home = subject.get("namespace") or namespace
    if kind != "ServiceAccount" or not home:
        return None
    return ("User", f"system:serviceaccount:{home}:{name}"), f'ServiceAccount "{name}/{home}"'


def subject_keys(user: User) -> list[SubjectKey]:
    return [("User", user.name), *(("Group", group) for group in user.groups)]


class Lookup(Protocol):
    def find(self, kind: Kind, namespace: str | None, name: str) -> Object | None: ...

    def find_all(self, kind: Kind, namespace: str | None = None) -> Sequence[Object]: ...


class StoredPolicy:
    """Looks at the store each time: for the few writes of roles and bindings themselves."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def grants(self, user: User, namespace: str) -> Iterator[Grant]:
        keys = frozenset(subject_keys(user))
        objects = list(self._lookup.find_all(CLUSTER_ROLE_BINDING))
        if namespace:
            objects += self._lookup.find_all(ROLE_BINDING, namespace)
        for obj in objects:
            binding = parse_binding(obj)
            for key, description in binding.subjects:
                if key in keys:
                    yield Grant(binding, description, self.rules_of_role(*binding.role))
                    break

    def rules_of_role(self, namespace: str, name: str) -> tuple[Rule, ...] | None:
        kind = ROLE if namespace else CLUSTER_ROLE
        role = self._lookup.find(kind, namespace or None, name)
        return rules_of(role) if role is not None else None


class PolicyIndex:
    """Follows roles and bindings by their changes, so that a question costs a few look-ups."""

    def __init__(self) -> None:
        self._roles: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self._bindings: dict[tuple[str, SubjectKey], dict[str, tuple[Binding, str]]] = {}

    def on_role(self, old: Object | None, new: Object | None) -> None:
        """As an informer tells: roles of both kinds."""
        if new is not None:
            self._roles[namespace_of(new), name_of(new)] = rules_of(new)
        elif old is not None:
            self._roles.pop((namespace_of(old), name_of(old)), None)

    def on_binding(self, old: Object | None, new: Object | None) -> None:
        """As an informer tells: bindings of both kinds."""
        if old is not None:
            self._leave(parse_binding(old))
        if new is not None:
            binding = parse_binding(new)
            for key, description in binding.subjects:
                place = self._bindings.setdefault((binding.namespace, key), {})
                place[binding.name] = (binding, description)

    def _leave(self, binding: Binding) -> None:
        for key, _ in binding.subjects:
            place = self._bindings.get((binding.namespace, key))
            if place is not None:
                place.pop(binding.name, None)
                if not place:
                    del self._bindings[binding.namespace, key]

    def grants(self, user: User, namespace: str) -> Iterator[Grant]:
        keys = subject_keys(user)
        for scope in ("", namespace) if namespace else ("",):
            for key in keys:
                found = self._bindings.get((scope, key))
                if found:
                    for binding, description in found.values():
                        yield Grant(binding, description, self._roles.get(binding.role))
