"""Taints and tolerations, as the scheduler and the eviction of pods must agree on them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from minikube_py.meta.objects import Object, find_condition, get_path

Taint = Mapping[str, Any]
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_BY_CONDITION = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
STATE_KEYS = frozenset({NOT_READY, UNREACHABLE, UNSCHEDULABLE, *_BY_CONDITION.values()})
"""Those that say what state the node is in: whoever writes them also takes them away."""


def taints_of(node: Object) -> list[Taint]:
    """Those in its spec, and those its state means until somebody writes them there."""
    taints: list[Taint] = list(get_path(node, "spec", "taints", default=[]))
    have = {taint.get("key") for taint in taints}
    implied = state_keys(node)
    if find_condition(node, "Ready") is None:
        implied.append(NOT_READY)
    return taints + [{"key": key, "effect": "NoSchedule"} for key in implied if key not in have]


def state_keys(node: Object) -> list[str]:
    """What the node's conditions and its cordon keep new pods away for."""
    keys = [UNSCHEDULABLE] if get_path(node, "spec", "unschedulable") else []
    if silent := silence(node):
        keys.append(silent)
    for type_, key in _BY_CONDITION.items():
        condition = find_condition(node, type_)
        if condition is not None and condition.get("status") == "True":
            keys.append(key)
    return keys


def silence(node: Object) -> str:
    """The taint of a node that is not ready or unreachable; "" for one that is well, or has not
    said anything yet.
    """
    ready = find_condition(node, "Ready")
    if ready is None or ready.get("status") == "True":
        return ""
    return UNREACHABLE if ready.get("status") == "Unknown" else NOT_READY


def tolerates(pod: Object, taint: Taint) -> bool:
    return bool(matching_tolerations(pod, taint))


def matching_tolerations(pod: Object, taint: Taint) -> Sequence[Mapping[str, Any]]:
    return [
        toleration
        for toleration in get_path(pod, "spec", "tolerations", default=[])
        if _covers(toleration, taint)
    ]


def _covers(toleration: Mapping[str, Any], taint: Taint) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    key = toleration.get("key") or ""
    if key and key != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(key) and (toleration.get("value") or "") == (taint.get("value") or "")
