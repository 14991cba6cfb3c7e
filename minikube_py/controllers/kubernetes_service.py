"""Keeps `kubernetes` in `default` right: the Service by which Pods find the API server.

It has no selector, so nobody else says where it leads: here it leads to the API server's own
socket, in Endpoints and
in an EndpointSlice, also after somebody deleted or changed them.
"""

from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.kinds.catalog import ENDPOINT_SLICE, ENDPOINTS, SERVICE
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import AlreadyExists, NotFound
from minikube_py.meta.objects import Key, Object, key_of
from minikube_py.resources.resources import Resources

_NAMESPACE, _NAME = "default", "kubernetes"
_KEY = Key(f"{_NAMESPACE}/{_NAME}")
_SKIP_MIRROR = {"endpointslice.kubernetes.io/skip-mirror": "true"}


def new_kubernetes_service_controller(
    resources: Resources, informers: Informers, *, cluster_ip: str, address: str, port: int
) -> Controller:
    """`address` and `port` are where Pods reach the API server, `cluster_ip` is the Service's."""
    wanted = [
        (SERVICE, _service(cluster_ip, port)),
        (ENDPOINTS, _endpoints(address, port)),
        (ENDPOINT_SLICE, _endpoint_slice(address, port)),
    ]

    async def reconcile(_key: Key) -> None:
        for kind, obj in wanted:
            await _ensure(resources, kind, obj)

    controller = Controller("kubernetes-service", reconcile, workers=1)
    for kind, _ in wanted:
        controller.watches(informers.of(kind), lambda obj: [_KEY] if key_of(obj) == _KEY else [])
    controller.enqueue(_KEY)
    return controller


async def _ensure(resources: Resources, kind: Kind, wanted: Object) -> None:
    def change(obj: Object) -> None:
        for part in ("spec", "subsets", "addressType", "endpoints", "ports"):
            if part in wanted:
                obj[part] = (
                    {**obj.get(part, {}), **wanted[part]} if part == "spec" else wanted[part]
                )
        labels = wanted["metadata"].get("labels")
        if labels:
            obj["metadata"]["labels"] = {**(obj["metadata"].get("labels") or {}), **labels}

    try:
        await resources.modify(kind, _NAMESPACE, _NAME, change)
    except NotFound:
        try:
            await resources.create(kind, _NAMESPACE, wanted)
        except AlreadyExists:
            return


def _service(cluster_ip: str, port: int) -> Object:
    service = _object("v1", "Service", {"component": "apiserver", "provider": "kubernetes"})
    ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}]
    service["spec"] = {"clusterIP": cluster_ip, "ports": ports}
    return service


def _endpoints(address: str, port: int) -> Object:
    endpoints = _object("v1", "Endpoints", _SKIP_MIRROR)
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    endpoints["subsets"] = [{"addresses": [{"ip": address}], "ports": ports}]
    return endpoints


def _endpoint_slice(address: str, port: int) -> Object:
    slice_ = _object("discovery.k8s.io/v1", "EndpointSlice", {"kubernetes.io/service-name": _NAME})
    slice_["addressType"] = "IPv4"
    slice_["endpoints"] = [{"addresses": [address], "conditions": {"ready": True}}]
    slice_["ports"] = [{"name": "https", "port": port, "protocol": "TCP"}]
    return slice_


def _object(api_version: str, kind: str, labels: dict[str, str]) -> Object:
    metadata = {"name": _NAME, "namespace": _NAMESPACE, "labels": dict(labels)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}
