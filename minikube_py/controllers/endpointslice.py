"""EndpointSlices: the addresses behind every Service that selects pods, at most 100 in a slice.

What should be is computed from Service and pods; what is there is changed as little as possible,
since every change of a slice goes to every proxy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

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
from minikube_py.kinds.catalog import ENDPOINT_SLICE, NODE, POD, SERVICE
from minikube_py.meta.errors import ApiError, Conflict, NotFound
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
MANAGER = "endpointslice-controller.k8s.io"
MAX_ENDPOINTS = 100
_BY_SERVICE = "managed for service"
_ZONE = "topology.kubernetes.io/zone"

Group = tuple[str, tuple[BackendPort, ...]]
"""Endpoints that can share a slice: address family and ports."""


@dataclass
class SlicePlan:
    """`changed`: slice name → its endpoints now; `added`: new slices; `removed`: slice names."""

    changed: dict[str, list[Object]] = field(default_factory=dict)
    added: list[tuple[Group, list[Object]]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def new_endpointslice_controller(
    resources: Resources, informers: Informers, _recorder: Recorder, _clock: Clock
) -> Controller:
    services, pods = informers.of(SERVICE), informers.of(POD)
    slices, nodes = informers.of(ENDPOINT_SLICE), informers.of(NODE)
    slices.add_index(_BY_SERVICE, _managed_for)
    reconciler = _Reconciler(resources, services, pods, slices, nodes)
    controller = Controller("endpointslice", reconciler.reconcile, workers=4)
    controller.reads(nodes)
    controller.watches(services)
    controller.watches(pods, lambda pod: services_of(pod, services))
    controller.watches(slices, lambda each: [Key(key) for key in _managed_for(each)])
    return controller


def wanted_endpoints(
    service: Object, pods: Sequence[Object], zones: Mapping[str, str]
) -> dict[Group, list[Object]]:
    """`zones`: node name → zone. A Service without endpoints still has one group per family."""
    groups: dict[Group, list[Object]] = {}
    for family in families_of(service):
        for pod in pods:
            address = address_of(pod, family)
            if address is not None:
                group = (family, ports_on(service, pod))
                endpoint = _endpoint(service, pod, address, zones)
                groups.setdefault(group, []).append(endpoint)
        if not any(group[0] == family for group in groups):
            groups[(family, ())] = []
    return groups


def plan_slices(wanted: Mapping[Group, Sequence[Object]], existing: Sequence[Object]) -> SlicePlan:
    plan = SlicePlan()
    by_group: dict[Group, list[Object]] = {}
    for slice_ in existing:
        by_group.setdefault(_group_of(slice_), []).append(slice_)
    for group, endpoints in wanted.items():
        _plan_group(plan, group, endpoints, by_group.pop(group, []))
    plan.removed += [name_of(slice_) for slices in by_group.values() for slice_ in slices]
    return plan


def _plan_group(
    plan: SlicePlan, group: Group, endpoints: Sequence[Object], slices: Sequence[Object]
) -> None:
    """Endpoints stay in their slice; new ones fill slices that change anyway, then those with
    room.
    """
    missing = {_identity(endpoint): endpoint for endpoint in endpoints}
    kept: dict[str, list[Object]] = {}
    for slice_ in slices:
        old = slice_.get("endpoints") or []
        identities = [_identity(endpoint) for endpoint in old]
        kept[name_of(slice_)] = [missing.pop(each) for each in identities if each in missing]
    old_endpoints = {name_of(slice_): slice_.get("endpoints") or [] for slice_ in slices}
    changes_first = sorted(kept, key=lambda name: (kept[name] == old_endpoints[name], name))
    rest = iter(missing.values())
    for name in changes_first:
        kept[name] += islice(rest, MAX_ENDPOINTS - len(kept[name]))
    while chunk := list(islice(rest, MAX_ENDPOINTS)):
        plan.added.append((group, chunk))
    if not endpoints and not slices:
        plan.added.append((group, []))
    spare = [name for name in sorted(kept) if not kept[name]]
    plan.removed += spare if endpoints else spare[1:]
    for name, content in kept.items():
        if name not in plan.removed and content != old_endpoints[name]:
            plan.changed[name] = content


class _Reconciler:
    def __init__(
        self,
        resources: Resources,
        services: Informer,
        pods: Informer,
        slices: Informer,
        nodes: Informer,
    ) -> None:
        self._resources = resources
        self._services = services
        self._pods = pods
        self._slices = slices
        self._nodes = nodes

    async def reconcile(self, key: Key) -> None:
        service = self._services.get(key)
        existing = list(self._slices.by_index(_BY_SERVICE, key))
        if service is None:
            # The garbage collector would do it, too, but a name must stop answering at once.
            for slice_ in existing:
                await self._remove(slice_)
            return
        if not selects_pods(service) or is_deleting(service):
            return
        zones = {name_of(node): labels_of(node).get(_ZONE, "") for node in self._nodes.list()}
        wanted = wanted_endpoints(service, backends_of(service, self._pods), zones)
        plan = plan_slices(wanted, existing)
        labels = _slice_labels(service)
        try:
            for slice_ in existing:
                await self._change(plan, slice_, labels)
            for group, endpoints in plan.added:
                await self._add(service, group, endpoints)
            for slice_ in existing:
                if name_of(slice_) in plan.removed:
                    await self._remove(slice_)
        except ApiError as error:
            if not is_because_namespace_ends(error):
                raise

    async def _change(self, plan: SlicePlan, slice_: Object, labels: dict[str, str]) -> None:
        name = name_of(slice_)
        if name in plan.removed or (name not in plan.changed and labels_of(slice_) == labels):
            return
        endpoints = plan.changed.get(name, slice_.get("endpoints") or [])

        def change(fresh: Object) -> None:
            fresh["endpoints"] = endpoints
            fresh["metadata"]["labels"] = labels

        changed = await self._resources.modify(ENDPOINT_SLICE, namespace_of(slice_), name, change)
        await self._slices.observed(changed)

    async def _add(self, service: Object, group: Group, endpoints: list[Object]) -> None:
        family, ports = group
        body = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "generateName": f"{name_of(service)}-",
                "namespace": namespace_of(service),
                "labels": _slice_labels(service),
                "ownerReferences": [owner_reference(service)],
            },
            "addressType": family,
            "endpoints": endpoints,
            "ports": [port.as_object() for port in ports],
        }
        written = await self._resources.create(ENDPOINT_SLICE, namespace_of(service), body)
        await self._slices.observed(written.object)

    async def _remove(self, slice_: Object) -> None:
        namespace, name = namespace_of(slice_), name_of(slice_)
        try:
            await self._resources.delete(
                ENDPOINT_SLICE, namespace, name, DeleteOptions(uid=uid_of(slice_))
            )
        except (NotFound, Conflict):
            return
        await self._slices.until(key_of(slice_), lambda seen: seen is None)


def _managed_for(slice_: Object) -> list[str]:
    """The key of the Service a slice of ours belongs to."""
    labels = labels_of(slice_)
    if labels.get(MANAGED_BY) != MANAGER or not labels.get(SERVICE_NAME):
        return []
    return [make_key(namespace_of(slice_), labels[SERVICE_NAME])]


def _endpoint(service: Object, pod: Object, address: str, zones: Mapping[str, str]) -> Object:
    serving, terminating = is_ready(pod), is_deleting(pod)
    ready = publishes_unready(service) or (serving and not terminating)
    endpoint: Object = {
        "addresses": [address],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": pod_reference(pod),
    }
    node = get_path(pod, "spec", "nodeName")
    if node:
        endpoint["nodeName"] = node
        if zones.get(node):
            endpoint["zone"] = zones[node]
    if hostname := hostname_in(service, pod):
        endpoint["hostname"] = hostname
    return endpoint


def _slice_labels(service: Object) -> dict[str, str]:
    return {
        **inherited_labels(service),
        SERVICE_NAME: name_of(service),
        MANAGED_BY: MANAGER,
    }


def _group_of(slice_: Object) -> Group:
    ports = tuple(
        BackendPort(
            port.get("name") or "",
            port.get("port") or 0,
            port.get("protocol") or "TCP",
            port.get("appProtocol") or "",
        )
        for port in slice_.get("ports") or []
    )
    return slice_["addressType"], ports


def _identity(endpoint: Object) -> tuple[str, str]:
    uid = get_path(endpoint, "targetRef", "uid", default="")
    return uid, endpoint["addresses"][0]
