"""What a review must hold, with the words of pkg/apis/authorization/validation."""

from collections.abc import Mapping
from typing import Any

from minikube_py.kinds.fields import invalid, required
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_RESOURCE, _PATH = "spec.resourceAttributes", "spec.nonResourceAttributes"


def validate_access(spec: Mapping[str, Any]) -> list[FieldError]:
    """A resource or a path, not both."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    errors = []
    if resource is not None and path is not None:
        detail = "cannot be specified in combination with resourceAttributes"
        errors.append(invalid(_PATH, path, detail))
    if resource is None and path is None:
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        errors.append(invalid(_RESOURCE, None, detail))
    for name in ("fieldSelector", "labelSelector"):
        selector = (resource or {}).get(name)
        if selector is not None:
            errors += _validate_selector(selector, f"{_RESOURCE}.{name}")
    return errors


def validate_subject(spec: Mapping[str, Any]) -> list[FieldError]:
    if spec.get("user") or spec.get("groups"):
        return []
    return [invalid("spec.user", "", "at least one of user or group must be specified")]


def validate_metadata(review: Object) -> list[FieldError]:
    metadata = _given(review)
    return [invalid("metadata", metadata, "must be empty")] if metadata else []


def validate_local(review: Object, spec: Mapping[str, Any]) -> list[FieldError]:
    """Of a LocalSubjectAccessReview, whose namespace is set."""
    errors = []
    metadata = _given(review)
    namespace = metadata.pop("namespace", "")
    if metadata:
        errors.append(invalid("metadata", metadata, "must be empty except for namespace"))
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and (resource.get("namespace") or "") != namespace:
        where = f"{_RESOURCE}.namespace"
        errors.append(invalid(where, resource.get("namespace"), "must match metadata.namespace"))
    if path is not None:
        errors.append(invalid(_PATH, path, "disallowed on this kind of request"))
    return errors


def _given(review: Object) -> Object:
    metadata = review.get("metadata") or {}
    return {name: value for name, value in metadata.items() if value and name != "managedFields"}


def _validate_selector(selector: Mapping[str, Any], path: str) -> list[FieldError]:
    raw, requirements = selector.get("rawSelector"), selector.get("requirements")
    if raw and requirements:
        detail = "may not specified at the same time as requirements"
        return [invalid(f"{path}.rawSelector", raw, detail)]
    if not raw and not requirements:
        detail = f"when {path} is specified, requirements or rawSelector is required"
        return [required(f"{path}.requirements", detail)]
    return []
