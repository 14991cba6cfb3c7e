"""What a PersistentVolumeClaim asks for and which PersistentVolumes could answer it.

Pure; the claim binder and the scheduler must agree on it (Kubernetes' volume/persistentvolume
index and storage helpers).
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from minikube_py.meta.objects import (
    Object,
    annotations_of,
    get_path,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.meta.quantity import parse_quantity
from minikube_py.meta.selectors import from_label_selector

SELECTED_NODE = "volume.kubernetes.io/selected-node"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
_LEGACY_CLASS = "volume.beta.kubernetes.io/storage-class"


def class_of(obj: Object) -> str:
    """The storage class of a claim or a volume; "" is none at all."""
    legacy = annotations_of(obj).get(_LEGACY_CLASS)
    return legacy if legacy is not None else get_path(obj, "spec", "storageClassName", default="")


def is_bound(claim: Object) -> bool:
    """To a volume, and known to be so."""
    return bool(get_path(claim, "spec", "volumeName")) and BIND_COMPLETED in annotations_of(claim)


def waits_for_consumer(storage_class: Object | None) -> bool:
    mode = get_path(storage_class, "volumeBindingMode")
    return bool(mode == "WaitForFirstConsumer")


def requested_size(claim: Object) -> Decimal:
    """Bytes."""
    return parse_quantity(get_path(claim, "spec", "resources", "requests", "storage", default=0))


def volume_size(volume: Object) -> Decimal:
    """Bytes."""
    return parse_quantity(get_path(volume, "spec", "capacity", "storage", default=0))


def is_claimed_by(volume: Object, claim: Object) -> bool:
    """spec.claimRef names this claim (and no other one of the same name)."""
    reference = get_path(volume, "spec", "claimRef")
    return (
        reference is not None
        and reference.get("name") == name_of(claim)
        and reference.get("namespace") == namespace_of(claim)
        and reference.get("uid") in (None, "", uid_of(claim))
    )


def satisfies(volume: Object, claim: Object) -> bool:
    """Class, modes, size and selector fit; says nothing of whether it is free."""
    selector = from_label_selector(get_path(claim, "spec", "selector"))
    modes = set(get_path(claim, "spec", "accessModes", default=[]))
    mode = get_path(claim, "spec", "volumeMode", default="Filesystem")
    return (
        not is_deleting(volume)
        and class_of(volume) == class_of(claim)
        and get_path(volume, "spec", "volumeMode", default="Filesystem") == mode
        and modes <= set(get_path(volume, "spec", "accessModes", default=[]))
        and volume_size(volume) >= requested_size(claim)
        and (selector is None or selector.matches(labels_of(volume)))
    )


def best_volume(volumes: Iterable[Object], claim: Object) -> Object | None:
    """One that was reserved for the claim beforehand, else the smallest free one that fits."""
    fitting = []
    for volume in volumes:
        if get_path(volume, "spec", "claimRef") is None:
            phase = get_path(volume, "status", "phase", default="Available")
            if phase == "Available" and satisfies(volume, claim):
                fitting.append(volume)
        elif is_claimed_by(volume, claim) and satisfies(volume, claim):
            return volume
    return min(fitting, key=lambda each: (volume_size(each), name_of(each)), default=None)


def claim_names(pod: Mapping[str, Any]) -> Iterator[str]:
    """The claims a pod uses, those made from its ephemeral volumes too."""
    for volume in get_path(pod, "spec", "volumes", default=[]):
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"]["claimName"]
        elif "ephemeral" in volume:
            yield f"{pod['metadata']['name']}-{volume['name']}"
