"""A PersistentVolumeClaim: a request for storage, bound to one PersistentVolume."""

from collections.abc import Mapping, Sequence

from minikube_py.kinds.access_modes import short_modes
from minikube_py.kinds.claim_spec import default_claim_spec, validate_claim_spec
from minikube_py.kinds.columns import AGE, NAME, UNSET, from_object, from_path
from minikube_py.kinds.fields import forbidden
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path, is_deleting
from minikube_py.meta.quantity import parse_quantity

_ONLY = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName "
    "for bound claims"
)


def default_claim(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    default_claim_spec(spec)


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {"phase": "Pending"}
    elif "status" in old:
        new["status"] = old["status"]


def validate_create(obj: Object) -> Sequence[FieldError]:
    return validate_claim_spec(obj.get("spec") or {}, "spec")


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    """The binder may set volumeName, and the default class storageClassName, once."""
    fresh, stored = dict(new.get("spec") or {}), dict(old.get("spec") or {})
    for field in ("volumeName", "storageClassName"):
        if not stored.get(field):
            fresh.pop(field, None)
            stored.pop(field, None)
    before = get_path(stored, "resources", "requests", "storage")
    after = get_path(fresh, "resources", "requests", "storage")
    is_bound = get_path(old, "status", "phase") == "Bound"
    if is_bound:
        for spec in (fresh, stored):
            spec.pop("volumeAttributesClassName", None)
            spec["resources"] = {
                field: value
                for field, value in (spec.get("resources") or {}).items()
                if field != "requests"
            }
    if fresh != stored:
        return [forbidden("spec", _ONLY)]
    if before and after and parse_quantity(after) < parse_quantity(before):
        at = "spec.resources.requests.storage"
        return [forbidden(at, "field can not be less than status.capacity")]
    return []


def _status(obj: Object) -> str:
    if is_deleting(obj):
        return "Terminating"
    return str(get_path(obj, "status", "phase", default=""))


def _when_bound(text: str, obj: Object) -> str:
    return text if get_path(obj, "spec", "volumeName") else ""


def _capacity(obj: Object) -> str:
    return _when_bound(get_path(obj, "status", "capacity", "storage", default="0"), obj)


def _modes(obj: Object) -> str:
    return _when_bound(short_modes(get_path(obj, "status", "accessModes")), obj)


def selectable_fields(obj: Object) -> Mapping[str, str]:
    return {"name": str(get_path(obj, "metadata", "name", default=""))}


KIND = Kind(
    group="",
    version="v1",
    kind="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    columns=(
        NAME,
        Column("Status", from_object(_status), description="Pending, Bound or Lost."),
        Column(
            "Volume",
            from_path("spec", "volumeName"),
            description="The volume that the claim is bound to.",
        ),
        Column("Capacity", from_object(_capacity), description="Size of the volume."),
        Column("Access Modes", from_object(_modes), description="How it can be mounted."),
        Column(
            "StorageClass",
            from_path("spec", "storageClassName"),
            description="StorageClass of the pvc",
        ),
        Column(
            "VolumeAttributesClass",
            from_path("spec", "volumeAttributesClassName", default=UNSET),
            description="VolumeAttributesClass of the pvc",
        ),
        AGE,
        Column(
            "VolumeMode",
            from_path("spec", "volumeMode", default=UNSET),
            priority=1,
            description="A filesystem, or a raw block device.",
        ),
    ),
    short_names=("pvc",),
    has_generation=False,
    default=default_claim,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
    selectable_fields=selectable_fields,
)
