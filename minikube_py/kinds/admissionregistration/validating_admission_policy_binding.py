"""A ValidatingAdmissionPolicyBinding: where a policy holds, with which parameters, and how hard."""

from collections.abc import Sequence

from minikube_py.kinds.admissionregistration.policies import (
    BINDING_COLUMNS,
    default_binding,
    validate_binding,
)
from minikube_py.kinds.admissionregistration.rules import GROUP
from minikube_py.kinds.fields import check_unique, invalid, not_supported, required
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_ACTIONS = ("Audit", "Deny", "Warn")
_TWICE = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the "
    "API response and headers serves no purpose)"
)


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    return validate_binding(spec) + _validate_actions(spec.get("validationActions") or [])


def _validate_actions(actions: Sequence[str]) -> list[FieldError]:
    path = "spec.validationActions"
    if not actions:
        return [required(path, "at least one validation action is required")]
    errors = [
        not_supported(f"{path}[{index}]", action, _ACTIONS)
        for index, action in enumerate(actions)
        if action not in _ACTIONS
    ]
    errors += check_unique(path, actions)
    if "Deny" in actions and "Warn" in actions:
        errors.append(invalid(path, actions, _TWICE))
    return errors


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="ValidatingAdmissionPolicyBinding",
    plural="validatingadmissionpolicybindings",
    columns=BINDING_COLUMNS,
    categories=("api-extensions",),
    namespaced=False,
    has_status=False,
    default=default_binding,
    validate_create=validate_create,
)
