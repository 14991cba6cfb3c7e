"""A ResourceClaim: devices that Pods need, and which of them they got."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.fields import (
    check_immutable,
    check_unique,
    forbidden,
    required,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.resource.claim_spec import default_claim_spec, validate_claim_spec
from minikube_py.kinds.resource.devices import GROUP, check_size
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, is_deleting

_MAX_CONSUMERS = 256


def default_claim(obj: Object) -> None:
    default_claim_spec(obj.get("spec"))


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {}


def validate_create(obj: Object) -> Sequence[FieldError]:
    return validate_claim_spec(obj.get("spec") or {}, "spec")


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    return check_immutable("spec", new.get("spec"), old.get("spec"))


def validate_status(new: Object, old: Object) -> Sequence[FieldError]:
    status, before = new.get("status") or {}, old.get("status") or {}
    consumers, path = status.get("reservedFor") or [], "status.reservedFor"
    errors = check_size(consumers, _MAX_CONSUMERS, path)
    for index, consumer in enumerate(consumers):
        errors += [
            required(f"{path}[{index}].{field}")
            for field in ("resource", "name", "uid")
            if not consumer.get(field)
        ]
    errors += check_unique(path, consumers, "uid")
    if consumers and status.get("allocation") is None:
        detail = "may not be specified when `allocated` is not set"
        errors.append(forbidden(path, detail))
    elif is_deleting(new) and _added(consumers, before.get("reservedFor") or []):
        detail = (
            "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are "
            "set"
        )
        errors.append(forbidden(path, detail))
    if before.get("allocation") is not None and status.get("allocation") is not None:
        field = "allocation"
        errors += check_immutable(f"status.{field}", status[field], before[field])
    return errors


def _added(ahead: Sequence[Object], before: Sequence[Object]) -> bool:
    return any(consumer not in before for consumer in ahead)


def _state(obj: Object) -> str:
    status = obj.get("status") or {}
    states = ["deleted"] if is_deleting(obj) else []
    if status.get("allocation") is not None:
        states.append("allocated")
        if status.get("reservedFor"):
            states.append("reserved")
    elif not states:
        states.append("pending")
    return ",".join(states)


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="ResourceClaim",
    plural="resourceclaims",
    columns=(
        NAME,
        Column(
            "State",
            from_object(_state),
            description="A summary of the current state (allocated, pending, reserved, etc.).",
        ),
        AGE,
    ),
    has_generation=False,
    default=default_claim,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
    validate_status=validate_status,
)
