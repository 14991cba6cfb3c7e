"""A CSIStorageCapacity: how much of a class of storage there is left, on which nodes."""

from collections.abc import Sequence

from minikube_py.kinds.columns import NAME, UNSET, from_path
from minikube_py.kinds.fields import check, check_immutable, validate_selector
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.quantities import canonical, validate_not_negative
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_AMOUNTS = ("capacity", "maximumVolumeSize")


def default_capacity(obj: Object) -> None:
    for field in _AMOUNTS:
        if obj.get(field) is not None:
            obj[field] = canonical(obj[field])


def validate_create(obj: Object) -> Sequence[FieldError]:
    errors = validate_selector(obj.get("nodeTopology"), "nodeTopology")
    class_name = obj.get("storageClassName") or ""
    errors += check("storageClassName", class_name, names.subdomain_problem)
    if obj.get("capacity") is not None:
        errors += validate_not_negative("capacity", obj["capacity"])
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    errors = []
    for field in ("nodeTopology", "storageClassName"):
        errors += check_immutable(field, new.get(field), old.get(field))
    return errors


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="CSIStorageCapacity",
    plural="csistoragecapacities",
    columns=(
        NAME,
        Column(
            "StorageClassName", from_path("storageClassName"), description="The class of storage."
        ),
        Column(
            "Capacity", from_path("capacity", default=UNSET), description="How much is left of it."
        ),
    ),
    has_status=False,
    has_generation=False,
    default=default_capacity,
    validate_create=validate_create,
    validate_update=validate_update,
)
