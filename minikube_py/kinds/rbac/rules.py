"""What Role and ClusterRole share: the shape of a rule, and of the table.

The matching of rules to requests is the authorizer's; here is only what may be stored.
"""

from collections.abc import Sequence

from minikube_py.kinds.columns import NAME, UNKNOWN, from_path
from minikube_py.kinds.fields import invalid, required
from minikube_py.kinds.kind import Column
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

GROUP = "rbac.authorization.k8s.io"
ROLE_COLUMNS = (
    NAME,
    Column(
        "Created At",
        from_path("metadata", "creationTimestamp", default=UNKNOWN),
        type="date",
        description="When the role was created, metadata.creationTimestamp.",
    ),
)


def validate_rules(obj: Object, *, namespaced: bool) -> Sequence[FieldError]:
    errors = []
    for index, rule in enumerate(obj.get("rules") or []):
        errors += _validate_rule(rule, f"rules[{index}]", namespaced=namespaced)
    return errors


def _validate_rule(rule: Object, path: str, *, namespaced: bool) -> list[FieldError]:
    errors = []
    if not rule.get("verbs"):
        errors.append(required(f"{path}.verbs", "verbs must contain at least one value"))
    if rule.get("nonResourceURLs"):
        return errors + _validate_urls(rule, f"{path}.nonResourceURLs", namespaced=namespaced)
    if not rule.get("apiGroups"):
        detail = "resource rules must supply at least one api group"
        errors.append(required(f"{path}.apiGroups", detail))
    if not rule.get("resources"):
        detail = "resource rules must supply at least one resource"
        errors.append(required(f"{path}.resources", detail))
    if rule.get("resourceNames") and len(rule.get("resources") or []) > 1:
        detail = "resource names cannot apply to multiple resources"
        errors.append(required(f"{path}.resourceNames", detail))
    return errors


def _validate_urls(rule: Object, path: str, *, namespaced: bool) -> list[FieldError]:
    urls, errors = rule["nonResourceURLs"], []
    if namespaced:
        errors.append(invalid(path, urls, "namespaced rules cannot apply to non-resource URLs"))
    if any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
        detail = "rules cannot apply to both regular resources and non-resource URLs"
        errors.append(invalid(path, urls, detail))
    return errors
