"""A CSIDriver: what Kubernetes must know of a storage driver that runs in the cluster."""

from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.columns import AGE, NAME, UNSET, from_object, from_path, joined
from minikube_py.kinds.fields import (
    check_choice,
    check_immutable,
    duplicate,
    invalid,
    not_supported,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_DEFAULTS: tuple[tuple[str, Any], ...] = (
    ("attachRequired", True),
    ("fsGroupPolicy", "ReadWriteOnceWithFSType"),
    ("podInfoOnMount", False),
    ("requiresRepublish", False),
    ("seLinuxMount", False),
    ("storageCapacity", False),
)
_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_MODES = ("Ephemeral", "Persistent")
_MIN_TOKEN, _MAX_TOKEN, _MIN_PERIOD = 600, 1 << 32, 10


def default_driver(obj: Object) -> None:
    if obj.get("spec") is None:
        obj["spec"] = {}
    spec = obj["spec"]
    for field, value in _DEFAULTS:
        if spec.get(field) is None:
            spec[field] = value
    if not spec.get("volumeLifecycleModes"):
        spec["volumeLifecycleModes"] = ["Persistent"]


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj["spec"]
    errors = check_choice("spec.fsGroupPolicy", spec["fsGroupPolicy"], _GROUP_POLICIES)
    errors += _validate_tokens(spec.get("tokenRequests") or [], "spec.tokenRequests")
    errors += [
        not_supported("spec.volumeLifecycleModes", mode, _MODES)
        for mode in spec["volumeLifecycleModes"]
        if mode not in _MODES
    ]
    field = "nodeAllocatableUpdatePeriodSeconds"
    period = spec.get(field)
    if period is not None and period < _MIN_PERIOD:
        detail = "must be greater than or equal to 10 seconds"
        errors.append(invalid(f"spec.{field}", period, detail))
    return errors


def _validate_tokens(requests: Sequence[Object], path: str) -> list[FieldError]:
    errors, audiences = [], set()
    for index, request in enumerate(requests):
        audience, seconds = request.get("audience") or "", request.get("expirationSeconds")
        at = f"{path}[{index}].expirationSeconds"
        if audience in audiences:
            errors.append(duplicate(f"{path}[{index}].audience", audience))
            continue
        audiences.add(audience)
        if seconds is not None and seconds < _MIN_TOKEN:
            detail = "may not specify a duration less than 10 minutes"
            errors.append(invalid(at, seconds, detail))
        if seconds is not None and seconds > _MAX_TOKEN:
            detail = "may not specify a duration larger than 2^32 seconds"
            errors.append(invalid(at, seconds, detail))
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    errors = []
    for field in ("attachRequired", "volumeLifecycleModes"):
        path = ("spec", field)
        errors += check_immutable(f"spec.{field}", get_path(new, *path), get_path(old, *path))
    return errors


def _token_requests(obj: Object) -> str:
    requests = get_path(obj, "spec", "tokenRequests")
    if requests is None:
        return UNSET
    return ",".join(request.get("audience") or "" for request in requests)


def _flag(name: str, field: str, description: str, *, default: bool = False) -> Column:
    cell = from_path("spec", field, default=default)
    return Column(name, cell, type="boolean", description=description)


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="CSIDriver",
    plural="csidrivers",
    columns=(
        NAME,
        _flag(
            "AttachRequired", "attachRequired", "Volumes are attached to the node.", default=True
        ),
        _flag("PodInfoOnMount", "podInfoOnMount", "The driver is told about the Pod."),
        _flag("StorageCapacity", "storageCapacity", "The driver says how much there is left."),
        Column(
            "TokenRequests",
            from_object(_token_requests),
            description="Audiences of the account tokens that the driver gets.",
        ),
        _flag("RequiresRepublish", "requiresRepublish", "Mounted volumes are published again."),
        Column(
            "Modes",
            from_object(lambda obj: joined(get_path(obj, "spec", "volumeLifecycleModes"))),
            description="Kinds of volumes that the driver makes.",
        ),
        AGE,
    ),
    namespaced=False,
    has_status=False,
    default=default_driver,
    validate_create=validate_create,
    validate_update=validate_update,
)
