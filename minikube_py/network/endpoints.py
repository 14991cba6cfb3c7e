"""Which pods answer for a Service's port, as its EndpointSlices say. Pure.

Which endpoints count follows KEP-1669: the ready ones, or, when there is none, those that still
serve while they terminate.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from minikube_py.meta.objects import Key, Object, get_path, labels_of

SERVICE_LABEL = "kubernetes.io/service-name"
BY_SERVICE = "service"
"""The index of slices by the Service they belong to; `services_of` fills it."""
BY_POD = "pod uid"
"""The index of slices by the pods they have; `pods_of` fills it."""


@dataclass(frozen=True, order=True)
class Endpoint:
    """Where one pod answers."""

    ip: str
    port: int


def service_key_of(endpoint_slice: Object) -> Key:
    """The Service a slice belongs to; a key no Service has when it belongs to none."""
    namespace = get_path(endpoint_slice, "metadata", "namespace", default="")
    return Key(f"{namespace}/{labels_of(endpoint_slice).get(SERVICE_LABEL, '')}")


def services_of(endpoint_slice: Object) -> tuple[Key]:
    return (service_key_of(endpoint_slice),)


def pods_of(endpoint_slice: Object) -> set[str]:
    """Uids."""
    endpoints = endpoint_slice.get("endpoints") or []
    return {str(get_path(each, "targetRef", "uid", default="")) for each in endpoints} - {""}


def is_staying(pod_uid: str, endpoint_slice: Object) -> bool:
    """The slice says that the pod gets requests, and nothing of its end."""
    for endpoint in endpoint_slice.get("endpoints") or []:
        conditions = endpoint.get("conditions") or {}
        if get_path(endpoint, "targetRef", "uid") == pod_uid:
            return conditions.get("ready") is not False and not conditions.get("terminating")
    return False


def endpoints_of(port: Mapping[str, object], slices: Iterable[Object]) -> tuple[Endpoint, ...]:
    """Who answers on a Service's port now, sorted."""
    ready: set[Endpoint] = set()
    leaving: set[Endpoint] = set()
    for endpoint_slice in slices:
        number = _target_port(port, endpoint_slice)
        if number is None or endpoint_slice.get("addressType", "IPv4") != "IPv4":
            continue
        for endpoint in endpoint_slice.get("endpoints") or []:
            conditions = endpoint.get("conditions") or {}
            where = {Endpoint(ip, number) for ip in endpoint.get("addresses") or []}
            if conditions.get("ready") is not False:
                ready |= where
            elif conditions.get("serving") and conditions.get("terminating"):
                leaving |= where
    return tuple(sorted(ready or leaving))


def _target_port(port: Mapping[str, object], endpoint_slice: Object) -> int | None:
    """Slices carry the Service port's name and protocol with the pods' own number."""
    for target in endpoint_slice.get("ports") or []:
        same_name = (target.get("name") or "") == (port.get("name") or "")
        same_protocol = target.get("protocol", "TCP") == port.get("protocol", "TCP")
        if same_name and same_protocol and target.get("port"):
            return int(target["port"])
    return None
