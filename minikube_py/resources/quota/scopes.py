"""Which objects a quota is about: its scopes and scope selector. Pure.

Only Pods have scopes; a quota that has any is about nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minikube_py.kinds.core.pod.qos import qos_class
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object, get_path

_TERMS = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


@dataclass(frozen=True)
class Traits:
    """All of a Pod that a scope can ask for."""

    terminating: bool = False
    best_effort: bool = False
    priority_class: str = ""
    reaches_other_namespaces: bool = False


def traits_of(kind: Kind, obj: Object) -> Traits | None:
    """None for what no scope is about."""
    if kind.resource != "pods":
        return None
    spec = obj.get("spec") or {}
    return Traits(
        terminating=spec.get("activeDeadlineSeconds") is not None,
        best_effort=qos_class(spec) == "BestEffort",
        priority_class=spec.get("priorityClassName") or "",
        reaches_other_namespaces=_reaches_other_namespaces(spec),
    )


def is_in_scope(quota: Object, traits: Traits | None) -> bool:
    wanted = _requirements(quota)
    if traits is None:
        return not wanted
    return all(_meets(requirement, traits) for requirement in wanted)


def _requirements(quota: Object) -> Sequence[Mapping[str, Any]]:
    spec = quota.get("spec") or {}
    plain = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or []]
    return [*plain, *get_path(spec, "scopeSelector", "matchExpressions", default=[])]


_PLAIN: Mapping[str, Callable[[Traits], bool]] = {
    "Terminating": lambda pod: pod.terminating,
    "NotTerminating": lambda pod: not pod.terminating,
    "BestEffort": lambda pod: pod.best_effort,
    "NotBestEffort": lambda pod: not pod.best_effort,
    "CrossNamespacePodAffinity": lambda pod: pod.reaches_other_namespaces,
}


def _meets(requirement: Mapping[str, Any], pod: Traits) -> bool:
    scope = requirement["scopeName"]
    if scope == "PriorityClass":
        return _meets_priority(requirement, pod.priority_class)
    check = _PLAIN.get(scope)
    return check is not None and check(pod)


def _meets_priority(requirement: Mapping[str, Any], name: str) -> bool:
    operator, values = requirement["operator"], requirement.get("values") or []
    if operator == "Exists":
        return bool(name)
    if operator == "DoesNotExist":
        return not name
    return (name in values) if operator == "In" else (name not in values)


def _reaches_other_namespaces(spec: Object) -> bool:
    for part in ("podAffinity", "podAntiAffinity"):
        for field in _TERMS:
            for entry in get_path(spec, "affinity", part, field, default=[]):
                term = entry.get("podAffinityTerm") or entry
                if term.get("namespaces") or term.get("namespaceSelector") is not None:
                    return True
    return False
