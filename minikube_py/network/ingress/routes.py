"""Which Service answers for a host and a path, as the Ingresses of mk's class say together. Pure.

An exact host goes before a wildcard, that before a rule without host; among the paths of one host
an exact path goes before prefixes, the longest of those first. Where two Ingresses claim the same,
the older one has it. A request that no rule takes goes to a default backend.
"""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from minikube_py.meta.objects import (
    Key,
    Object,
    annotations_of,
    get_path,
    key_of,
    make_key,
    name_of,
    namespace_of,
)

CONTROLLER = "mk.dev/ingress"
CLASS = "mk"
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_DEFAULT_CLASS_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"
_NGINX = "nginx.ingress.kubernetes.io/"
_REDIRECT_ANNOTATIONS = (
    "mk.dev/ssl-redirect",
    f"{_NGINX}ssl-redirect",
    f"{_NGINX}force-ssl-redirect",
)
_REWRITE_ANNOTATIONS = ("mk.dev/rewrite-target", f"{_NGINX}rewrite-target")
ANY_HOST = ""


@dataclass(frozen=True, order=True)
class Target:
    """A Service's port, by number or by name."""

    service: Key
    port: int | str


@dataclass(frozen=True)
class Route:
    """`target` is None where the backend is a resource that is no Service. `rewrite` replaces the
    whole path on its way to the pod; "" leaves it.
    """

    ingress: Key
    target: Target | None
    ssl_redirect: bool = False
    rewrite: str = ""


@dataclass(frozen=True)
class HostRoutes:
    """The paths of one host. Prefixes are kept without their last slash."""

    exact: Mapping[str, Route]
    prefixes: Mapping[str, Route]
    default: Route | None = None
    longest: int = field(default=0, compare=False)

    def find(self, path: str) -> Route | None:
        found = self.exact.get(path)
        if found is not None or not self.prefixes:
            return found
        prefix = path
        if len(path) > self.longest:  # so that an endless path costs no more than the longest rule
            prefix = path[: path.rfind("/", 0, self.longest + 1)]
        prefix = prefix.rstrip("/")
        while True:
            found = self.prefixes.get(prefix)
            if found is not None or not prefix:
                return found
            prefix = prefix[: prefix.rfind("/")]


@dataclass(frozen=True)
class RoutingTable:
    """`hosts` by lower-case name, `*.name` or "" for rules without host; `secrets` likewise: the
    TLS Secrets to try, in order.
    """

    hosts: Mapping[str, HostRoutes]
    default: Route | None
    secrets: Mapping[str, tuple[Key, ...]]

    def find(self, host: str, path: str) -> Route | None:
        """`host` as `host_name` gives it, `path` as the client sent it, without the query."""
        path = clean_path(path)
        tiers = [tier for name in _names_for(host) if (tier := self.hosts.get(name)) is not None]
        for tier in tiers:
            found = tier.find(path)
            if found is not None:
                return found
        own = (tier.default for tier in tiers if tier.default is not None)
        return next(own, self.default)

    def knows(self, host: str) -> bool:
        """Whether some rule is for this host."""
        return any(name in self.hosts for name in _names_for(host))

    def secrets_for(self, host: str) -> tuple[Key, ...]:
        """The Secrets that may hold the host's certificate, best first."""
        return tuple(key for name in _names_for(host) for key in self.secrets.get(name, ()))

    def targets(self) -> set[Target]:
        """Every Service port that some request may go to."""
        routes = [self.default]
        for host in self.hosts.values():
            routes += [*host.exact.values(), *host.prefixes.values(), host.default]
        return {route.target for route in routes if route is not None and route.target is not None}


EMPTY = RoutingTable({}, None, {})


def build_table(ingresses: Iterable[Object], classes: Iterable[Object]) -> RoutingTable:
    """The same table whatever the order of what it is made of."""
    classes = list(classes)
    builder = _Builder()
    for ingress in sorted(ingresses, key=_age):
        if is_ours(ingress, classes):
            builder.add(ingress)
    return builder.table()


def class_of(ingress: Object) -> str | None:
    """The class an Ingress asks for; None leaves it to the default."""
    name = get_path(ingress, "spec", "ingressClassName")
    return name or annotations_of(ingress).get(_CLASS_ANNOTATION) or None


def is_ours(ingress: Object, classes: Iterable[Object]) -> bool:
    """Whether mk serves this Ingress."""
    wanted = class_of(ingress)
    classes = list(classes)
    if wanted is None:
        defaults = [
            each
            for each in classes
            if annotations_of(each).get(_DEFAULT_CLASS_ANNOTATION) == "true"
        ]
        # The newest default counts, as in Kubernetes' admission.
        newest = sorted(defaults, key=_age, reverse=True)
        return bool(newest) and _is_our_class(newest[0])
    named = next((each for each in classes if name_of(each) == wanted), None)
    return wanted == CLASS if named is None else _is_our_class(named)


def targets_of(ingress: Object) -> dict[Target, None]:
    """The Service ports an Ingress names, in its order."""
    backends = [get_path(ingress, "spec", "defaultBackend")]
    for rule in get_path(ingress, "spec", "rules", default=[]):
        backends += [path.get("backend") for path in get_path(rule, "http", "paths", default=[])]
    found = (_target(namespace_of(ingress), backend) for backend in backends if backend)
    return {target: None for target in found if target is not None}


