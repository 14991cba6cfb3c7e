"""CustomResourceDefinition: kinds that users add, served from the moment their names are accepted.

What makes one valid is in `definition_validation` and below; it is imported when one is written.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from minikube_py.kinds.columns import NAME
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, is_condition_true

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


def default(definition: Object) -> None:
    spec = _filled(definition, "spec", {})
    _filled(spec, "group", "")
    names = _filled(spec, "names", {})
    kind = names.get("kind")
    if kind:
        _filled(names, "singular", kind.lower())
        _filled(names, "listKind", f"{kind}List")
    _filled(_filled(spec, "conversion", {}), "strategy", "None")
    for version in spec.get("versions") or ():
        _filled(version, "name", "")
        for name in ("served", "storage"):
            _filled(version, name, False)


def _filled(holder: Object, name: str, default: Any) -> Any:
    """What stands there, after nothing became the default."""
    holder[name] = holder.get(name) or default
    return holder[name]


def prepare(new: Object, old: Object | None) -> None:
    """The controller's part of the status is there from the start (its strategy.go)."""
    storage = [each["name"] for each in new["spec"].get("versions") or () if each.get("storage")]
    if old is None:
        metadata = _filled(new, "metadata", {})
        others = [each for each in metadata.get("finalizers") or () if each != FINALIZER]
        metadata["finalizers"] = [*others, FINALIZER]
        names = {"plural": "", "kind": ""}
        status = {"conditions": [], "acceptedNames": names, "storedVersions": storage[:1]}
        new["status"] = status
        return
    stored = _filled(_filled(new, "status", {}), "storedVersions", [])
    new["status"]["storedVersions"] = [*stored, *(v for v in storage[:1] if v not in stored)]


def validate_create(definition: Object) -> Sequence[FieldError]:
    from minikube_py.kinds.apiextensions import definition_validation

    return definition_validation.creation_errors(definition)


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    from minikube_py.kinds.apiextensions import definition_validation

    return definition_validation.update_errors(new, old)


def validate_status(new: Object, _old: Object) -> Sequence[FieldError]:
    from minikube_py.kinds.apiextensions import definition_validation

    return definition_validation.status_errors(new)


def is_established(definition: Object) -> bool:
    return is_condition_true(definition, "Established")


def _created_at(definition: Object, _now: datetime) -> Any:
    return (definition.get("metadata") or {}).get("creationTimestamp") or ""


KIND = Kind(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    columns=(
        NAME,
        Column(
            "Created At",
            _created_at,
            type="date",
            description="CreationTimestamp is a timestamp representing the server time when this "
            "object was created.",
        ),
    ),
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    namespaced=False,
    default=default,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
    validate_status=validate_status,
    update_repeats_create=False,
)
