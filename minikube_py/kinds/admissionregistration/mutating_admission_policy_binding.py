"""A MutatingAdmissionPolicyBinding: where a mutating policy works, and with which parameters."""

from collections.abc import Sequence

from minikube_py.kinds.admissionregistration.policies import (
    BINDING_COLUMNS,
    default_binding,
    validate_binding,
    validate_operations,
)
from minikube_py.kinds.admissionregistration.rules import GROUP, MUTATING_OPERATIONS
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    field = "matchResources"
    return validate_binding(spec) + validate_operations(spec.get(field), MUTATING_OPERATIONS, field)


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="MutatingAdmissionPolicyBinding",
    plural="mutatingadmissionpolicybindings",
    columns=BINDING_COLUMNS,
    categories=("api-extensions",),
    namespaced=False,
    has_status=False,
    default=default_binding,
    validate_create=validate_create,
)
