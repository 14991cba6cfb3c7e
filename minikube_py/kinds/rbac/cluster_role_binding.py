"""A ClusterRoleBinding: a ClusterRole given to subjects everywhere."""

from collections.abc import Sequence

from minikube_py.kinds.kind import Kind
from minikube_py.kinds.rbac.bindings import (
    BINDING_COLUMNS,
    default_binding,
    validate_binding,
    validate_binding_update,
)
from minikube_py.kinds.rbac.rules import GROUP
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import path_segment_problem
from minikube_py.meta.objects import Object


def validate_create(obj: Object) -> Sequence[FieldError]:
    return validate_binding(obj, role_kinds=("ClusterRole",), namespaced=False)


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="ClusterRoleBinding",
    plural="clusterrolebindings",
    columns=BINDING_COLUMNS,
    namespaced=False,
    has_status=False,
    has_generation=False,
    name_problem=path_segment_problem,
    default=default_binding,
    validate_create=validate_create,
    validate_update=validate_binding_update,
)
