"""A Service: a stable name, address and port in front of Pods."""

from collections.abc import Mapping

from minikube_py.kinds.columns import AGE, NAME, NONE, from_object, from_path, joined, labels_text
from minikube_py.kinds.core.service_validation import validate_create, validate_update
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.names import dns1035_problem
from minikube_py.meta.objects import Object, get_path

_CLIENT_IP_SECONDS = 10800
_WITH_CLUSTER_IP = ("ClusterIP", "NodePort", "LoadBalancer")
_WITH_NODE_PORTS = ("NodePort", "LoadBalancer")
_ONLY_FOR = {
    "ipFamilies": _WITH_CLUSTER_IP,
    "ipFamilyPolicy": _WITH_CLUSTER_IP,
    "internalTrafficPolicy": _WITH_CLUSTER_IP,
    "externalTrafficPolicy": _WITH_NODE_PORTS,
    "allocateLoadBalancerNodePorts": ("LoadBalancer",),
    "loadBalancerClass": ("LoadBalancer",),
}


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
    """A change of type gives up what the new type has no use for, when it was only sent back.

    Addresses and ports that an update leaves out are carried over by the allocator.
    """
    if old is None:
        new["status"] = {"loadBalancer": {}}
        return
    fresh, stored = new.get("spec") or {}, old.get("spec") or {}
    for field, types in _ONLY_FOR.items():
        serves = fresh.get("type") in types or (
            field == "externalTrafficPolicy" and fresh.get("externalIPs")
        )
        if not serves and stored.get("type") in types and fresh.get(field) == stored.get(field):
            fresh.pop(field, None)


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
