"""What a pod takes of a node: resources as the sum Kubernetes forms, and ports of the host.

Pure (component-helpers' resource.PodRequests). CPU counts in thousandths, the rest in whole units.
"""

from collections.abc import Mapping
from typing import Any

from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import parse_quantity, to_bytes, to_milli
from minikube_py.resources.pod_totals import add, needed_at_once

Amounts = dict[str, int]
HostPort = tuple[str, str, int]
"""(address, protocol, port); address 0.0.0.0 takes the port on all of them."""

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # compared, never listened on
_DEFAULT_CPU_MILLI = 100
_DEFAULT_MEMORY = 200 * 1024 * 1024


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    return {
        name: to_milli(parse_quantity(value)) if name == "cpu" else to_bytes(parse_quantity(value))
        for name, value in (quantities or {}).items()
    }


def pod_requests(pod: Object) -> Amounts:
    """The Pod's own requests win over its containers', and overhead comes on top."""
    total = needed_at_once(pod, _container_requests)
    total.update(amounts(get_path(pod, "spec", "resources", "requests")))
    add(total, amounts(get_path(pod, "spec", "overhead")))
    return total


def with_least(requests: Amounts) -> Amounts:
    """For scores only: a pod that asks for nothing still weighs something."""
    return {
        **requests,
        "cpu": requests.get("cpu") or _DEFAULT_CPU_MILLI,
        "memory": requests.get("memory") or _DEFAULT_MEMORY,
    }


def host_ports(pod: Object) -> list[HostPort]:
    spec = pod.get("spec") or {}
    containers = [
        *(spec.get("containers") or []),
        *(
            container
            for container in spec.get("initContainers") or []
            if container.get("restartPolicy") == "Always"
        ),
    ]
    return [
        (port.get("hostIP") or EVERY_ADDRESS, port.get("protocol", "TCP"), port["hostPort"])
        for container in containers
        for port in container.get("ports") or []
        if port.get("hostPort")
    ]


def ports_collide(one: HostPort, other: HostPort) -> bool:
    same_address = one[0] == other[0] or EVERY_ADDRESS in (one[0], other[0])
    return same_address and one[1:] == other[1:]


def _container_requests(container: Mapping[str, Any]) -> Amounts:
    resources = container.get("resources") or {}
    # A limit without a request is the request; the API fills that in on create, too.
    return {**amounts(resources.get("limits")), **amounts(resources.get("requests"))}
