"""All that is served, as discovery and OpenAPI list it: the catalog's kinds, their subresources,
and the reviews that are answered but never stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from minikube_py.kinds.catalog import Catalog
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import GroupVersionKind

_READ_WRITE = ("get", "patch", "update")
_PROXIED = ("create", "delete", "get", "patch", "update")


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
    schema_digest: str = ""
    """Of custom kinds, whose schema may change while the rest stays."""
    custom: Kind | None = field(default=None, repr=False, compare=False)


REVIEWS = tuple(
    ServedResource(
        GroupVersionKind(group, "v1", kind),
        kind.lower() + "s",
        kind.lower(),
        kind.startswith("Local"),
        ("create",),
    )
    for group, kind in (
        ("authentication.k8s.io", "SelfSubjectReview"),
        ("authentication.k8s.io", "TokenReview"),
        ("authorization.k8s.io", "LocalSubjectAccessReview"),
        ("authorization.k8s.io", "SelfSubjectAccessReview"),
        ("authorization.k8s.io", "SelfSubjectRulesReview"),
        ("authorization.k8s.io", "SubjectAccessReview"),
    )
)

METRICS = tuple(
    ServedResource(
        GroupVersionKind("metrics.k8s.io", "v1beta1", kind), plural, "", namespaced, ("get", "list")
    )
    for kind, plural, namespaced in (("NodeMetrics", "nodes", False), ("PodMetrics", "pods", True))
)

# Subresources that are answered; a kind may name more, which routes refuse by name.
_ANSWERED: dict[str, tuple[GroupVersionKind, tuple[str, ...]]] = {
    "attach": (GroupVersionKind("", "v1", "PodAttachOptions"), ("create", "get")),
    "binding": (GroupVersionKind("", "v1", "Binding"), ("create",)),
    "eviction": (GroupVersionKind("policy", "v1", "Eviction"), ("create",)),
    "exec": (GroupVersionKind("", "v1", "PodExecOptions"), ("create", "get")),
    "finalize": (GroupVersionKind("", "v1", "Namespace"), ("update",)),
    "log": (GroupVersionKind("", "v1", "Pod"), ("get",)),
    "token": (GroupVersionKind("authentication.k8s.io", "v1", "TokenRequest"), ("create",)),
    "portforward": (GroupVersionKind("", "v1", "PodPortForwardOptions"), ("create", "get")),
}


def served_resources(catalog: Catalog) -> Mapping[tuple[str, str], Sequence[ServedResource]]:
    """By (group, version), the core group first, versions of a group in order of preference."""
    found: dict[tuple[str, str], list[ServedResource]] = {
        (group, version): [] for group, versions in catalog.groups().items() for version in versions
    }
    for kind in catalog.all():
        found[kind.group, kind.version].append(_served(kind))
    for unstored in (*REVIEWS, *METRICS):
        found.setdefault((unstored.gvk.group, unstored.gvk.version), []).append(unstored)
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
        schema_digest=kind.schema_digest,
        custom=kind if kind.is_custom else None,
    )


def _subresources(kind: Kind) -> list[ServedSubresource]:
    found = [
        ServedSubresource(name, *_ANSWERED[name]) for name in kind.subresources if name in _ANSWERED
    ]
    found += [ServedSubresource(name, kind.gvk, _READ_WRITE) for name in kind.parts]
    if "proxy" in kind.subresources:
        options = GroupVersionKind("", "v1", f"{kind.kind}ProxyOptions")
        found.append(ServedSubresource("proxy", options, _PROXIED))
    if kind.has_status:
        found.append(ServedSubresource("status", kind.gvk, _READ_WRITE))
    if kind.scale is not None:
        scale = GroupVersionKind("autoscaling", "v1", "Scale")
        found.append(ServedSubresource("scale", scale, _READ_WRITE))
    return sorted(found, key=lambda subresource: subresource.name)
