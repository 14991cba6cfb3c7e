"""The spec of a PersistentVolumeClaim, as claims and the templates of StatefulSets share it."""

from collections.abc import Mapping
from typing import Any

from minikube_py.kinds.access_modes import VOLUME_MODES, validate_access_modes
from minikube_py.kinds.fields import (
    check,
    check_choice,
    required,
    validate_selector,
)
from minikube_py.kinds.quantities import default_resource_list, validate_positive
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path


def default_claim_spec(spec: Object) -> None:
    if not spec.get("volumeMode"):
        spec["volumeMode"] = "Filesystem"
    for field in ("requests", "limits"):
        default_resource_list((spec.get("resources") or {}).get(field))


def validate_claim_spec(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    modes = spec.get("accessModes")
    detail = "at least 1 access mode is required"
    errors = validate_access_modes(modes, f"{path}.accessModes", detail=detail)
    errors += validate_selector(spec.get("selector"), f"{path}.selector")
    at = f"{path}.resources[storage]"
    size = get_path(spec, "resources", "requests", "storage")
    if size is None:
        errors.append(required(at))
    else:
        errors += validate_positive(at, size)
    if spec.get("storageClassName"):
        at = f"{path}.storageClassName"
        errors += check(at, spec["storageClassName"], names.subdomain_problem)
    mode = spec.get("volumeMode")
    errors += check_choice(f"{path}.volumeMode", mode, VOLUME_MODES, must_be_set=False)
    for field in ("dataSource", "dataSourceRef"):
        source = spec.get(field)
        if source is not None:
            errors += [
                required(f"{path}.{field}.{name}")
                for name in ("name", "kind")
                if not source.get(name)
            ]
    return errors
