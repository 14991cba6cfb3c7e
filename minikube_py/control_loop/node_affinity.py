"""Which nodes a NodeSelector means: for pods and for volumes (component-helpers' nodeaffinity).

Pure. Terms are alternatives; within a term everything must hold; a term without any requirement
matches no node.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from minikube_py.meta.objects import Object, get_path, labels_of, name_of
from minikube_py.meta.selectors import Selector, from_label_selector


def terms_match(terms: Sequence[Mapping[str, Any]], node: Object) -> bool:
    return any(term_matches(term, node) for term in terms)


def term_matches(term: Mapping[str, Any], node: Object) -> bool:
    expressions = term.get("matchExpressions") or []
    fields = term.get("matchFields") or []
    if not expressions and not fields:
        return False
    by_label, by_field = _selector(expressions), _selector(fields)
    return by_label.matches(labels_of(node)) and by_field.matches({"metadata.name": name_of(node)})


def pod_wants_node(pod: Object, node: Object) -> bool:
    """spec.nodeSelector and the required node affinity."""
    wanted = get_path(pod, "spec", "nodeSelector", default={})
    if not wanted.items() <= labels_of(node).items():
        return False
    required = get_path(
        pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"
    )
    return required is None or terms_match(required.get("nodeSelectorTerms") or [], node)


def named_nodes(pod: Object) -> frozenset[str] | None:
    """The nodes that the required affinity names by metadata.name, where every term does; None
    where any other may do.
    """
    required = get_path(
        pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"
    )
    terms = (required or {}).get("nodeSelectorTerms") or []
    named = [_named(term) for term in terms]
    if not named or None in named:
        return None
    return frozenset().union(*(names for names in named if names is not None))


def _named(term: Mapping[str, Any]) -> frozenset[str] | None:
    sets = [
        frozenset(field.get("values") or [])
        for field in term.get("matchFields") or []
        if field.get("key") == "metadata.name" and field.get("operator") == "In"
    ]
    return frozenset.intersection(*sets) if sets else None


def volume_reaches_node(volume: Object, node: Object) -> bool:
    """spec.nodeAffinity of a PersistentVolume."""
    required = get_path(volume, "spec", "nodeAffinity", "required")
    return required is None or terms_match(required.get("nodeSelectorTerms") or [], node)


def _selector(expressions: Sequence[Mapping[str, Any]]) -> Selector:
    return from_label_selector({"matchExpressions": list(expressions)}) or Selector()
