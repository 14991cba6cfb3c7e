"""Gives every namespace its `default` ServiceAccount and the ConfigMap with the cluster's CA."""

from minikube_py.control_loop.children import is_because_namespace_ends
from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import CONFIG_MAP, NAMESPACE, SERVICE_ACCOUNT
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import AlreadyExists, ApiError, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    is_deleting,
    make_key,
    name_of,
    namespace_of,
    split_key,
)
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.resources import Resources

ACCOUNT = "default"
CA_CONFIG_MAP = "kube-root-ca.crt"


def new_service_account_controller(
    resources: Resources,
    informers: Informers,
    _recorder: Recorder,
    _clock: Clock,
    *,
    ca_certificate: str,
) -> Controller:
    """`ca_certificate` is PEM."""
    namespaces = informers.of(NAMESPACE)
    wanted = {"ca.crt": ca_certificate}

    async def reconcile(key: Key) -> None:
        namespace = namespaces.get(key)
        if namespace is None or is_deleting(namespace):
            return
        name = split_key(key)[1]
        await _ensure(resources, SERVICE_ACCOUNT, name, {"metadata": {"name": ACCOUNT}})
        body = {"metadata": {"name": CA_CONFIG_MAP}, "data": wanted}
        config_map = await _ensure(resources, CONFIG_MAP, name, body)
        if config_map is not None and config_map.get("data") != wanted:
            await resources.modify(
                CONFIG_MAP, name, CA_CONFIG_MAP, lambda fresh: fresh.update(data=dict(wanted))
            )

    controller = Controller("service-account", reconcile)
    controller.watches(namespaces)
    controller.watches(informers.of(SERVICE_ACCOUNT), lambda obj: _namespace_of_ours(obj, ACCOUNT))
    controller.watches(informers.of(CONFIG_MAP), lambda obj: _namespace_of_ours(obj, CA_CONFIG_MAP))
    return controller


async def _ensure(resources: Resources, kind: Kind, namespace: str, body: Object) -> Object | None:
    """What is there, made if it was missing; None in a namespace that goes."""
    there = resources.get_or_none(kind, namespace, name_of(body))
    if there is not None:
        return there
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
    try:
        return (await resources.create(kind, namespace, obj)).object
    except (AlreadyExists, NotFound):
        return None
    except ApiError as error:
        if is_because_namespace_ends(error):
            return None
        raise


def _namespace_of_ours(obj: Object, name: str) -> list[Key]:
    return [make_key(None, namespace_of(obj))] if name_of(obj) == name else []
