"""What all containers of a Pod ask for together, as exact quantities.

Pure (component-helpers' resource.PodRequests and PodLimits): what runs at the same time is added
up, and an init container counts where it needs more than that. Quotas and limit ranges count so,
and the scheduler, in whole numbers.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from minikube_py.kinds.pod_template.needed_at_once import add, merge, needed_at_once
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import parse_quantity

__all__ = [
    "Field",
    "Quantities",
    "add",
    "container_totals",
    "merge",
    "needed_at_once",
    "parsed",
    "pod_totals",
]

Quantities = dict[str, Decimal]
Field = Literal["requests", "limits"]


def parsed(quantities: Mapping[str, Any] | None) -> Quantities:
    return {name: parse_quantity(value) for name, value in (quantities or {}).items()}


def container_totals(pod: Object, field: Field) -> Quantities:
    """Without the Pod's own resources and its overhead."""
    return needed_at_once(pod, lambda container: _of(container, field))


def pod_totals(pod: Object, field: Field) -> Quantities:
    """All that is held against the Pod: its own resources win over its containers', and overhead
    comes on top (of limits only where there is one).
    """
    totals = container_totals(pod, field)
    totals.update(parsed(get_path(pod, "spec", "resources", field)))
    overhead = parsed(get_path(pod, "spec", "overhead"))
    if field == "limits":
        overhead = {name: value for name, value in overhead.items() if totals.get(name)}
    add(totals, overhead)
    return totals


def _of(container: Mapping[str, Any], field: Field) -> Quantities:
    return parsed((container.get("resources") or {}).get(field))
