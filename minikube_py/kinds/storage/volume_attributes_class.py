"""A VolumeAttributesClass: what of a volume may be changed while it is there."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_path
from minikube_py.kinds.fields import check, forbidden, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.storage.parameters import validate_parameters
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object


def validate_create(obj: Object) -> Sequence[FieldError]:
    driver, parameters = obj.get("driverName") or "", obj.get("parameters") or {}
    errors = [] if driver else [required("driverName")]
    if driver:
        errors += check("driverName", driver.lower(), names.qualified_name_problem)
    if not parameters:
        errors.append(required("parameters", "must contain at least one key/value pair"))
    return errors + validate_parameters(parameters)


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    return [
        forbidden(field, f"updates to {field} are forbidden.")
        for field in ("driverName", "parameters")
        if (new.get(field) or None) != (old.get(field) or None)
    ]


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="VolumeAttributesClass",
    plural="volumeattributesclasses",
    columns=(
        NAME,
        Column("DriverName", from_path("driverName"), description="Whose volumes it is for."),
        AGE,
    ),
    short_names=("vac",),
    namespaced=False,
    has_status=False,
    has_generation=False,
    validate_create=validate_create,
    validate_update=validate_update,
)
