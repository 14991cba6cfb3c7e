"""Endpoints: the older form of EndpointSlices, one object a Service, for older readers."""

from collections.abc import Sequence

from minikube_py.control_loop.backends import (
    BackendPort,
    address_of,
    backends_of,
    families_of,
    hostname_in,
    inherited_labels,
    pod_reference,
    ports_on,
    publishes_unready,
    selects_pods,
    services_of,
)
from minikube_py.control_loop.children import is_because_namespace_ends
from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.pods import is_ready
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import ENDPOINTS, POD, SERVICE
from minikube_py.meta.errors import ApiError, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    get_path,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    split_key,
)
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.resources import Resources

_MANAGED_BY = "endpoints.kubernetes.io/managed-by"
_MANAGER = "endpoint-controller"
_MAX_ADDRESSES = 1000


def new_endpoints_controller(
    resources: Resources, informers: Informers, _recorder: Recorder, _clock: Clock
) -> Controller:
    services, pods = informers.of(SERVICE), informers.of(POD)
    endpoints = informers.of(ENDPOINTS)
    reconciler = _Reconciler(resources, services, pods, endpoints)
    controller = Controller("endpoints", reconciler.reconcile)
    controller.watches(services)
    controller.watches(pods, lambda pod: services_of(pod, services))
    controller.watches(endpoints)
    return controller


def subsets(service: Object, pods: Sequence[Object]) -> list[Object]:
    """Pods with the same ports share a subset; pods on their way out are in none."""
    by_ports: dict[tuple[BackendPort, ...], tuple[list[Object], list[Object]]] = {}
    family = families_of(service)[0]
    for pod in pods[:_MAX_ADDRESSES]:
        address = address_of(pod, family)
        if address is None or (is_deleting(pod) and not publishes_unready(service)):
            continue
        ready, waiting = by_ports.setdefault(ports_on(service, pod), ([], []))
        entry = _entry(service, pod, address)
        (ready if publishes_unready(service) or is_ready(pod) else waiting).append(entry)
    return [_subset(ports, ready, waiting) for ports, (ready, waiting) in sorted(by_ports.items())]


class _Reconciler:
    def __init__(
        self, resources: Resources, services: Informer, pods: Informer, endpoints: Informer
    ) -> None:
        self._resources = resources
        self._services = services
        self._pods = pods
        self._endpoints = endpoints

    async def reconcile(self, key: Key) -> None:
        service, there = self._services.get(key), self._endpoints.get(key)
        namespace, name = split_key(key)
        if service is None:
            if there is not None and labels_of(there).get(_MANAGED_BY) == _MANAGER:
                await self._remove(there)
            return
        if not selects_pods(service) or is_deleting(service):
            return
        labels = {**inherited_labels(service), _MANAGED_BY: _MANAGER}
        wanted = subsets(service, backends_of(service, self._pods))
        if there is not None:
            if (there.get("subsets") or [], labels_of(there)) != (wanted, labels):
                await self._change(there, wanted, labels)
            return
        body = {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "subsets": wanted,
        }
        try:
            written = await self._resources.create(ENDPOINTS, namespace, body)
        except ApiError as error:
            if is_because_namespace_ends(error):
                return
            raise
        await self._endpoints.observed(written.object)

    async def _change(self, there: Object, wanted: list[Object], labels: dict[str, str]) -> None:
        def change(fresh: Object) -> None:
            fresh["subsets"] = wanted
            fresh["metadata"]["labels"] = labels

        namespace, name = namespace_of(there), name_of(there)
        changed = await self._resources.modify(ENDPOINTS, namespace, name, change)
        await self._endpoints.observed(changed)

    async def _remove(self, there: Object) -> None:
        try:
            await self._resources.delete(ENDPOINTS, namespace_of(there), name_of(there))
        except NotFound:
            return
        await self._endpoints.until(key_of(there), lambda seen: seen is None)


def _entry(service: Object, pod: Object, address: str) -> Object:
    entry: Object = {"ip": address, "targetRef": pod_reference(pod)}
    if node := get_path(pod, "spec", "nodeName"):
        entry["nodeName"] = node
    if hostname := hostname_in(service, pod):
        entry["hostname"] = hostname
    return entry


def _subset(ports: tuple[BackendPort, ...], ready: list[Object], waiting: list[Object]) -> Object:
    subset: Object = {}
    if ready:
        subset["addresses"] = sorted(ready, key=lambda entry: str(entry["ip"]))
    if waiting:
        subset["notReadyAddresses"] = sorted(waiting, key=lambda entry: str(entry["ip"]))
    if ports:
        subset["ports"] = [port.as_object() for port in ports]
    return subset
