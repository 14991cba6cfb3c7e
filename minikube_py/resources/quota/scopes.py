"""Which objects a quota is about: its scopes and scope selector. Pure.

Pods and claims have scopes; a quota that has any is about nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from minikube_py.kinds.core.pod.qos import qos_class
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object, get_path

Traits = Mapping[str, bool | str]
"""By scope: whether the object is in it, or which class of the scope it names ("" = none)."""

_TERMS = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


def traits_of(kind: Kind, obj: Object) -> Traits:
    spec = obj.get("spec") or {}
    if kind.resource == "persistentvolumeclaims":
        return {"VolumeAttributesClass": spec.get("volumeAttributesClassName") or ""}
    if kind.resource != "pods":
        return {}
    terminating = spec.get("activeDeadlineSeconds") is not None
    best_effort = qos_class(spec) == "BestEffort"
    return {
        "Terminating": terminating,
        "NotTerminating": not terminating,
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
        "PriorityClass": spec.get("priorityClassName") or "",
        "CrossNamespacePodAffinity": _reaches_other_namespaces(spec),
    }


def is_in_scope(quota: Object, traits: Traits) -> bool:
    return all(_meets(requirement, traits) for requirement in _requirements(quota))


def _requirements(quota: Object) -> Sequence[Mapping[str, Any]]:
    spec = quota.get("spec") or {}
    plain = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or []]
    return [*plain, *get_path(spec, "scopeSelector", "matchExpressions", default=[])]


def _meets(requirement: Mapping[str, Any], traits: Traits) -> bool:
    trait = traits.get(requirement["scopeName"])
    if trait is None or isinstance(trait, bool):
        return trait is True
    operator, values = requirement["operator"], requirement.get("values") or []
    if operator in ("Exists", "DoesNotExist"):
        return bool(trait) is (operator == "Exists")
    return (trait in values) is (operator == "In")


def _reaches_other_namespaces(spec: Object) -> bool:
    for part in ("podAffinity", "podAntiAffinity"):
        for field in _TERMS:
            for entry in get_path(spec, "affinity", part, field, default=[]):
                term = entry.get("podAffinityTerm") or entry
                if term.get("namespaces") or term.get("namespaceSelector") is not None:
                    return True
    return False
