"""A DeviceTaintRule: an administrator's taint on devices, whoever offers them."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.fields import required
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.resource.devices import (
    GROUP,
    check_name,
    stamp_taint,
    validate_driver,
    validate_pool_name,
    validate_taint,
)
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path


def prepare(new: Object, old: Object | None) -> None:
    """The time is that of the effect: it starts anew where that changes and no time is given."""
    if old is None:
        new["status"] = {}
    taint, before = get_path(new, "spec", "taint"), get_path(old, "spec", "taint", default={})
    if taint is None:
        return
    same_time = taint.get("timeAdded") == before.get("timeAdded")
    if old is not None and same_time and taint.get("effect") != before.get("effect"):
        taint.pop("timeAdded", None)
    stamp_taint(taint, new)


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    taint, selector, path = spec.get("taint"), spec.get("deviceSelector"), "spec.deviceSelector"
    if taint is None:
        return [required("spec.taint")]
    errors = validate_taint(taint, "spec.taint")
    for field, validate in (
        ("driver", validate_driver),
        ("pool", validate_pool_name),
        ("device", check_name),
    ):
        value = (selector or {}).get(field)
        if value is not None:
            errors += validate(value, f"{path}.{field}")
    return errors


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="DeviceTaintRule",
    plural="devicetaintrules",
    columns=(NAME, AGE),
    namespaced=False,
    prepare=prepare,
    validate_create=validate_create,
)
