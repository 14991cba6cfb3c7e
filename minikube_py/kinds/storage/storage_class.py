"""A StorageClass: how volumes for claims that name it are made."""

from collections.abc import Sequence
from datetime import datetime

from minikube_py.kinds.columns import AGE, NAME, UNSET, from_path
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_immutable,
    forbidden,
    required,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.storage.parameters import validate_parameters
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, annotations_of, name_of

_DEFAULT_MARKERS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def default_class(obj: Object) -> None:
    if not obj.get("reclaimPolicy"):
        obj["reclaimPolicy"] = "Delete"
    if not obj.get("volumeBindingMode"):
        obj["volumeBindingMode"] = "Immediate"


def validate_create(obj: Object) -> Sequence[FieldError]:
    mode, policy = obj.get("volumeBindingMode"), obj.get("reclaimPolicy")
    errors = []
    if not obj.get("provisioner"):
        errors.append(required("provisioner"))
    else:
        errors += check("provisioner", obj["provisioner"].lower(), names.qualified_name_problem)
    errors += validate_parameters(obj.get("parameters") or {})
    errors += check_choice("reclaimPolicy", policy, ("Delete", "Retain"))
    errors += check_choice("volumeBindingMode", mode, ("Immediate", "WaitForFirstConsumer"))
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    errors = [
        forbidden(field, f"updates to {field} are forbidden.")
        for field in ("parameters", "provisioner", "reclaimPolicy")
        if (new.get(field) or None) != (old.get(field) or None)
    ]
    field = "volumeBindingMode"
    return errors + check_immutable(field, new.get(field), old.get(field))


def _name(obj: Object, _now: datetime) -> str:
    annotations = annotations_of(obj)
    if any(annotations.get(marker) == "true" for marker in _DEFAULT_MARKERS):
        return f"{name_of(obj)} (default)"
    return name_of(obj)


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="StorageClass",
    plural="storageclasses",
    columns=(
        Column(NAME.name, _name, format=NAME.format, description=NAME.description),
        Column(
            "Provisioner", from_path("provisioner"), description="Who makes volumes of this class."
        ),
        Column(
            "ReclaimPolicy",
            from_path("reclaimPolicy", default="Delete"),
            description="What becomes of a volume when its claim is gone.",
        ),
        Column(
            "VolumeBindingMode",
            from_path("volumeBindingMode", default=UNSET),
            description="When a claim gets its volume.",
        ),
        Column(
            "AllowVolumeExpansion",
            from_path("allowVolumeExpansion", default=False),
            type="boolean",
            description="Whether claims may grow.",
        ),
        AGE,
    ),
    short_names=("sc",),
    namespaced=False,
    has_status=False,
    has_generation=False,
    default=default_class,
    validate_create=validate_create,
    validate_update=validate_update,
)
