"""A ConfigMap: settings as keys and values, read by Pods as variables or files."""

import base64
from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.fields import check, duplicate, forbidden, too_long
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import config_key_problem
from minikube_py.meta.objects import Object

_MAX_BYTES = 1024 * 1024
_FIXED = "field is immutable when `immutable` is set"


def validate_create(obj: Object) -> Sequence[FieldError]:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    errors = []
    size = 0
    for key, value in data.items():
        errors += check(f"data[{key}]", key, config_key_problem)
        if key in binary:
            errors.append(duplicate(f"data[{key}]", key))
        size += len(value.encode())
    for key, value in binary.items():
        errors += check(f"binaryData[{key}]", key, config_key_problem)
        size += len(base64.b64decode(value))
    if size > _MAX_BYTES:
        errors.append(too_long("", _MAX_BYTES))
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    return immutable_data_errors(new, old, ("data", "binaryData"))


def immutable_data_errors(new: Object, old: Object, fields: Sequence[str]) -> list[FieldError]:
    """What may not change once `immutable` is true, the flag itself included."""
    if not old.get("immutable"):
        return []
    errors = [] if new.get("immutable") else [forbidden("immutable", _FIXED)]
    return errors + [
        forbidden(field, _FIXED)
        for field in fields
        if (new.get(field) or {}) != (old.get(field) or {})
    ]


KIND = Kind(
    group="",
    version="v1",
    kind="ConfigMap",
    plural="configmaps",
    columns=(
        NAME,
        Column(
            "Data",
            from_object(lambda obj: len(obj.get("data") or {}) + len(obj.get("binaryData") or {})),
            type="integer",
            description="How many keys the map has.",
        ),
        AGE,
    ),
    short_names=("cm",),
    has_status=False,
    has_generation=False,
    validate_create=validate_create,
    validate_update=validate_update,
)
