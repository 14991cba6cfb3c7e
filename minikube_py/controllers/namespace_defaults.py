"""Gives every namespace what Pods in it count on: the `default` ServiceAccount, and the cluster's
certificate authority
in the ConfigMap `kube-root-ca.crt`. Whoever deletes them gets them back.
"""

from collections.abc import Sequence

from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.kinds.catalog import CONFIG_MAP, NAMESPACE, SERVICE_ACCOUNT
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import AlreadyExists, Forbidden, NotFound
from minikube_py.meta.objects import Key, Object, get_path, is_deleting, name_of, namespace_of
from minikube_py.resources.resources import Resources

SERVICE_ACCOUNT_NAME = "default"
ROOT_CA = "kube-root-ca.crt"
_DESCRIPTION = {
    "kubernetes.io/description": "The certificate authority of this cluster's API server."
}


def new_namespace_defaults_controller(
    resources: Resources, informers: Informers, *, ca_certificate: str
) -> Controller:
    """`ca_certificate` is PEM text. Keys are namespaces' names."""
    namespaces = informers.of(NAMESPACE)
    accounts, config_maps = informers.of(SERVICE_ACCOUNT), informers.of(CONFIG_MAP)
    data = {"ca.crt": ca_certificate}

    async def reconcile(key: Key) -> None:
        namespace = namespaces.get(key)
        if namespace is None or is_deleting(namespace):
            return
        name = name_of(namespace)
        if accounts.get_named(name, SERVICE_ACCOUNT_NAME) is None:
            await _create(resources, SERVICE_ACCOUNT, name, _service_account(name))
        published = config_maps.get_named(name, ROOT_CA)
        if published is None:
            await _create(resources, CONFIG_MAP, name, _root_ca(name, data))
        elif get_path(published, "data") != data:
            await _restore(resources, name, data)

    controller = Controller("namespace-defaults", reconcile)
    controller.watches(namespaces)
    controller.watches(accounts, lambda obj: _owner(obj, SERVICE_ACCOUNT_NAME))
    controller.watches(config_maps, lambda obj: _owner(obj, ROOT_CA))
    return controller


def _owner(obj: Object, name: str) -> Sequence[Key]:
    return [Key(namespace_of(obj))] if name_of(obj) == name else []


async def _create(resources: Resources, kind: Kind, namespace: str, obj: Object) -> None:
    try:
        await resources.create(kind, namespace, obj)
    except (AlreadyExists, NotFound, Forbidden):
        return  # made by somebody else, or the namespace is going: both will be seen again


async def _restore(resources: Resources, namespace: str, data: dict[str, str]) -> None:
    def change(obj: Object) -> None:
        obj["data"] = data

    try:
        await resources.modify(CONFIG_MAP, namespace, ROOT_CA, change)
    except NotFound:
        return


def _service_account(namespace: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": SERVICE_ACCOUNT_NAME, "namespace": namespace},
    }


def _root_ca(namespace: str, data: dict[str, str]) -> Object:
    metadata = {"name": ROOT_CA, "namespace": namespace, "annotations": _DESCRIPTION}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
