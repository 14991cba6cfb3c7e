"""A Role: what may be done inside one namespace."""

from collections.abc import Sequence

from minikube_py.kinds.kind import Kind
from minikube_py.kinds.rbac.rules import GROUP, ROLE_COLUMNS, validate_rules
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import path_segment_problem
from minikube_py.meta.objects import Object


def validate_create(obj: Object) -> Sequence[FieldError]:
    return validate_rules(obj, namespaced=True)


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="Role",
    plural="roles",
    columns=ROLE_COLUMNS,
    has_status=False,
    has_generation=False,
    name_problem=path_segment_problem,
    validate_create=validate_create,
)
