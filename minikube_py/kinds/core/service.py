"""A Service: a stable name, address and port in front of Pods."""

from collections.abc import Mapping, Sequence

from minikube_py.kinds.columns import AGE, NAME, NONE, from_object, from_path, joined, labels_text
from minikube_py.kinds.core.service_validation import validate_create, validate_update
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.names import dns1035_problem
from minikube_py.meta.objects import Object, get_path

_CLIENT_IP_SECONDS = 10800
_WITH_CLUSTER_IP = ("ClusterIP", "NodePort", "LoadBalancer")
_WITH_NODE_PORTS = ("NodePort", "LoadBalancer")


def default_service(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    _default(spec, "type", "ClusterIP")
    _default_affinity(spec)
    for port in spec.get("ports") or []:
        _default(port, "protocol", "TCP")
        if not port.get("targetPort"):
            port["targetPort"] = port.get("port", 0)
    if spec["type"] in _WITH_CLUSTER_IP:
        _default(spec, "internalTrafficPolicy", "Cluster")
        _default_families(spec)
    if spec["type"] in _WITH_NODE_PORTS or spec.get("externalIPs"):
        _default(spec, "externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is None:
        spec["allocateLoadBalancerNodePorts"] = True


def _default_affinity(spec: Object) -> None:
    _default(spec, "sessionAffinity", "None")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif get_path(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds") is None:
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": _CLIENT_IP_SECONDS}}


def _default_families(spec: Object) -> None:
    """The cluster's pods and services have IPv4 addresses only."""
    _default(spec, "ipFamilyPolicy", "SingleStack")
    _default(spec, "ipFamilies", ["IPv4"])
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]


def _default(holder: Object, field: str, value: object) -> None:
    if not holder.get(field):
        holder[field] = value


def prepare(new: Object, old: Object | None) -> None:
    """Keeps allocated addresses and ports that an update leaves out, as `kubectl apply` does."""
    if old is None:
        new["status"] = {"loadBalancer": {}}
        return
    new["status"] = old.get("status") or {"loadBalancer": {}}
    fresh, stored = new.get("spec") or {}, old.get("spec") or {}
    _drop_what_type_lost(fresh, stored)
    if fresh.get("type") in _WITH_CLUSTER_IP and stored.get("type") in _WITH_CLUSTER_IP:
        if not fresh.get("clusterIP") and not fresh.get("clusterIPs"):
            _carry(fresh, stored, ("clusterIP", "clusterIPs"))
        elif not fresh.get("clusterIP") or fresh.get("clusterIP") == stored.get("clusterIP"):
            _carry(fresh, stored, ("clusterIP",))
            if not fresh.get("clusterIPs"):
                _carry(fresh, stored, ("clusterIPs",))
    if fresh.get("type") in _WITH_NODE_PORTS and stored.get("type") in _WITH_NODE_PORTS:
        _carry_node_ports(fresh.get("ports") or [], stored.get("ports") or [])
    is_local = fresh.get("externalTrafficPolicy") == "Local"
    if fresh.get("type") == "LoadBalancer" and is_local and not fresh.get("healthCheckNodePort"):
        _carry(fresh, stored, ("healthCheckNodePort",))


def _carry(fresh: Object, stored: Object, fields: Sequence[str]) -> None:
    for field in fields:
        if field in stored:
            fresh[field] = stored[field]


def _carry_node_ports(fresh: Sequence[Object], stored: Sequence[Object]) -> None:
    taken = {port.get("nodePort") for port in fresh}
    known = {(port.get("port"), port.get("protocol")): port.get("nodePort") for port in stored}
    for port in fresh:
        node_port = known.get((port.get("port"), port.get("protocol")))
        if not port.get("nodePort") and node_port and node_port not in taken:
            port["nodePort"] = node_port


def _drop_what_type_lost(fresh: Object, stored: Object) -> None:
    """A type that needs no address or node port gives up those it was sent back with."""
    if stored.get("type") in _WITH_CLUSTER_IP and fresh.get("type") == "ExternalName":
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if fresh.get(field) == stored.get(field):
                fresh.pop(field, None)
        fresh.pop("internalTrafficPolicy", None)
    if stored.get("type") in _WITH_NODE_PORTS and fresh.get("type") not in _WITH_NODE_PORTS:
        for new, old in zip(fresh.get("ports") or [], stored.get("ports") or [], strict=False):
            if new.get("nodePort") == old.get("nodePort"):
                new.pop("nodePort", None)
        if not fresh.get("externalIPs"):
            fresh.pop("externalTrafficPolicy", None)


def selectable_fields(obj: Object) -> Mapping[str, str]:
    spec = obj.get("spec") or {}
    return {"spec.clusterIP": spec.get("clusterIP") or "", "spec.type": spec.get("type") or ""}


def _external_ip(obj: Object) -> str:
    spec = obj.get("spec") or {}
    external = list(spec.get("externalIPs") or [])
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName") or NONE)
    if spec.get("type") == "LoadBalancer":
        entries = get_path(obj, "status", "loadBalancer", "ingress", default=[])
        addresses = [entry.get("ip") or entry.get("hostname") or "" for entry in entries]
        return joined(addresses + external, empty="<pending>")
    return joined(external)


def _ports(obj: Object) -> str:
    texts = []
    for port in get_path(obj, "spec", "ports", default=[]):
        text = str(port.get("port"))
        if port.get("nodePort"):
            text += f":{port['nodePort']}"
        texts.append(f"{text}/{port.get('protocol', 'TCP')}")
    return joined(texts)


KIND = Kind(
    group="",
    version="v1",
    kind="Service",
    plural="services",
    columns=(
        NAME,
        Column("Type", from_path("spec", "type"), description="How the Service is exposed."),
        Column(
            "Cluster-IP",
            from_object(lambda obj: get_path(obj, "spec", "clusterIP", default="") or NONE),
            description="The Service's address inside the cluster.",
        ),
        Column(
            "External-IP",
            from_object(_external_ip),
            description="Addresses outside the cluster.",
        ),
        Column("Port(s)", from_object(_ports), description="Ports that the Service exposes."),
        AGE,
        Column(
            "Selector",
            from_object(lambda obj: labels_text(get_path(obj, "spec", "selector"))),
            priority=1,
            description="Labels of the pods that traffic goes to.",
        ),
    ),
    short_names=("svc",),
    categories=("all",),
    has_generation=False,
    subresources=("proxy",),
    name_problem=dns1035_problem,
    default=default_service,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
    selectable_fields=selectable_fields,
)
