"""A StorageVersionMigration: every object of a resource is to be written in its newest form."""

from collections.abc import Sequence

from minikube_py.kinds.columns import NAME, from_object
from minikube_py.kinds.fields import check, check_immutable, invalid, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path, is_condition_true

_TOGETHER = (
    ("Succeeded", "Failed", "Both success and failed conditions cannot be true at the same time"),
    ("Succeeded", "Running", "Running condition cannot be true when success condition is true"),
    ("Failed", "Running", "Running condition cannot be true when failed condition is true"),
)


def validate_create(obj: Object) -> Sequence[FieldError]:
    wanted = get_path(obj, "spec", "resource", default={})
    path, resource, group = "spec.resource", wanted.get("resource"), wanted.get("group")
    if resource:
        errors = check(f"{path}.resource", resource, names.dns1035_problem)
    else:
        errors = [required(f"{path}.resource", "resource is required to be set")]
    return errors + (check(f"{path}.group", group, names.subdomain_problem) if group else [])


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    return check_immutable("spec", new.get("spec"), old.get("spec"))


def validate_status(new: Object, old: Object) -> Sequence[FieldError]:
    path = "status.conditions"
    conditions = get_path(new, "status", "conditions", default=[])
    errors = [
        invalid(path, conditions, detail)
        for one, other, detail in _TOGETHER
        if is_condition_true(new, one) and is_condition_true(new, other)
    ]
    for type_, word in (("Succeeded", "Success"), ("Failed", "Failed")):
        if is_condition_true(old, type_) and not is_condition_true(new, type_):
            detail = f"{word} condition cannot be set to false once it is true"
            errors.append(invalid(path, conditions, detail))
    before = get_path(old, "status", "resourceVersion")
    ahead = get_path(new, "status", "resourceVersion")
    return errors + (check_immutable("status.resourceVersion", ahead, before) if before else [])


def _resource(obj: Object) -> str:
    wanted = get_path(obj, "spec", "resource", default={})
    return ".".join(filter(None, (wanted.get("resource"), wanted.get("group"))))


KIND = Kind(
    group="storagemigration.k8s.io",
    version="v1",
    kind="StorageVersionMigration",
    plural="storageversionmigrations",
    columns=(
        NAME,
        Column("Resource", from_object(_resource), description="What is to be written anew."),
    ),
    namespaced=False,
    has_generation=False,
    validate_create=validate_create,
    validate_update=validate_update,
    validate_status=validate_status,
)
