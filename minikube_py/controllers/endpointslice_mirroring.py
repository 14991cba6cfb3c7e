"""Copies Endpoints that somebody wrote by hand into EndpointSlices, which is what proxies read.

Only for Services without a selector: a database outside of the cluster, for example.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from minikube_py.control_loop.children import is_because_namespace_ends
from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import ENDPOINT_SLICE, ENDPOINTS, SERVICE
from minikube_py.meta.errors import AlreadyExists, ApiError, Conflict, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    get_path,
    is_deleting,
    key_of,
    labels_of,
    make_key,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
_LEADER = "control-plane.alpha.kubernetes.io/leader"
_MOST_ADDRESSES = 1000  # of one subset, as Kubernetes' own default


def new_endpointslice_mirroring_controller(
    resources: Resources, informers: Informers, _recorder: Recorder, _clock: Clock
) -> Controller:
    mirror = _Mirror(
        resources,
        informers.of(SERVICE),
        informers.of(ENDPOINTS),
        informers.of(ENDPOINT_SLICE),
    )
    controller = Controller("endpointslice-mirroring", mirror.reconcile, workers=1)
    for kind in (SERVICE, ENDPOINTS):
        controller.watches(informers.of(kind))
    controller.watches(informers.of(ENDPOINT_SLICE), _mirrored_for)
    return controller


def mirrored(endpoints: Object) -> dict[str, Object]:
    """Slices by name, one a subset and address family, without what only the API knows."""
    slices = {}
    for number, subset in enumerate(endpoints.get("subsets") or []):
        for family in ("IPv4", "IPv6"):
            content = _slice_content(subset, family)
            if content["endpoints"]:
                name = f"{name_of(endpoints)}-mirror-{number}-{family.lower()}"
                slices[name] = content
    return slices


class _Mirror:
    def __init__(
        self, resources: Resources, services: Informer, endpoints: Informer, slices: Informer
    ) -> None:
        self._resources = resources
        self._services = services
        self._endpoints = endpoints
        self._slices = slices
        slices.add_index("mirrored", _mirrored_for)

    async def reconcile(self, key: Key) -> None:
        service, endpoints = self._services.get(key), self._endpoints.get(key)
        wanted: dict[str, Object] = {}
        if endpoints is not None and service is not None and _is_by_hand(service, endpoints):
            wanted = mirrored(endpoints)
        for slice_ in self._slices.by_index("mirrored", key):
            if name_of(slice_) not in wanted:
                await self._remove(slice_)
        for name, content in wanted.items():
            assert endpoints is not None
            await self._write(endpoints, name, content)

    async def _write(self, endpoints: Object, name: str, content: Object) -> None:
        namespace = namespace_of(endpoints)
        labels = {
            **{key: value for key, value in labels_of(endpoints).items() if key != MANAGED_BY},
            SERVICE_NAME: name_of(endpoints),
            MANAGED_BY: MANAGER,
        }

        def change(fresh: Object) -> None:
            fresh["metadata"]["labels"] = labels
            fresh.update(content)

        body = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": labels,
                "ownerReferences": [owner_reference(endpoints)],
            },
            **content,
        }
        try:
            if self._resources.get_or_none(ENDPOINT_SLICE, namespace, name) is None:
                written = (await self._resources.create(ENDPOINT_SLICE, namespace, body)).object
            else:
                written = await self._resources.modify(ENDPOINT_SLICE, namespace, name, change)
        except (NotFound, AlreadyExists):
            raise Conflict(f"slice {name!r} came or went meanwhile") from None
        except ApiError as error:
            if is_because_namespace_ends(error):
                return
            raise
        await self._slices.observed(written)

    async def _remove(self, slice_: Object) -> None:
        options = DeleteOptions(uid=uid_of(slice_))
        try:
            await self._resources.delete(
                ENDPOINT_SLICE, namespace_of(slice_), name_of(slice_), options
            )
        except (NotFound, Conflict):
            return
        await self._slices.until(key_of(slice_), lambda seen: seen is None)


def _is_by_hand(service: Object, endpoints: Object) -> bool:
    annotations = get_path(endpoints, "metadata", "annotations", default={})
    return not (
        get_path(service, "spec", "selector")
        or is_deleting(service)
        or labels_of(endpoints).get(SKIP) == "true"
        or _LEADER in annotations
    )


def _mirrored_for(slice_: Object) -> list[Key]:
    labels = labels_of(slice_)
    if labels.get(MANAGED_BY) != MANAGER or not labels.get(SERVICE_NAME):
        return []
    return [make_key(namespace_of(slice_), labels[SERVICE_NAME])]


def _slice_content(subset: Mapping[str, Any], family: str) -> Object:
    endpoints = []
    for field, ready in (("addresses", True), ("notReadyAddresses", False)):
        endpoints += [
            _endpoint(address, ready)
            for address in subset.get(field) or []
            if ip_address(address["ip"]).version == (4 if family == "IPv4" else 6)
        ]
    ports = [
        {
            "name": port.get("name") or "",
            "port": port["port"],
            "protocol": port.get("protocol") or "TCP",
            **({"appProtocol": port["appProtocol"]} if port.get("appProtocol") else {}),
        }
        for port in subset.get("ports") or []
    ]
    return {"addressType": family, "endpoints": endpoints[:_MOST_ADDRESSES], "ports": ports}


def _endpoint(address: Mapping[str, Any], ready: bool) -> Object:
    endpoint: Object = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    for field in ("hostname", "nodeName", "targetRef"):
        if address.get(field):
            endpoint[field] = address[field]
    return endpoint
