"""Names of resources as limits and quotas know them (pkg/apis/core/helper and validation)."""

from minikube_py.kinds.fields import check, invalid
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import qualified_name_problem

_CONTAINER = frozenset({"cpu", "memory", "ephemeral-storage"})
_COMPUTE = frozenset(
    f"{prefix}{name}" for prefix in ("", "requests.", "limits.") for name in _CONTAINER
)
COUNTED = frozenset(
    {
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    }
)
_QUOTA = _COMPUTE | COUNTED | {"requests.storage"}
_STANDARD = _QUOTA | {"storage"}


def validate_resource_name(name: str, path: str) -> list[FieldError]:
    errors = check(path, name, qualified_name_problem)
    if errors or "/" in name or name in _STANDARD or _is_huge_page(name):
        return errors
    return [invalid(path, name, "must be a standard resource type or fully qualified")]


def validate_container_resource_name(name: str, path: str) -> list[FieldError]:
    errors = check(path, name, qualified_name_problem)
    if errors or "/" in name or name in _CONTAINER or name.startswith("hugepages-"):
        return errors
    return [invalid(path, name, "must be a standard resource for containers")]


def validate_quota_name(name: str, path: str) -> list[FieldError]:
    errors = validate_resource_name(name, path)
    if "/" not in name and not is_quota_name(name):
        errors.append(invalid(path, name, "must be a standard resource for quota"))
    return errors


def is_quota_name(name: str) -> bool:
    return name in _QUOTA or _is_huge_page(name)


def is_counted(name: str) -> bool:
    """Comes in whole numbers only."""
    return name in COUNTED or _is_extended(name)


def may_overcommit(name: str) -> bool:
    native = "/" not in name or "kubernetes.io/" in name
    return native and not name.startswith("hugepages-")


def _is_extended(name: str) -> bool:
    if "/" not in name or "kubernetes.io/" in name or name.startswith("requests."):
        return False
    return qualified_name_problem(f"requests.{name}") is None


def _is_huge_page(name: str) -> bool:
    return name.startswith(("hugepages-", "requests.hugepages-"))
