"""Decides which Service answers a host and path, out of all Ingresses. Pure.

The most specific host counts, then the most specific path: an exact one, else the longest prefix,
matched path element by element. Where two Ingresses claim the same, the older one has it. What
`ImplementationSpecific` means is ours to say: the same as `Prefix`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from minikube_py.meta.objects import (
    Key,
    Object,
    annotations_of,
    get_path,
    key_of,
    name_of,
    namespace_of,
)

CONTROLLER = "mk.dev/ingress"
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_REDIRECT_ANNOTATIONS = (
    "mk.dev/ssl-redirect",
    "nginx.ingress.kubernetes.io/ssl-redirect",
    "nginx.ingress.kubernetes.io/force-ssl-redirect",
)
_REWRITE_ANNOTATIONS = (
    "mk.dev/rewrite-target",
    "nginx.ingress.kubernetes.io/rewrite-target",
)
PathType = Literal["Exact", "Prefix"]


@dataclass(frozen=True)
class Target:
    """A Service's port, by number or name."""

    namespace: str
    service: str
    port: int | str


@dataclass(frozen=True)
class Rule:
    """`rewrite` replaces the whole path on its way to the pod, "" leaves it."""

    path: str
    type: PathType
    target: Target
    ingress: Key
    redirect: bool = False
    rewrite: str = ""

    def matches(self, path: str) -> bool:
        if self.type == "Exact":
            return path == self.path
        prefix = self.path.rstrip("/")
        return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


@dataclass(frozen=True)
class TlsHost:
    """Whose certificate a host shows; `secret` None is the cluster's own authority."""

    host: str
    namespace: str
    secret: str | None
    ingress: Key


@dataclass(frozen=True)
class Table:
    """All rules; `""` is the host of rules without one, `*.` starts a wildcard."""

    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    default: Rule | None = None
    tls: Mapping[str, TlsHost] = field(default_factory=dict)

    def find(self, host: str, path: str) -> Rule | None:
        """`host` in lower case without its port; `path` without the query."""
        for rule in self.rules.get(self.host_for(host), ()):
            if rule.matches(path):
                return rule
        return self.default

    def host_for(self, host: str) -> str:
        """The entry that speaks for the host."""
        if host in self.rules:
            return host
        wildcard = wildcard_of(host)
        return wildcard if wildcard in self.rules else ""

    def targets(self) -> set[Target]:
        found = {rule.target for rules in self.rules.values() for rule in rules}
        return found | ({self.default.target} if self.default else set())


def wildcard_of(host: str) -> str:
    """`a.b.c` → `*.b.c`: a wildcard stands for exactly one label."""
    return "*." + host.partition(".")[2]


def our_classes(classes: Iterable[Object]) -> set[str]:
    """Names of the IngressClasses that this controller serves."""
    return {name_of(one) for one in classes if get_path(one, "spec", "controller") == CONTROLLER}


def class_of(ingress: Object) -> str | None:
    """The class it asks for, in the field or in the annotation of old."""
    named = get_path(ingress, "spec", "ingressClassName")
    return named or annotations_of(ingress).get(_CLASS_ANNOTATION)


def build_table(ingresses: Iterable[Object], classes: Collection[str]) -> Table:
    """`classes` are the names served; an Ingress that names none is served too."""
    served = [one for one in ingresses if (class_of(one) or None) in {None, *classes}]
    served.sort(key=_age)
    rules: dict[str, list[Rule]] = {}
    tls: dict[str, TlsHost] = {}
    default: Rule | None = None
    for ingress in served:
        for host, rule in _rules_of(ingress):
            known = rules.setdefault(host, [])
            if all((rule.path, rule.type) != (one.path, one.type) for one in known):
                known.append(rule)
        default = default or _default_of(ingress)
        for tls_host in _tls_of(ingress):
            _add_tls(tls, tls_host)
    ordered = {host: tuple(sorted(found, key=_precedence)) for host, found in rules.items()}
    return Table(ordered, default, tls)


def clean_path(path: str) -> str:
    """The path as the pod will understand it: `/a/../b` and `/a/%2e%2E/b` are `/b`, and must not
    match a rule for `/a`.
    """
    lowered = path.lower()
    if "/." not in path and "%2e" not in lowered and "//" not in path:
        return path
    path = path.replace("%2e", ".").replace("%2E", ".")
    kept: list[str] = []
    parts = path.split("/")[1:]
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part not in (".", ""):
            kept.append(part)
    ending = "/" if kept and parts[-1] in ("", ".", "..") else ""
    return "/" + "/".join(kept) + ending


def _age(ingress: Object) -> tuple[str, Key]:
    return (str(get_path(ingress, "metadata", "creationTimestamp", default="")), key_of(ingress))


def _precedence(rule: Rule) -> tuple[bool, int]:
    return (rule.type != "Exact", -len(rule.path))


def _rules_of(ingress: Object) -> Iterable[tuple[str, Rule]]:
    redirect = _says_yes(ingress, _REDIRECT_ANNOTATIONS)
    rewrite = _rewrite_of(ingress)
    for host_rule in get_path(ingress, "spec", "rules", default=[]):
        host = (host_rule.get("host") or "").lower()
        for path in get_path(host_rule, "http", "paths", default=[]):
            target = _target_of(path.get("backend"), namespace_of(ingress))
            if target is None:
                continue
            type_: PathType = "Exact" if path.get("pathType") == "Exact" else "Prefix"
            yield (
                host,
                Rule(path.get("path") or "/", type_, target, key_of(ingress), redirect, rewrite),
            )


def _default_of(ingress: Object) -> Rule | None:
    backend = get_path(ingress, "spec", "defaultBackend")
    target = _target_of(backend, namespace_of(ingress))
    if target is None:
        return None
    return Rule("/", "Prefix", target, key_of(ingress), _says_yes(ingress, _REDIRECT_ANNOTATIONS))


def _target_of(backend: Object | None, namespace: str) -> Target | None:
    name = get_path(backend, "service", "name")
    port = get_path(backend, "service", "port", default={})
    number = port.get("number") or port.get("name")
    return Target(namespace, name, number) if name and number else None


def _tls_of(ingress: Object) -> Iterable[TlsHost]:
    """Hosts with a Secret first; every other host of a rule is the authority's."""
    key, namespace = key_of(ingress), namespace_of(ingress)
    named = [rule.get("host") for rule in get_path(ingress, "spec", "rules", default=[])]
    hosts = [host.lower() for host in named if host]
    for entry in get_path(ingress, "spec", "tls", default=[]):
        for host in entry.get("hosts") or hosts:
            yield TlsHost(host.lower(), namespace, entry.get("secretName") or None, key)
    for host in hosts:
        yield TlsHost(host, namespace, None, key)


def _add_tls(tls: dict[str, TlsHost], new: TlsHost) -> None:
    known = tls.get(new.host)
    if known is None or (known.secret is None and new.secret is not None):
        tls[new.host] = new


def _says_yes(ingress: Object, annotations: Iterable[str]) -> bool:
    found = annotations_of(ingress)
    return any(found.get(name, "").lower() == "true" for name in annotations)


def _rewrite_of(ingress: Object) -> str:
    """Only a plain path: what refers to parts of a regular expression has none to refer to."""
    found = annotations_of(ingress)
    for name in _REWRITE_ANNOTATIONS:
        target = found.get(name, "")
        if target.startswith("/") and "$" not in target:
            return target
    return ""
