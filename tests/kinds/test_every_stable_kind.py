"""The catalog has every kind that Kubernetes publishes in a stable version."""

import re

from minikube_py.kinds.catalog import builtin_catalog
from minikube_py.kinds.schema import definitions

NOT_KEPT = {
    ("", "v1", "APIGroup"): "a page of discovery, made from the catalog, not an object",
}
"""Kinds that have a list and yet no place in the catalog, each for its own reason."""


def _listed() -> set[tuple[str, str, str]]:
    """Of stable versions: kinds that come with a list."""
    published = {
        (entry["group"], entry["version"], entry["kind"])
        for definition in definitions().values()
        for entry in definition.get("x-kubernetes-group-version-kind") or []
        if re.fullmatch(r"v\d+", entry["version"])
    }
    return {(*gv, kind) for *gv, kind in published if (*gv, f"{kind}List") in published}


def test_every_stable_kind_with_a_list_is_in_the_catalog() -> None:
    served = {tuple(kind.gvk) for kind in builtin_catalog().all()}

    missing = _listed() - served

    assert missing == set(NOT_KEPT)


def test_every_kind_of_the_catalog_is_published() -> None:
    events = {("events.k8s.io", "v1", "Event"), ("", "v1", "Event")}

    served = {tuple(kind.gvk) for kind in builtin_catalog().all()}

    assert served - _listed() <= events
