"""A VolumeAttachment: a volume is to be attached to a node by its driver."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_path
from minikube_py.kinds.fields import (
    check,
    check_immutable,
    check_not_negative,
    forbidden,
    required,
    too_long,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.storage.driver_name import validate_driver_name
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
_MAX_METADATA, _MAX_MESSAGE = 256 * 1024, 1024


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = validate_driver_name(spec.get("attacher") or "", "spec.attacher")
    errors += _validate_source(spec.get("source") or {}, "spec.source")
    return errors + check("spec.nodeName", spec.get("nodeName") or "", names.subdomain_problem)


def _validate_source(source: Object, path: str) -> list[FieldError]:
    inline, name = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    if inline is None and name is None:
        return [required(path, _ONE_SOURCE)]
    if inline is not None and name is not None:
        return [forbidden(path, _ONE_SOURCE)]
    if name is None:
        return []
    at = f"{path}.persistentVolumeName"
    if not name:
        return [required(at, "must specify non empty persistentVolumeName")]
    return check(at, name, names.subdomain_problem)


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    return check_immutable("spec", new.get("spec"), old.get("spec"))


def validate_status(new: Object, _old: Object) -> Sequence[FieldError]:
    status = new.get("status") or {}
    metadata = status.get("attachmentMetadata") or {}
    errors = []
    if sum(len(key) + len(value) for key, value in metadata.items()) > _MAX_METADATA:
        errors.append(too_long("status.attachmentMetadata", _MAX_METADATA))
    for field in ("attachError", "detachError"):
        error, path = status.get(field) or {}, f"status.{field}"
        if len(error.get("message") or "") > _MAX_MESSAGE:
            errors.append(too_long(f"{path}.message", _MAX_MESSAGE))
        errors += check_not_negative(f"{path}.errorCode", error.get("errorCode"))
    return errors


def _volume(obj: Object) -> str:
    return str(get_path(obj, "spec", "source", "persistentVolumeName", default=""))


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="VolumeAttachment",
    plural="volumeattachments",
    columns=(
        NAME,
        Column(
            "Attacher",
            from_path("spec", "attacher"),
            format="name",
            description="The driver that attaches.",
        ),
        Column("PV", lambda obj, _now: _volume(obj), description="The volume."),
        Column("Node", from_path("spec", "nodeName"), description="The node."),
        Column(
            "Attached",
            from_path("status", "attached", default=False),
            type="boolean",
            description="Whether it is attached.",
        ),
        AGE,
    ),
    namespaced=False,
    has_generation=False,
    validate_create=validate_create,
    validate_update=validate_update,
    validate_status=validate_status,
)
