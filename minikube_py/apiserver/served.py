"""All that is served, as discovery and OpenAPI list it: the catalog's kinds, their subresources,
and the reviews that are answered but never stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minikube_py.kinds.catalog import Catalog
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import GroupVersionKind

_READ_WRITE = ("get", "patch", "update")


@dataclass(frozen=True)
class ServedSubresource:
    """`responds` is the kind it speaks; its group and version are those of the parent if equal."""

    name: str
    responds: GroupVersionKind
    verbs: tuple[str, ...]


@dataclass(frozen=True)
class ServedResource:
    gvk: GroupVersionKind
    plural: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[ServedSubresource, ...] = ()


REVIEWS = tuple(
    ServedResource(
        GroupVersionKind(group, "v1", kind), kind.lower() + "s", kind.lower(), False, ("create",)
    )
    for group, kind in (
        ("authentication.k8s.io", "SelfSubjectReview"),
        ("authorization.k8s.io", "SelfSubjectAccessReview"),
        ("authorization.k8s.io", "SelfSubjectRulesReview"),
    )
)

# Subresources that are answered; a kind may name more, which routes refuse by name.
_ANSWERED: dict[str, tuple[GroupVersionKind, tuple[str, ...]]] = {
    "attach": (GroupVersionKind("", "v1", "PodAttachOptions"), ("create", "get")),
    "binding": (GroupVersionKind("", "v1", "Binding"), ("create",)),
    "eviction": (GroupVersionKind("policy", "v1", "Eviction"), ("create",)),
    "exec": (GroupVersionKind("", "v1", "PodExecOptions"), ("create", "get")),
    "finalize": (GroupVersionKind("", "v1", "Namespace"), ("update",)),
    "log": (GroupVersionKind("", "v1", "Pod"), ("get",)),
    "portforward": (GroupVersionKind("", "v1", "PodPortForwardOptions"), ("create", "get")),
}


def served_resources(catalog: Catalog) -> Mapping[tuple[str, str], Sequence[ServedResource]]:
    """By (group, version), the core group first, versions of a group in order of preference."""
    found: dict[tuple[str, str], list[ServedResource]] = {
        (group, version): [] for group, versions in catalog.groups().items() for version in versions
    }
    for kind in catalog.all():
        found[kind.group, kind.version].append(_served(kind))
    for review in REVIEWS:
        found.setdefault((review.gvk.group, review.gvk.version), []).append(review)
    return found


def _served(kind: Kind) -> ServedResource:
    return ServedResource(
        gvk=kind.gvk,
        plural=kind.plural,
        singular=kind.singular_name,
        namespaced=kind.namespaced,
        verbs=kind.verbs,
        short_names=kind.short_names,
        categories=kind.categories,
        subresources=tuple(_subresources(kind)),
    )


def _subresources(kind: Kind) -> list[ServedSubresource]:
    found = [
        ServedSubresource(name, *_ANSWERED[name]) for name in kind.subresources if name in _ANSWERED
    ]
    found += [ServedSubresource(name, kind.gvk, _READ_WRITE) for name in kind.parts]
    if kind.has_status:
        found.append(ServedSubresource("status", kind.gvk, _READ_WRITE))
    if kind.scale is not None:
        scale = GroupVersionKind("autoscaling", "v1", "Scale")
        found.append(ServedSubresource("scale", scale, _READ_WRITE))
    return sorted(found, key=lambda subresource: subresource.name)
