"""What a new cluster holds before its first user: namespaces, the DNS Service, the default classes
and roles.

Runs at every start and only adds what is missing, so a user's changes stay.
"""

import asyncio
from collections.abc import Iterator

from minikube_py.kinds import catalog
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import AlreadyExists
from minikube_py.meta.objects import Object, namespace_of
from minikube_py.resources.default_roles.reconcile import ensure_default_roles
from minikube_py.resources.resources import Resources

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
STORAGE_CLASS = "standard"
PROVISIONER = "mk.dev/docker-volume"
INGRESS_CLASS = "mk"


async def bootstrap(resources: Resources, *, dns_address: str) -> None:
    """Adds what is missing; `dns_address` is the DNS Service's."""
    async with asyncio.TaskGroup() as group:  # which share a commit
        for namespace in NAMESPACES:
            named = _named("v1", "Namespace", namespace)
            group.create_task(_ensure(resources, catalog.NAMESPACE, named))
        group.create_task(_ensure(resources, catalog.STORAGE_CLASS, _storage_class()))
        group.create_task(_ensure(resources, catalog.INGRESS_CLASS, _ingress_class()))
        for priority_class in _priority_classes():
            group.create_task(_ensure(resources, catalog.PRIORITY_CLASS, priority_class))
    async with asyncio.TaskGroup() as group:
        group.create_task(_ensure(resources, catalog.SERVICE, _dns_service(dns_address)))
        group.create_task(ensure_default_roles(resources))


async def _ensure(resources: Resources, kind: Kind, obj: Object) -> None:
    namespace = namespace_of(obj) or None
    if resources.get_or_none(kind, namespace, obj["metadata"]["name"]) is not None:
        return
    try:
        await resources.create(kind, namespace, obj)
    except AlreadyExists:
        return


def _named(api_version: str, kind: str, name: str, namespace: str = "") -> Object:
    metadata: Object = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _dns_service(address: str) -> Object:
    """Named as everywhere, so that tools find it; it has no selector because the daemon itself
    answers.
    """
    service = _named("v1", "Service", "kube-dns", "kube-system")
    service["metadata"]["labels"] = {"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"}
    service["spec"] = {
        "clusterIP": address,
        "ports": [
            {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
        ],
    }
    return service


def _storage_class() -> Object:
    storage_class = _named("storage.k8s.io/v1", "StorageClass", STORAGE_CLASS)
    storage_class["metadata"]["annotations"] = {
        "storageclass.kubernetes.io/is-default-class": "true"
    }
    storage_class |= {
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
    }
    return storage_class


def _priority_classes() -> Iterator[Object]:
    """Those that kube-apiserver brings: for what a node, or a cluster, can't do without."""
    for what, value, words in (
        ("node", 2_000_001_000, "not be moved from their current node."),
        (
            "cluster",
            2_000_000_000,
            "run in the cluster, but can be moved to another node if needed.",
        ),
    ):
        made = _named("scheduling.k8s.io/v1", "PriorityClass", f"system-{what}-critical")
        description = f"Used for system critical pods that must {words}"
        yield made | {"value": value, "description": description}


def _ingress_class() -> Object:
    ingress_class = _named("networking.k8s.io/v1", "IngressClass", INGRESS_CLASS)
    ingress_class["metadata"]["annotations"] = {
        "ingressclass.kubernetes.io/is-default-class": "true"
    }
    ingress_class["spec"] = {"controller": "mk.dev/ingress"}
    return ingress_class
