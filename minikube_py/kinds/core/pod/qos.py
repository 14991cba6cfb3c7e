"""The quality-of-service class of a Pod (component-helpers' qos): who is killed first."""

from collections.abc import Mapping
from typing import Any, Literal

from minikube_py.meta.quantity import parse_quantity

QosClass = Literal["Guaranteed", "Burstable", "BestEffort"]
_COUNTED = ("cpu", "memory")


def qos_class(spec: Mapping[str, Any]) -> QosClass:
    """From requests and limits of cpu and memory, of the Pod's own resources when it has them."""
    pod_level = spec.get("resources")
    if pod_level and (pod_level.get("requests") or pod_level.get("limits")):
        sources = [pod_level]
    else:
        containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
        sources = [container.get("resources") or {} for container in containers]
    counted = [(_of(source, "requests"), _of(source, "limits")) for source in sources]
    if not any(requests or limits for requests, limits in counted):
        return "BestEffort"
    if all(
        set(limits) == set(_COUNTED) and (requests or limits) == limits
        for requests, limits in counted
    ):
        return "Guaranteed"
    return "Burstable"


def _of(resources: Mapping[str, Any], field: str) -> dict[str, Any]:
    listed = resources.get(field) or {}
    parsed = {name: parse_quantity(listed[name]) for name in _COUNTED if name in listed}
    return {name: value for name, value in parsed.items() if value > 0}
