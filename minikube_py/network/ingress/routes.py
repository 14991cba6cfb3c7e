"""Decides which Service answers a host and path, out of all Ingresses. Pure.

The rules of the most specific host are asked first, of those the most specific path: an exact one,
else the longest prefix, matched path element by element. What they lack is looked for with wider
hosts, then with the default backends. Where two Ingresses claim the same, the older one has it.
`ImplementationSpecific` is ours to define: `Prefix`, with `/app/*` meaning `/app`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

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
_DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"
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
    """A prefix has no closing slash; `rewrite` replaces the whole path on its way to the pod, ""
    leaves it.
    """

    path: str
    type: PathType
    target: Target
    ingress: Key
    redirect: bool = False
    rewrite: str = ""

    def matches(self, path: str) -> bool:
        if self.type == "Exact":
            return path == self.path
        return path.startswith(self.path) and path[len(self.path) :][:1] in ("", "/")


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
    defaults: Mapping[str, Rule] = field(default_factory=dict)
    tls: Mapping[str, TlsHost] = field(default_factory=dict)

    def find(self, host: str, path: str) -> Rule | None:
        """`host` in lower case without its port; `path` as `clean_path` leaves it."""
        hosts = (host, wildcard_of(host), "")
        for name in hosts:
            for rule in self.rules.get(name, ()):
                if rule.matches(path):
                    return rule
        return next((self.defaults[name] for name in hosts if name in self.defaults), None)

    def targets(self) -> set[Target]:
        return {rule.target for rule in self.all_rules()}

    def all_rules(self) -> list[Rule]:
        return [*(rule for rules in self.rules.values() for rule in rules), *self.defaults.values()]


def wildcard_of(host: str) -> str:
    """`a.b.c` → `*.b.c`: a wildcard stands for exactly one label."""
    return "*." + host.partition(".")[2]


def class_of(ingress: Object) -> str | None:
    """The class it asks for, in the field or in the annotation of old."""
    named = get_path(ingress, "spec", "ingressClassName")
    return named or annotations_of(ingress).get(_CLASS_ANNOTATION)


def is_ours(ingress: Object, classes: Iterable[Object]) -> bool:
    """By the class it names; one that names none goes to the newest default class, and to us where
    no class is the default.
    """
    classes = list(classes)
    ours = {name_of(one) for one in classes if get_path(one, "spec", "controller") == CONTROLLER}
    asked = class_of(ingress)
    if asked:
        return asked in ours
    defaults = [one for one in classes if annotations_of(one).get(_DEFAULT_ANNOTATION) == "true"]
    return not defaults or name_of(max(defaults, key=_age)) in ours


def build_table(ingresses: Iterable[Object], classes: Iterable[Object]) -> Table:
    """`classes` are all IngressClasses."""
    classes = list(classes)
    served = sorted((one for one in ingresses if is_ours(one, classes)), key=_age)
    rules: dict[str, list[Rule]] = {}
    defaults: dict[str, Rule] = {}
    tls: dict[str, TlsHost] = {}
    for ingress in served:
        for host, rule in _rules_of(ingress):
            known = rules.setdefault(host, [])
            if all((rule.path, rule.type) != (one.path, one.type) for one in known):
                known.append(rule)
        default = _default_of(ingress)
        if default is not None:
            for host in _hosts_of(ingress) or [""]:
                defaults.setdefault(host, default)
        for tls_host in _tls_of(ingress):
            _add_tls(tls, tls_host)
    ordered = {host: tuple(sorted(found, key=_precedence)) for host, found in rules.items()}
    return Table(ordered, defaults, {host: tls[host] for host in tls if not _is_covered(host, tls)})


def clean_path(path: str) -> str:
    """The path as the pod will understand it: `/a/../b` and `/a/%2e%2E/b` are `/b`, and must not
    match a rule for `/a`.
    """
    if "%" in path:
        path = unquote_to_bytes(path.encode("latin-1", "replace")).decode(errors="replace")
    if "/." not in path and "//" not in path and path.startswith("/"):
        return path
    kept: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part not in (".", ""):
            kept.append(part)
    ending = "/" if kept and parts[-1] in ("", ".", "..") else ""
    return "/" + "/".join(kept) + ending


def _age(obj: Mapping[str, Any]) -> tuple[str, Key]:
    return (str(get_path(obj, "metadata", "creationTimestamp", default="")), key_of(obj))


def _precedence(rule: Rule) -> tuple[bool, int]:
    return (rule.type != "Exact", -len(rule.path))


def _rules_of(ingress: Object) -> Iterable[tuple[str, Rule]]:
    redirect = _says_yes(ingress, _REDIRECT_ANNOTATIONS)
    rewrite = _rewrite_of(ingress)
    for host_rule in get_path(ingress, "spec", "rules", default=[]):
        host = (host_rule.get("host") or "").lower()
        for path in get_path(host_rule, "http", "paths", default=[]):
            target = _target_of(path.get("backend"), namespace_of(ingress))
            if target is not None:
                type_, value = _path_of(path)
                yield host, Rule(value, type_, target, key_of(ingress), redirect, rewrite)


def _path_of(path: Object) -> tuple[PathType, str]:
    asked, value = path.get("pathType"), path.get("path") or "/"
    if asked == "Exact":
        return "Exact", clean_path(value)
    if asked == "ImplementationSpecific":
        value = value.removesuffix("*")
    return "Prefix", clean_path(value).rstrip("/")


def _default_of(ingress: Object) -> Rule | None:
    backend = get_path(ingress, "spec", "defaultBackend")
    target = _target_of(backend, namespace_of(ingress))
    if target is None:
        return None
    return Rule("", "Prefix", target, key_of(ingress), _says_yes(ingress, _REDIRECT_ANNOTATIONS))


def _target_of(backend: Object | None, namespace: str) -> Target | None:
    name = get_path(backend, "service", "name")
    port = get_path(backend, "service", "port", default={})
    number = port.get("number") or port.get("name")
    return Target(namespace, name, number) if name and number else None


def _tls_of(ingress: Object) -> Iterable[TlsHost]:
    """Hosts with a Secret first; every other host of a rule is the authority's."""
    key, namespace = key_of(ingress), namespace_of(ingress)
    hosts = _hosts_of(ingress)
    for entry in get_path(ingress, "spec", "tls", default=[]):
        for host in entry.get("hosts") or hosts:
            yield TlsHost(host.lower(), namespace, entry.get("secretName") or None, key)
    for host in hosts:
        yield TlsHost(host, namespace, None, key)


def _hosts_of(ingress: Object) -> list[str]:
    named = [rule.get("host") for rule in get_path(ingress, "spec", "rules", default=[])]
    return [host.lower() for host in named if host]


def _is_covered(host: str, tls: Mapping[str, TlsHost]) -> bool:
    """A wildcard's Secret goes before a certificate of the authority's own."""
    wildcard = tls.get(wildcard_of(host))
    return tls[host].secret is None and wildcard is not None and wildcard.secret is not None


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