def secrets_of(ingress: Object) -> dict[Key, tuple[str, ...]]:
    """The TLS Secrets an Ingress names, and the hosts each is for."""
    found: dict[Key, tuple[str, ...]] = {}
    rules = get_path(ingress, "spec", "rules", default=[])
    rule_hosts = [rule.get("host") or ANY_HOST for rule in rules] or [ANY_HOST]
    for tls in get_path(ingress, "spec", "tls", default=[]):
        if name := tls.get("secretName"):
            key = make_key(namespace_of(ingress), name)
            hosts = (host.lower() for host in tls.get("hosts") or rule_hosts)
            found[key] = tuple(dict.fromkeys([*found.get(key, ()), *hosts]))
    return found


def unsupported_parts(ingress: Object) -> list[str]:
    """What the Ingress asks for and mk doesn't do, each as a user would look for it."""
    found = [
        f"metadata.annotations[{name}]"
        for name, value in sorted(annotations_of(ingress).items())
        if name.startswith(_NGINX) and not _is_understood(name, value)
    ]
    if get_path(ingress, "spec", "defaultBackend", "resource"):
        found.append("spec.defaultBackend.resource")
    for number, rule in enumerate(get_path(ingress, "spec", "rules", default=[])):
        for index, path in enumerate(get_path(rule, "http", "paths", default=[])):
            if get_path(path, "backend", "resource"):
                found.append(f"spec.rules[{number}].http.paths[{index}].backend.resource")
    return found


def host_name(host: str) -> str:
    """A Host header's name: lower case, without port and final dot."""
    name = host.lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].removesuffix(".")


def clean_path(path: str) -> str:
    """The path as most servers understand it: decoded, no empty, `.` or `..` elements. So nothing
    reaches a Service by `/open/../closed` that only `/open` leads to.
    """
    if "%" not in path and "//" not in path and "/." not in path:
        return path or "/"
    decoded = unquote(path, errors="surrogateescape")
    cleaned = posixpath.normpath("/" + decoded.lstrip("/"))
    if decoded.endswith(("/", "/.", "/..")) and cleaned != "/":
        cleaned += "/"
    return cleaned


class _Builder:
    """Takes Ingresses, oldest first; what is already there stays."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        self._prefixes: dict[str, dict[str, Route]] = {}
        self._host_defaults: dict[str, Route] = {}
        self._defaults: list[tuple[bool, Route]] = []
        self._secrets: dict[str, dict[Key, None]] = {}

    def add(self, ingress: Object) -> None:
        rules = get_path(ingress, "spec", "rules", default=[])
        default = get_path(ingress, "spec", "defaultBackend")
        if default:
            self._defaults.append((bool(rules), _route(ingress, default)))
        for rule in rules:
            host = (rule.get("host") or ANY_HOST).lower()
            self._exact.setdefault(host, {})
            self._prefixes.setdefault(host, {})
            if default:
                self._host_defaults.setdefault(host, _route(ingress, default))
            for path in get_path(rule, "http", "paths", default=[]):
                self._add_path(host, path, _route(ingress, path.get("backend") or {}))
        for key, hosts in secrets_of(ingress).items():
            for host in hosts:
                self._secrets.setdefault(host, {})[key] = None

    def _add_path(self, host: str, rule: Object, route: Route) -> None:
        path, type_ = rule.get("path") or "/", rule.get("pathType")
        if type_ == "Exact":
            self._exact[host].setdefault(clean_path(path), route)
            return
        if type_ != "Prefix" and path.endswith("/*"):  # as other controllers write a prefix
            path = path[:-1]
        self._prefixes[host].setdefault(clean_path(path).rstrip("/"), route)

    def table(self) -> RoutingTable:
        hosts = {
            host: HostRoutes(
                exact=self._exact[host],
                prefixes=self._prefixes[host],
                default=self._host_defaults.get(host),
                longest=max(map(len, self._prefixes[host]), default=0),
            )
            for host in self._exact
        }
        # An Ingress that is nothing but a default backend is meant for everyone.
        defaults = sorted(self._defaults, key=lambda entry: entry[0])
        return RoutingTable(
            hosts=hosts,
            default=defaults[0][1] if defaults else None,
            secrets={host: tuple(keys) for host, keys in self._secrets.items()},
        )


def _route(ingress: Object, backend: Object) -> Route:
    annotations = annotations_of(ingress)
    rewrites = (annotations.get(name, "") for name in _REWRITE_ANNOTATIONS)
    return Route(
        ingress=key_of(ingress),
        target=_target(namespace_of(ingress), backend),
        ssl_redirect=any(annotations.get(name) == "true" for name in _REDIRECT_ANNOTATIONS),
        rewrite=next((path for path in rewrites if _is_plain_path(path)), ""),
    )


def _is_understood(annotation: str, value: str) -> bool:
    if annotation in _REWRITE_ANNOTATIONS:
        return _is_plain_path(value)
    return annotation in _REDIRECT_ANNOTATIONS


def _is_plain_path(value: str) -> bool:
    """Nothing that refers to parts of a regular expression, nor what can't stand in a request."""
    return value.startswith("/") and value.isascii() and not set(value) & set("$?# \t\r\n")


def _target(namespace: str, backend: Object) -> Target | None:
    service = backend.get("service")
    if not service:
        return None
    port = service.get("port") or {}
    return Target(
        make_key(namespace, service.get("name", "")), port.get("name") or port.get("number") or 0
    )


def _names_for(host: str) -> tuple[str, ...]:
    """The rules' hosts that take in `host`, the most specific first. A `*` is one label."""
    label, dot, rest = host.partition(".")
    return (host, f"*.{rest}", ANY_HOST) if label and dot else (host, ANY_HOST)


def _is_our_class(ingress_class: Object) -> bool:
    return bool(get_path(ingress_class, "spec", "controller") == CONTROLLER)


def _age(obj: Object) -> tuple[str, str]:
    return str(get_path(obj, "metadata", "creationTimestamp", default="")), key_of(obj)
