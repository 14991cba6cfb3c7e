"""A ClusterRole: what may be done in all namespaces and outside them.

With an aggregationRule a controller fills in the rules from the ClusterRoles it selects.
"""

from collections.abc import Sequence

from minikube_py.kinds.fields import required, validate_selector
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.rbac.rules import GROUP, ROLE_COLUMNS, validate_rules
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import path_segment_problem
from minikube_py.meta.objects import Object


def validate_create(obj: Object) -> Sequence[FieldError]:
    errors = [*validate_rules(obj, namespaced=False)]
    aggregation = obj.get("aggregationRule")
    if aggregation is None:
        return errors
    path = "aggregationRule.clusterRoleSelectors"
    selectors = aggregation.get("clusterRoleSelectors")
    if not selectors:
        detail = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        errors.append(required(path, detail))
    for index, selector in enumerate(selectors or []):
        errors += validate_selector(selector, f"{path}[{index}]")
    return errors


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="ClusterRole",
    plural="clusterroles",
    columns=ROLE_COLUMNS,
    namespaced=False,
    has_status=False,
    has_generation=False,
    name_problem=path_segment_problem,
    validate_create=validate_create,
)
