"""Keeps claims while pods use them and volumes while claims hold them: takes their protecting
finalizers away when nobody does any more.
"""

from minikube_py.control_loop.claims import claim_names
from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    get_path,
    is_deleting,
    make_key,
    namespace_of,
    split_key,
)
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.resources import Resources

CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
VOLUME_FINALIZER = "kubernetes.io/pv-protection"


def new_volume_protection_controller(
    resources: Resources, informers: Informers, _recorder: Recorder, _clock: Clock
) -> Controller:
    claims, volumes = informers.of(PERSISTENT_VOLUME_CLAIM), informers.of(PERSISTENT_VOLUME)
    pods = informers.of(POD)

    async def reconcile(key: Key) -> None:
        if split_key(key)[0] is None:
            volume = volumes.get(key)
            if volume is not None and is_deleting(volume) and not _is_held(volume):
                await _unprotect(resources, PERSISTENT_VOLUME, key, VOLUME_FINALIZER)
            return
        claim = claims.get(key)
        if claim is not None and is_deleting(claim):
            # Asked of the store: a pod made just now must not lose what it mounts.
            users = resources.list(POD, namespace_of(claim)).objects()
            if not any(key in _claim_keys(pod) for pod in users):
                await _unprotect(resources, PERSISTENT_VOLUME_CLAIM, key, CLAIM_FINALIZER)

    controller = Controller("volume-protection", reconcile)
    controller.watches(claims)
    controller.watches(volumes)
    controller.watches(pods, _named_claims)
    return controller


def _claim_keys(pod: Object) -> list[Key]:
    """Claims the pod keeps in use: not before it has a node, not after it ended."""
    ended = get_path(pod, "status", "phase") in ("Succeeded", "Failed")
    return [] if ended or not get_path(pod, "spec", "nodeName") else _named_claims(pod)


def _named_claims(pod: Object) -> list[Key]:
    return [make_key(namespace_of(pod), name) for name in claim_names(pod)]


def _is_held(volume: Object) -> bool:
    return bool(get_path(volume, "status", "phase") == "Bound")


async def _unprotect(resources: Resources, kind: Kind, key: Key, finalizer: str) -> None:
    def change(obj: Object) -> None:
        finalizers = obj["metadata"].get("finalizers") or []
        obj["metadata"]["finalizers"] = [each for each in finalizers if each != finalizer]

    namespace, name = split_key(key)
    try:
        await resources.modify(kind, namespace, name, change)
    except NotFound:
        return
