"""A CSINode: which storage drivers run on a node."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.fields import (
    check,
    check_immutable,
    check_not_negative,
    check_unique,
    duplicate,
    invalid,
    required,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.storage.driver_name import validate_driver_name
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_MAX_ID = 256


def validate_create(obj: Object) -> Sequence[FieldError]:
    drivers = _drivers(obj)
    errors = []
    for index, driver in enumerate(drivers):
        errors += _validate_driver(driver, f"spec.drivers[{index}]")
    return errors + check_unique("spec.drivers", drivers, "name")


def _validate_driver(driver: Object, path: str) -> list[FieldError]:
    node_id = driver.get("nodeID") or ""
    errors = validate_driver_name(driver.get("name") or "", f"{path}.name")
    if not node_id:
        errors.append(required(f"{path}.nodeID"))
    if len(node_id) > _MAX_ID:
        detail = f"must be {_MAX_ID} characters or less"
        errors.append(invalid(f"{path}.nodeID", node_id, detail))
    count = get_path(driver, "allocatable", "count")
    errors += check_not_negative(f"{path}.allocatable.count", count)
    keys = driver.get("topologyKeys") or []
    for index, key in enumerate(keys):
        if key in keys[:index]:
            errors.append(duplicate(path, key))
        errors += check(path, key, names.qualified_name_problem)
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    """A driver's entry comes and goes; only how many volumes it takes may change in it."""
    before = {driver.get("name"): _without_count(driver) for driver in _drivers(old)}
    errors = []
    for driver in _drivers(new):
        name = driver.get("name")
        if name in before:
            errors += check_immutable("spec.drivers", _without_count(driver), before[name])
    return errors


def _without_count(driver: Object) -> Object:
    return {name: value for name, value in driver.items() if name != "allocatable"}


def _drivers(obj: Object) -> list[Object]:
    found: list[Object] = get_path(obj, "spec", "drivers", default=[])
    return found


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="CSINode",
    plural="csinodes",
    columns=(
        NAME,
        Column(
            "Drivers",
            from_object(lambda obj: len(_drivers(obj))),
            type="integer",
            description="Drivers indicates the number of CSI drivers registered on the node",
        ),
        AGE,
    ),
    namespaced=False,
    has_status=False,
    has_generation=False,
    validate_create=validate_create,
    validate_update=validate_update,
)
