"""Amounts of a Pod's containers, added up as they are needed: what runs at the same time together,
an init container where it needs more than that. Pure (component-helpers' resource.PodRequests).
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from minikube_py.meta.objects import Object

Number = TypeVar("Number", int, Decimal)


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


def add(total: dict[str, Number], more: Mapping[str, Number]) -> None:
    merge(total, more.items(), operator.add)


def merge(
    total: dict[str, Number],
    more: Iterable[tuple[str, Number]],
    join: Callable[[Number, Number], Number],
) -> None:
    for name, value in more:
        total[name] = join(total[name], value) if name in total else value
