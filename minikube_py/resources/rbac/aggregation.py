"""The rules of a ClusterRole that is made of others: those of all roles its selectors match."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minikube_py.meta.objects import Object, get_path, labels_of, name_of
from minikube_py.meta.selectors import Selector, from_label_selector


def aggregated_rules(role: Mapping[str, Any], others: Iterable[Object]) -> list[Object]:
    """Selector by selector, roles by name, each rule once."""
    rules: list[Object] = []
    roles = sorted(others, key=name_of)
    for selector in selectors_of(role):
        for other in roles:
            if name_of(other) != name_of(role) and selector.matches(labels_of(other)):
                rules += [each for each in other.get("rules") or () if each not in rules]
    return rules


def selectors_of(role: Mapping[str, Any]) -> Sequence[Selector]:
    found = get_path(role, "aggregationRule", "clusterRoleSelectors", default=())
    parsed = (from_label_selector(selector) for selector in found)
    return [selector for selector in parsed if selector is not None]
