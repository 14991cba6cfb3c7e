"""The Service `kubernetes` in `default`: where pods find the API. Put right whenever it is not."""

from collections.abc import Callable
from dataclasses import dataclass

from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import ENDPOINT_SLICE, ENDPOINTS, SERVICE
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import AlreadyExists, NotFound
from minikube_py.meta.objects import Key, Object, make_key, name_of, namespace_of
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.resources import Resources

_NAMESPACE, _NAME = "default", "kubernetes"
_KEY = make_key(_NAMESPACE, _NAME)
_OF_OTHER_TYPES = (
    "allocateLoadBalancerNodePorts",
    "externalIPs",
    "externalName",
    "externalTrafficPolicy",
    "loadBalancerClass",
    "loadBalancerSourceRanges",
    "selector",
)


@dataclass(frozen=True)
class ApiAddress:
    """Where the API server listens, as pods reach it; `cluster_ip` "" lets one be allocated."""

    address: str
    port: int
    cluster_ip: str = ""


def new_kubernetes_service_controller(
    resources: Resources,
    informers: Informers,
    _recorder: Recorder,
    _clock: Clock,
    *,
    api: ApiAddress,
) -> Controller:
    keeper = _Keeper(resources, api)
    controller = Controller("kubernetes-service", keeper.reconcile, workers=1)
    for kind in (SERVICE, ENDPOINTS, ENDPOINT_SLICE):
        controller.watches(informers.of(kind), _ours)
    controller.enqueue(_KEY)
    return controller


class _Keeper:
    def __init__(self, resources: Resources, api: ApiAddress) -> None:
        self._resources = resources
        self._api = api

    async def reconcile(self, _key: Key) -> None:
        await self._keep(SERVICE, self._service(), _same_service)
        await self._keep(ENDPOINTS, self._endpoints(), _same_content("subsets"))
        await self._keep(ENDPOINT_SLICE, self._slice(), _same_content("endpoints", "ports"))

    async def _keep(
        self, kind: Kind, wanted: Object, put_right: Callable[[Object, Object], None]
    ) -> None:
        """`put_right` changes what is there to be as wanted; nothing is written if it was."""
        wanted = {"apiVersion": kind.api_version, "kind": kind.kind, **wanted}
        try:
            await self._resources.modify(
                kind, _NAMESPACE, _NAME, lambda fresh: put_right(fresh, wanted)
            )
        except NotFound:
            try:
                await self._resources.create(kind, _NAMESPACE, wanted)
            except AlreadyExists:
                return

    def _service(self) -> Object:
        spec: Object = {
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ports": [
                {"name": "https", "port": 443, "protocol": "TCP", "targetPort": self._api.port}
            ],
        }
        if self._api.cluster_ip:
            spec["clusterIP"] = self._api.cluster_ip
        return {"metadata": _metadata(component="apiserver", provider="kubernetes"), "spec": spec}

    def _endpoints(self) -> Object:
        labels = {"endpointslice.kubernetes.io/skip-mirror": "true"}
        return {
            "metadata": _metadata(**labels),
            "subsets": [
                {"addresses": [{"ip": self._api.address}], "ports": [self._port()]},
            ],
        }

    def _slice(self) -> Object:
        labels = {"kubernetes.io/service-name": _NAME}
        return {
            "metadata": _metadata(**labels),
            "addressType": "IPv4",
            "endpoints": [{"addresses": [self._api.address], "conditions": {"ready": True}}],
            "ports": [self._port()],
        }

    def _port(self) -> Object:
        return {"name": "https", "port": self._api.port, "protocol": "TCP"}


def _metadata(**labels: str) -> Object:
    return {"name": _NAME, "namespace": _NAMESPACE, "labels": labels}


def _same_service(fresh: Object, wanted: Object) -> None:
    fresh["metadata"]["labels"] = {
        **(fresh["metadata"].get("labels") or {}),
        **wanted["metadata"]["labels"],
    }
    spec = fresh["spec"]
    for field in _OF_OTHER_TYPES:
        spec.pop(field, None)
    spec.update(wanted["spec"])


def _same_content(*fields: str) -> Callable[[Object, Object], None]:
    def put_right(fresh: Object, wanted: Object) -> None:
        fresh["metadata"]["labels"] = {
            **(fresh["metadata"].get("labels") or {}),
            **wanted["metadata"]["labels"],
        }
        for field in fields:
            fresh[field] = wanted[field]

    return put_right


def _ours(obj: Object) -> list[Key]:
    ours = (namespace_of(obj), name_of(obj)) == (_NAMESPACE, _NAME)
    return [_KEY] if ours else []
