"""What aggregated servers serve, in the shapes of this server's own discovery. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

Document = dict[str, Any]


def merged_groups(
    own: Mapping[str, Sequence[str]], others: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Versions by group; this server's come first."""
    merged = {group: list(versions) for group, versions in own.items()}
    for group, versions in others.items():
        known = merged.setdefault(group, [])
        known += [version for version in versions if version not in known]
    return merged


def group_items(found: Mapping[tuple[str, str], list[Document] | None]) -> list[Document]:
    """APIGroupDiscovery items from APIResourceLists; None is a server that does not answer, of
    which only the version is known.
    """
    groups: dict[str, list[Document]] = {}
    for (group, version), resources in found.items():
        groups.setdefault(group, []).append(
            {
                "version": version,
                "resources": _resources(resources or [], group, version),
                "freshness": "Current" if resources is not None else "Stale",
            }
        )
    return [
        {"metadata": {"name": group}, "versions": versions} for group, versions in groups.items()
    ]


def merge_items(own: list[Document], others: Sequence[Document]) -> list[Document]:
    """Adds the others' versions to a group that is there already."""
    by_name = {item["metadata"].get("name", ""): item for item in own}
    for other in others:
        known = by_name.get(other["metadata"]["name"])
        if known is None:
            own.append(other)
        else:
            known["versions"] += other["versions"]
    return own


def _resources(listed: Sequence[Document], group: str, version: str) -> list[Document]:
    found: dict[str, Document] = {}
    for one in listed:
        name, _, subresource = str(one.get("name") or "").partition("/")
        kind = {
            "group": one.get("group") or group,
            "version": one.get("version") or version,
            "kind": one.get("kind") or "",
        }
        if subresource:
            if name in found:
                entry = {"subresource": subresource, "responseKind": kind}
                entry["verbs"] = one.get("verbs") or []
                found[name].setdefault("subresources", []).append(entry)
            continue
        found[name] = {
            "resource": name,
            "responseKind": kind,
            "scope": "Namespaced" if one.get("namespaced") else "Cluster",
            "singularResource": one.get("singularName") or "",
            "verbs": one.get("verbs") or [],
        }
        for field in ("shortNames", "categories"):
            if one.get(field):
                found[name][field] = one[field]
    return list(found.values())
