"""What a request is about, read from its path and method alone: before authentication, before
kinds.

The rules are those of Kubernetes' request info resolver, so that audit, metrics and authorization
name the same verb and resource as they would on any cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_NAMESPACE_SUBRESOURCES = ("status", "finalize")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "HEAD": "get"}
CONNECT = ("exec", "attach", "portforward", "proxy")
"""Subresources that last as long as their clients like."""


@dataclass(frozen=True)
class Target:
    """One resource request. `namespace`, `name` and `subresource` are "" where the path has none;
    `rest` is what follows the subresource. `is_watch`: by the old form of the path, `watch/…`.
    """

    group: str
    version: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    is_watch: bool = False


def parse_target(path: str) -> Target | None:
    """None for everything that is not a resource: discovery, health, OpenAPI."""
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 3 and parts[0] == "api":
        return _parse_resource("", parts[1], parts[2:])
    if len(parts) >= 4 and parts[0] == "apis":
        return _parse_resource(parts[1], parts[2], parts[3:])
    return None


def verb_of(method: str, target: Target, query: Mapping[str, str]) -> str:
    """The API's verb, read from the method alone, also for streams; "" for a method without one."""
    if method == "GET":
        if target.is_watch:
            return "watch"
        if target.name:
            return "get"
        return "watch" if is_true(query.get("watch")) else "list"
    if method == "DELETE":
        return "delete" if target.name else "deletecollection"
    return _VERBS.get(method, "")


def is_true(text: str | None) -> bool:
    """A boolean query option, as Kubernetes reads it: present and not `false` or `0`."""
    return text is not None and text.lower() not in ("false", "0", "f")


def _parse_resource(group: str, version: str, parts: list[str]) -> Target:
    is_watch = parts[0] == "watch" and len(parts) > 1
    if is_watch:
        parts = parts[1:]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
            parts = parts[2:]
    padded = [*parts, "", ""]
    return Target(
        group,
        version,
        resource=parts[0],
        namespace=namespace,
        name=padded[1],
        subresource=padded[2],
        rest="/".join(parts[3:]),
        is_watch=is_watch,
    )
