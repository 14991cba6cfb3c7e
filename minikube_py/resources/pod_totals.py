"""What all containers of a Pod ask for together, as exact quantities.

Pure (component-helpers' resource.PodRequests and PodLimits): what runs at the same time is added
up, and an init container counts where it needs more than that. Quotas and limit ranges count so,
and the scheduler, in whole numbers.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal, TypeVar

from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import parse_quantity

Quantities = dict[str, Decimal]
Field = Literal["requests", "limits"]
Number = TypeVar("Number", int, Decimal)


def parsed(quantities: Mapping[str, Any] | None) -> Quantities:
    return {name: parse_quantity(value) for name, value in (quantities or {}).items()}


def container_totals(pod: Object, field: Field) -> Quantities:
    """Without the Pod's own resources and its overhead."""
    return needed_at_once(pod, lambda container: _of(container, field))


def needed_at_once(
    pod: Object, amounts_of: Callable[[Mapping[str, Any]], dict[str, Number]]
) -> dict[str, Number]:
    """The larger of what runs together and of each init container beside the sidecars before."""
    spec = pod.get("spec") or {}
    running: dict[str, Number] = {}
    for container in spec.get("containers") or []:
        add(running, amounts_of(container))
    sidecars: dict[str, Number] = {}
    starting: dict[str, Number] = {}
    for container in spec.get("initContainers") or []:
        own = amounts_of(container)
        if container.get("restartPolicy") == "Always":
            add(sidecars, own)
            peak = sidecars
        else:
            peak = dict(sidecars)
            add(peak, own)
        merge(starting, peak.items(), max)
    add(running, sidecars)
    merge(running, starting.items(), max)
    return running


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


def add(total: dict[str, Number], more: Mapping[str, Number]) -> None:
    merge(total, more.items(), operator.add)


def merge(
    total: dict[str, Number],
    more: Iterable[tuple[str, Number]],
    join: Callable[[Number, Number], Number],
) -> None:
    for name, value in more:
        total[name] = join(total[name], value) if name in total else value


def _of(container: Mapping[str, Any], field: Field) -> Quantities:
    return parsed((container.get("resources") or {}).get(field))
