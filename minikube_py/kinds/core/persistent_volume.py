"""A PersistentVolume: storage that outlives the Pods that use it."""

from collections.abc import Mapping, Sequence
from posixpath import normpath
from typing import Any

from minikube_py.kinds.access_modes import VOLUME_MODES, short_modes, validate_access_modes
from minikube_py.kinds.columns import AGE, NAME, UNSET, from_object, from_path
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_immutable,
    forbidden,
    invalid,
    not_supported,
    required,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.pod_template import validate_node_selector, validate_source
from minikube_py.kinds.quantities import default_resource_list, validate_positive
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_NOT_SOURCES = frozenset(
    {
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    }
)
_POLICIES = ("Delete", "Recycle", "Retain")


def default_volume(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    if not spec.get("persistentVolumeReclaimPolicy"):
        spec["persistentVolumeReclaimPolicy"] = "Retain"
    if not spec.get("volumeMode"):
        spec["volumeMode"] = "Filesystem"
    default_resource_list(spec.get("capacity"))
    host_path = spec.get("hostPath")
    if host_path is not None and host_path.get("type") is None:
        host_path["type"] = ""


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {"phase": "Pending"}
    elif "status" in old:
        new["status"] = old["status"]


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    policy, mode = spec.get("persistentVolumeReclaimPolicy"), spec.get("volumeMode")
    errors = validate_access_modes(spec.get("accessModes"), "spec.accessModes")
    errors += _validate_capacity(spec.get("capacity") or {})
    errors += check_choice("spec.persistentVolumeReclaimPolicy", policy, _POLICIES)
    errors += check_choice("spec.volumeMode", mode, VOLUME_MODES)
    errors += _validate_source(spec)
    if spec.get("storageClassName"):
        at = "spec.storageClassName"
        errors += check(at, spec["storageClassName"], names.subdomain_problem)
    required_terms = get_path(spec, "nodeAffinity", "required")
    if required_terms is not None:
        errors += validate_node_selector(required_terms, "spec.nodeAffinity.required")
    elif spec.get("local") is not None:
        errors.append(required("spec.nodeAffinity", "Local volume requires node affinity"))
    return errors


def _validate_capacity(capacity: Mapping[str, Any]) -> list[FieldError]:
    if not capacity:
        return [required("spec.capacity")]
    if list(capacity) != ["storage"]:
        return [not_supported("spec.capacity", sorted(capacity), ("storage",))]
    return validate_positive("spec.capacity[storage]", capacity["storage"])


def _sources(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in spec.items()
        if name not in _NOT_SOURCES and isinstance(value, dict)
    }


def _validate_source(spec: Mapping[str, Any]) -> list[FieldError]:
    sources = _sources(spec)
    if not sources:
        return [required("spec", "must specify a volume type")]
    errors = [
        forbidden(f"spec.{name}", "may not specify more than 1 volume type")
        for name in list(sources)[1:]
    ]
    for name, source in sources.items():
        errors += _validate_one(name, source)
    host_path = (sources.get("hostPath") or {}).get("path")
    recycled = spec.get("persistentVolumeReclaimPolicy") == "Recycle"
    if recycled and host_path and normpath(host_path) == "/":
        detail = "may not be 'recycle' for a hostPath mount of '/'"
        errors.append(forbidden("spec.persistentVolumeReclaimPolicy", detail))
    return errors


def _validate_one(name: str, source: Object) -> list[FieldError]:
    if name == "local":
        path = source.get("path")
        if not path:
            return [required("spec.local.path")]
        if ".." in path.split("/"):
            return [invalid("spec.local.path", path, "must not contain '..'")]
        return []
    errors = validate_source(name, source, "spec")
    if name == "csi" and not source.get("volumeHandle"):
        errors.append(required("spec.csi.volumeHandle"))
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    fresh, stored = new.get("spec") or {}, old.get("spec") or {}
    errors = []
    if _sources(fresh) != _sources(stored):
        detail = "spec.persistentvolumesource is immutable after creation"
        errors.append(forbidden("spec.persistentvolumesource", detail))
    errors += check_immutable("spec.volumeMode", fresh.get("volumeMode"), stored.get("volumeMode"))
    before, after = stored.get("nodeAffinity"), fresh.get("nodeAffinity")
    if before and before != after:
        errors += check_immutable("spec.nodeAffinity", after, before)
    return errors


def _claim(obj: Object) -> str:
    reference = get_path(obj, "spec", "claimRef")
    if reference is None:
        return ""
    return f"{reference.get('namespace', '')}/{reference.get('name', '')}"


def _status(obj: Object) -> str:
    if get_path(obj, "metadata", "deletionTimestamp"):
        return "Terminating"
    return str(get_path(obj, "status", "phase", default=""))


KIND = Kind(
    group="",
    version="v1",
    kind="PersistentVolume",
    plural="persistentvolumes",
    columns=(
        NAME,
        Column(
            "Capacity",
            from_path("spec", "capacity", "storage", default="0"),
            description="Size of the volume.",
        ),
        Column(
            "Access Modes",
            from_object(lambda obj: short_modes(get_path(obj, "spec", "accessModes"))),
            description="How the volume can be mounted.",
        ),
        Column(
            "Reclaim Policy",
            from_path("spec", "persistentVolumeReclaimPolicy"),
            description="What becomes of the volume when its claim is gone.",
        ),
        Column("Status", from_object(_status), description="Bound, available, released or failed."),
        Column("Claim", from_object(_claim), description="The claim that the volume is bound to."),
        Column(
            "StorageClass",
            from_path("spec", "storageClassName"),
            description="StorageClass of the pv",
        ),
        Column(
            "VolumeAttributesClass",
            from_path("spec", "volumeAttributesClassName", default=UNSET),
            description="VolumeAttributesClass of the pv",
        ),
        Column("Reason", from_path("status", "reason"), description="Why the volume failed."),
        AGE,
        Column(
            "VolumeMode",
            from_path("spec", "volumeMode", default=UNSET),
            priority=1,
            description="A filesystem, or a raw block device.",
        ),
    ),
    short_names=("pv",),
    namespaced=False,
    has_generation=False,
    default=default_volume,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
    selectable_fields=lambda obj: {"name": str(get_path(obj, "metadata", "name", default=""))},
)
