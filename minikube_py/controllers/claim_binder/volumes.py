"""What PersistentVolumes and claims look like when they are bound or made. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from minikube_py.control_loop.claims import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    class_of,
    is_claimed_by,
)
from minikube_py.controllers.claim_binder.provisioner import DOCKER_VOLUME, PROVISIONER
from minikube_py.meta.objects import (
    Object,
    annotations_of,
    get_path,
    name_of,
    namespace_of,
    resource_version_of,
    uid_of,
)

PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
CLAIM_PROVISIONER = "volume.kubernetes.io/storage-provisioner"


def provisioned_name(claim: Object) -> str:
    return f"pvc-{uid_of(claim)}"


def unprovisionable(claim: Object) -> str:
    """Why no volume can be made for this claim, "" when one can."""
    if get_path(claim, "spec", "selector"):
        return "claim.Spec.Selector is not supported for dynamic provisioning; remove the selector"
    if get_path(claim, "spec", "volumeMode", default="Filesystem") == "Block":
        return "block volumes are not supported; use volumeMode Filesystem"
    if get_path(claim, "spec", "dataSource") or get_path(claim, "spec", "dataSourceRef"):
        return "volumes from snapshots or other claims are not supported; remove the data source"
    return ""


def provisioned_volume(
    claim: Object, storage_class: Object, volume: str, path: str, node: str
) -> Object:
    """`volume` is the engine's name, `path` its directory, `node` the host's name or ""."""
    spec: Object = {
        "capacity": {"storage": get_path(claim, "spec", "resources", "requests", "storage")},
        "accessModes": list(get_path(claim, "spec", "accessModes", default=[])),
        "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
        "storageClassName": class_of(claim),
        "volumeMode": "Filesystem",
        "claimRef": claim_reference(claim),
        "hostPath": {"path": path, "type": ""},
    }
    if storage_class.get("mountOptions"):
        spec["mountOptions"] = list(storage_class["mountOptions"])
    if node:
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": provisioned_name(claim),
            "annotations": {PROVISIONED_BY: PROVISIONER, DOCKER_VOLUME: volume},
        },
        "spec": spec,
    }


def claim_reference(claim: Object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": namespace_of(claim),
        "name": name_of(claim),
        "uid": uid_of(claim),
        "resourceVersion": resource_version_of(claim),
    }


def reserve(volume: Object, claim: Object) -> bool:
    """Writes the claim into the volume, in place; False when another claim has it."""
    reference = get_path(volume, "spec", "claimRef")
    if reference is None:
        _annotate(volume, {BOUND_BY_CONTROLLER: "yes"})
    elif not is_claimed_by(volume, claim):
        return False
    if not reference or reference.get("uid") != uid_of(claim):
        volume["spec"]["claimRef"] = claim_reference(claim)
    return True


def settle(claim: Object, volume: Object) -> None:
    """Writes the volume into the claim, in place."""
    marks = {BIND_COMPLETED: "yes"}
    if not get_path(claim, "spec", "volumeName"):
        claim["spec"]["volumeName"] = name_of(volume)
        marks[BOUND_BY_CONTROLLER] = "yes"
    _annotate(claim, marks)


def bound_status(claim: Object, volume: Object) -> Object:
    status = {key: value for key, value in (claim.get("status") or {}).items() if key != "phase"}
    return {
        **status,
        "phase": "Bound",
        "accessModes": list(get_path(volume, "spec", "accessModes", default=[])),
        "capacity": dict(get_path(volume, "spec", "capacity", default={})),
    }


def free(volume: Object) -> None:
    """Takes the claim out of a volume that was bound by the controller, in place."""
    volume["spec"].pop("claimRef", None)
    annotations = dict(annotations_of(volume))
    annotations.pop(BOUND_BY_CONTROLLER, None)
    volume["metadata"]["annotations"] = annotations


def is_ours(volume: Object) -> bool:
    """We made the storage behind it, and we remove it."""
    annotations = annotations_of(volume)
    return annotations.get(PROVISIONED_BY) == PROVISIONER and DOCKER_VOLUME in annotations


def the_only(nodes: Sequence[Object]) -> str:
    """The name of the one node there is, "" when there are none or several."""
    return name_of(nodes[0]) if len(nodes) == 1 else ""


def _annotate(obj: Object, marks: Mapping[str, Any]) -> None:
    obj["metadata"]["annotations"] = {**annotations_of(obj), **marks}
