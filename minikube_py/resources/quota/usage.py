"""What one object uses of what quotas count. Pure (kube-apiserver's pkg/quota/v1/evaluator/core).

A usage is resource name → amount; the names are those of a ResourceQuota's `spec.hard`.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from minikube_py.kinds.catalog import PERSISTENT_VOLUME_CLAIM, POD, SERVICE, Catalog
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object, annotations_of, get_path
from minikube_py.meta.quantity import parse_quantity
from minikube_py.resources.pod_totals import Quantities, pod_totals

Usage = Mapping[str, Decimal]

COUNT = "count/"
ONE = Decimal(1)
COUNTED_BY_PLURAL = frozenset(
    {
        "configmaps",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
    }
)
"""Kinds of the core group whose plain name is a resource of quotas, too."""
OF_CLASS = ".storageclass.storage.k8s.io/"
MUST_BE_SET = frozenset(
    f"{prefix}{name}" for prefix in ("", "requests.", "limits.") for name in ("cpu", "memory")
)
"""Where a quota limits one of these, every container must say how much it wants."""
_OVER = ("Failed", "Succeeded")
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_CLAIM_CLASS = "volume.beta.kubernetes.io/storage-class"


def usage_of(kind: Kind, obj: Object) -> Usage:
    used: Quantities = {f"{COUNT}{kind.resource}": ONE}
    measure = _MEASURES.get(kind.resource)
    if measure is not None:
        used |= measure(obj)
    elif kind.resource in COUNTED_BY_PLURAL:
        used[kind.resource] = ONE
    return used


def is_only_counted(kind: Kind) -> bool:
    """Every object of this kind uses the same, whatever is in it."""
    return kind.resource not in _MEASURES


def compute_usage(requests: Quantities, limits: Quantities) -> Quantities:
    """Of one container, or of a Pod's totals."""
    used: Quantities = {}
    for name, value in requests.items():
        if name in _COMPUTE or name.startswith("hugepages-"):
            used[name] = used[f"requests.{name}"] = value
        elif "/" in name:
            used[f"requests.{name}"] = value
    for name in _COMPUTE:
        if name in limits:
            used[f"limits.{name}"] = limits[name]
    return used


def _pod_usage(pod: Object) -> Quantities:
    """One that has run its course uses nothing but its place in the store."""
    if get_path(pod, "status", "phase") in _OVER:
        return {}
    used = compute_usage(pod_totals(pod, "requests"), pod_totals(pod, "limits"))
    return used | {"pods": ONE}


def _service_usage(service: Object) -> Quantities:
    spec = service.get("spec") or {}
    ports = spec.get("ports") or []
    used: Quantities = {"services": ONE}
    if spec.get("type") == "NodePort":
        used["services.nodeports"] = Decimal(len(ports))
    elif spec.get("type") == "LoadBalancer":
        if spec.get("allocateLoadBalancerNodePorts") is False:
            ports = [port for port in ports if port.get("nodePort")]
        used["services.nodeports"] = Decimal(len(ports))
        used["services.loadbalancers"] = ONE
    return used


def _claim_usage(claim: Object) -> Quantities:
    used: Quantities = {"persistentvolumeclaims": ONE}
    asked = get_path(claim, "spec", "resources", "requests", "storage")
    if asked is not None:
        given = get_path(claim, "status", "allocatedResources", "storage", default="0")
        used["requests.storage"] = max(parse_quantity(asked), parse_quantity(given))
    named = annotations_of(claim).get(_CLAIM_CLASS) or get_path(claim, "spec", "storageClassName")
    if named:
        used |= {f"{named}{OF_CLASS}{name}": value for name, value in used.items()}
    return used


_MEASURES: Mapping[str, Callable[[Object], Quantities]] = {
    "pods": _pod_usage,
    "services": _service_usage,
    "persistentvolumeclaims": _claim_usage,
}


def kind_counted_by(name: str, catalog: Catalog) -> Kind | None:
    """The kind whose objects use resource `name` of a quota; None for names that mean nothing."""
    if name.startswith(COUNT):
        return _kind_of(name.removeprefix(COUNT), catalog)
    if name in COUNTED_BY_PLURAL:
        return _kind_of(name, catalog)
    if name.startswith("services."):
        return SERVICE
    if OF_CLASS in name or name == "requests.storage":
        return PERSISTENT_VOLUME_CLAIM
    plain = name.removeprefix("requests.").removeprefix("limits.")
    if plain in _COMPUTE or plain.startswith("hugepages-") or name.startswith("requests."):
        return POD
    return None


def _kind_of(resource: str, catalog: Catalog) -> Kind | None:
    return next(
        (kind for kind in catalog.all() if kind.namespaced and kind.resource == resource), None
    )
