"""What kinds the cluster serves, and which of them the user means by `po`, `deploy` or
`deployments.apps`.
"""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from minikube_py.cli.errors import ApiFailure, CliError
from minikube_py.cli.rest import Client
from minikube_py.meta.objects import split_api_version

_AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@dataclass(frozen=True)
class Resource:
    """One kind in one version, as the server serves it."""

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    namespaced: bool
    verbs: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """`deployments.apps`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def display_kind(self) -> str:
        """`deployment.apps`, `pod`: how results are named."""
        kind = self.kind.lower()
        return f"{kind}.{self.group}" if self.group else kind

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """The URL path; `namespace` is left out for cluster-scoped kinds."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [self.plural]
        parts += [part for part in (name, subresource) if part]
        return "/" + "/".join(quote(part, safe=":") for part in parts)

    def answers_to(self, word: str) -> bool:
        return word in (self.plural, self.singular, self.kind.lower(), *self.short_names)


class Discovery:
    """Asks the server once, when first needed. Preferred versions come first."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._found: list[Resource] | None = None

    def all(self) -> Sequence[Resource]:
        if self._found is None:
            self._found = list(self._discover())
        return self._found

    def resolve(self, word: str) -> Resource:
        """`po`, `Pod`, `deploy.apps`, `deployments.v1.apps`; raises CliError with a guess."""
        lowered = word.lower()
        name, _, group = lowered.partition(".")
        for resource in self.all():
            known = {"", resource.group, f"{resource.version}.{resource.group}".rstrip(".")}
            if resource.answers_to(name) and group in known:
                return resource
        raise CliError(
            f'the server has no resource type "{word}"{self._guess(name)}; '
            "`mk api-resources` lists all"
        )

    def category(self, word: str) -> list[Resource]:
        """`all` → what the server puts into it; empty for a word that is no category."""
        return [resource for resource in self.all() if word.lower() in resource.categories]

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        group, version = split_api_version(api_version)
        return next(
            (
                resource
                for resource in self.all()
                if (resource.group, resource.version, resource.kind) == (group, version, kind)
            ),
            None,
        )

    def kind_advice(self, api_version: str, kind: str) -> str:
        """Why (api_version, kind) is unknown, and what was perhaps meant."""
        same = [r for r in self.all() if r.kind == kind]
        if same:
            right = " or ".join(sorted({_api_version(resource) for resource in same}))
            return f'no kind "{kind}" in "{api_version}": it is in {right}'
        close = difflib.get_close_matches(kind, {r.kind for r in self.all()}, n=1)
        advice = f' (did you mean "{close[0]}"?)' if close else "; `mk api-resources` lists all"
        return f'unknown kind "{kind}" in "{api_version}"{advice}'

    def _guess(self, word: str) -> str:
        names = {name for r in self.all() for name in (r.plural, r.singular)}
        close = difflib.get_close_matches(word, names, n=1)
        return f' (did you mean "{close[0]}"?)' if close else ""

    def _discover(self) -> Iterator[Resource]:
        core = self._client.get("/api", accept=_AGGREGATED)
        groups = self._client.get("/apis", accept=_AGGREGATED)
        if groups.get("kind") == "APIGroupDiscoveryList":
            for group in (*core.get("items", []), *groups.get("items", [])):
                yield from _aggregated(group)
            return
        for version in core.get("versions", []):
            yield from self._listed(f"/api/{version}", "", version)
        for group in groups.get("groups", []):
            preferred = group["preferredVersion"]["version"]
            versions = [entry["version"] for entry in group["versions"]]
            for version in sorted(versions, key=lambda one, first=preferred: one != first):  # type: ignore[misc]
                name = group["name"]
                yield from self._listed(f"/apis/{name}/{version}", name, version)

    def _listed(self, path: str, group: str, version: str) -> Iterator[Resource]:
        try:
            found = self._client.get(path)
        except ApiFailure:  # an aggregated API that is down must not hide the others
            return
        for entry in found.get("resources", []):
            if "/" not in entry["name"]:
                yield Resource(
                    group,
                    version,
                    entry["name"],
                    entry.get("singularName") or entry["kind"].lower(),
                    entry["kind"],
                    tuple(entry.get("shortNames") or ()),
                    tuple(entry.get("categories") or ()),
                    bool(entry.get("namespaced")),
                    tuple(entry.get("verbs") or ()),
                )


def _aggregated(group: dict[str, Any]) -> Iterator[Resource]:
    for version in group.get("versions", []):
        for entry in version.get("resources", []):
            kind = (entry.get("responseKind") or {}).get("kind", "")
            yield Resource(
                group["metadata"].get("name", ""),
                version["version"],
                entry["resource"],
                entry.get("singularResource") or kind.lower(),
                kind,
                tuple(entry.get("shortNames") or ()),
                tuple(entry.get("categories") or ()),
                entry.get("scope") == "Namespaced",
                tuple(entry.get("verbs") or ()),
            )


def _api_version(resource: Resource) -> str:
    return f"{resource.group}/{resource.version}" if resource.group else resource.version
