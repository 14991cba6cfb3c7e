"""Which pods stand behind a Service, at which addresses, ports and host names.

Pure; EndpointSlices and the older Endpoints must tell the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from minikube_py.control_loop.informer import Informer
from minikube_py.meta.objects import (
    Key,
    Object,
    get_path,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.meta.selectors import from_map

_FINISHED = ("Succeeded", "Failed")
_NOT_COPIED_LABELS = frozenset(
    {
        "kubernetes.io/service-name",
        "endpointslice.kubernetes.io/managed-by",
        "service.kubernetes.io/headless",
        "endpoints.kubernetes.io/managed-by",
    }
)


@dataclass(frozen=True, order=True)
class BackendPort:
    """One port of a Service as it is on a pod."""

    name: str
    port: int
    protocol: str = "TCP"
    app_protocol: str = ""

    def as_object(self) -> Object:
        port: Object = {"name": self.name, "port": self.port, "protocol": self.protocol}
        if self.app_protocol:
            port["appProtocol"] = self.app_protocol
        return port


def selects_pods(service: Object) -> bool:
    """Its endpoints follow from pods; without a selector somebody else writes them."""
    spec = service.get("spec") or {}
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def is_headless(service: Object) -> bool:
    return bool(get_path(service, "spec", "clusterIP") == "None")


def publishes_unready(service: Object) -> bool:
    return bool(get_path(service, "spec", "publishNotReadyAddresses"))


def families_of(service: Object) -> list[str]:
    return list(get_path(service, "spec", "ipFamilies", default=[])) or ["IPv4"]


def backends_of(service: Object, pods: Informer) -> list[Object]:
    """Pods that have an address and have not ended, in the order of their names."""
    selector = from_map(get_path(service, "spec", "selector"))
    if selector is None:
        return []
    found = [
        pod
        for pod in pods.list(namespace_of(service), selector)
        if get_path(pod, "status", "phase") not in _FINISHED and get_path(pod, "status", "podIP")
    ]
    return sorted(found, key=name_of)


def services_of(pod: Object, services: Informer) -> Iterator[Key]:
    """The Services whose endpoints may have this pod."""
    for service in services.list(namespace_of(pod)):
        selector = from_map(get_path(service, "spec", "selector"))
        if selector is not None and selector.matches(labels_of(pod)):
            yield key_of(service)


def ports_on(service: Object, pod: Object) -> tuple[BackendPort, ...]:
    """The Service's ports; a named target port is looked up in this pod, and left out if it has
    none of that name.
    """
    found = []
    for port in get_path(service, "spec", "ports", default=[]):
        protocol = port.get("protocol", "TCP")
        number = _target(port.get("targetPort", port["port"]), protocol, pod)
        if number is not None:
            app_protocol = port.get("appProtocol") or ""
            found.append(BackendPort(port.get("name") or "", number, protocol, app_protocol))
    return tuple(found)


def address_of(pod: Object, family: str) -> str | None:
    addresses = [each.get("ip") for each in get_path(pod, "status", "podIPs", default=[])]
    addresses = addresses or [get_path(pod, "status", "podIP")]
    version = 6 if family == "IPv6" else 4
    return next((each for each in addresses if each and ip_address(each).version == version), None)


def hostname_in(service: Object, pod: Object) -> str:
    """The pod's own name under the Service's, "" when it has none there."""
    spec = pod.get("spec") or {}
    return str(spec.get("hostname") or "") if spec.get("subdomain") == name_of(service) else ""


def pod_reference(pod: Object) -> Object:
    return {
        "kind": "Pod",
        "namespace": namespace_of(pod),
        "name": name_of(pod),
        "uid": uid_of(pod),
    }


def inherited_labels(service: Object) -> dict[str, str]:
    """The Service's labels, but for those the endpoint controllers own."""
    labels = {
        key: value for key, value in labels_of(service).items() if key not in _NOT_COPIED_LABELS
    }
    if is_headless(service):
        labels["service.kubernetes.io/headless"] = ""
    return labels


def _target(target: int | str, protocol: str, pod: Object) -> int | None:
    if isinstance(target, int):
        return target
    if target.isdigit():
        return int(target)
    spec = pod.get("spec") or {}
    sidecars = [
        container
        for container in spec.get("initContainers") or []
        if container.get("restartPolicy") == "Always"
    ]
    for container in [*(spec.get("containers") or []), *sidecars]:
        for port in container.get("ports") or []:
            if port.get("name") == target and port.get("protocol", "TCP") == protocol:
                return int(port["containerPort"])
    return None
