"""One rule of a role: does it allow this? Does it cover that other rule?

Pure, after Kubernetes' pkg/apis/rbac/v1/evaluation_helpers.go and component-helpers'
auth/rbac/validation: `*` in each list means all, `*/scale` the subresource of every resource,
`pods/log` that one alone, and only paths may end with `*`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from minikube_py.resources.rbac.attributes import Attributes

ALL = "*"
_ALL_SUBRESOURCE = "*/"


@dataclass(frozen=True, slots=True)
class Rule:
    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    def allows(self, asked: Attributes) -> bool:
        if not _has(self.verbs, asked.verb):
            return False
        if asked.path is not None:
            return any(_is_path_in(url, asked.path) for url in self.urls)
        return (
            _has(self.groups, asked.group)
            and self._has_resource(asked.resource, asked.subresource)
            and (not self.names or asked.name in self.names)
        )

    def _has_resource(self, resource: str, subresource: str) -> bool:
        if not subresource:
            return _has(self.resources, resource)
        return (
            _has(self.resources, f"{resource}/{subresource}")
            or _ALL_SUBRESOURCE + subresource in self.resources
        )

    def covers(self, other: "Rule") -> bool:
        """Whoever has this has all of `other`; of resources this asks for lists alike."""
        return (
            _covers(self.verbs, other.verbs)
            and _covers(self.groups, other.groups)
            and _resources_cover(self.resources, other.resources)
            and (not self.names or (bool(other.names) and set(other.names) <= set(self.names)))
            and all(any(_is_path_in(mine, url) for mine in self.urls) for url in other.urls)
        )

    def parts(self) -> "Iterable[Rule]":
        """Rules of one verb, group, resource and name, or of one verb and path."""
        for group, resource, verb in product(self.groups, self.resources, self.verbs):
            for name in self.names or (None,):
                yield Rule((verb,), (group,), (resource,), () if name is None else (name,))
        for url, verb in product(self.urls, self.verbs):
            yield Rule((verb,), urls=(url,))

    def as_object(self) -> dict[str, list[str]]:
        """As roles and reviews spell it."""
        fields = {
            "verbs": self.verbs,
            "apiGroups": self.groups,
            "resources": self.resources,
            "resourceNames": self.names,
            "nonResourceURLs": self.urls,
        }
        return {name: list(values) for name, values in fields.items() if values}

    def __str__(self) -> str:
        """As messages of refused escalations show it."""
        fields = (
            ("APIGroups", self.groups),
            ("Resources", self.resources),
            ("NonResourceURLs", self.urls),
            ("ResourceNames", self.names),
            ("Verbs", self.verbs),
        )
        shown = ", ".join(f"{name}:{quoted(values)}" for name, values in fields if values)
        return f"{{{shown}}}"


def parse_rule(rule: Mapping[str, Any]) -> Rule:
    return Rule(
        verbs=tuple(rule.get("verbs") or ()),
        groups=tuple(rule.get("apiGroups") or ()),
        resources=tuple(rule.get("resources") or ()),
        names=tuple(rule.get("resourceNames") or ()),
        urls=tuple(rule.get("nonResourceURLs") or ()),
    )


def rules_of(role: Mapping[str, Any]) -> tuple[Rule, ...]:
    return tuple(parse_rule(rule) for rule in role.get("rules") or ())


def uncovered(held: Iterable[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The parts of `wanted` that no rule held covers."""
    rules = tuple(held)
    return [
        part
        for rule in wanted
        for part in rule.parts()
        if not any(mine.covers(part) for mine in rules)
    ]


def compacted(parts: Iterable[Rule]) -> list[Rule]:
    """Resource rules that differ in their verbs alone as one, for people to read."""
    verbs: dict[Rule, list[str]] = {}
    paths = []
    for part in parts:
        if part.urls:
            paths.append(part)
            continue
        rest = Rule((), part.groups, part.resources, part.names)
        known = verbs.setdefault(rest, [])
        known.extend(verb for verb in part.verbs if verb not in known)
    merged = [
        Rule(tuple(found), rest.groups, rest.resources, rest.names) for rest, found in verbs.items()
    ]
    return merged + paths


def quoted(values: Sequence[str]) -> str:
    """`["a" "b"]`, as Go prints a list of strings."""
    return "[" + " ".join(f'"{value}"' for value in values) + "]"


def _has(values: Sequence[str], value: str) -> bool:
    return value in values or ALL in values


def _is_path_in(url: str, path: str) -> bool:
    if url in (ALL, path):
        return True
    return url.endswith(ALL) and path.startswith(url.rstrip(ALL))


def _covers(mine: Sequence[str], others: Sequence[str]) -> bool:
    return ALL in mine or set(others) <= set(mine)


def _resources_cover(mine: Sequence[str], others: Sequence[str]) -> bool:
    if ALL in mine:
        return True
    for resource in others:
        _, slash, subresource = resource.partition("/")
        if resource not in mine and not (slash and _ALL_SUBRESOURCE + subresource in mine):
            return False
    return True
