"""An APIService: who serves one version of an API group, this server or a Service."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.fields import check, invalid, not_supported, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, find_condition, get_path, name_of

_DEFAULT_PORT = 443
_STATUSES = ("True", "False", "Unknown")


def default_api_service(obj: Object) -> None:
    service = get_path(obj, "spec", "service")
    if service is not None and service.get("port") is None:
        service["port"] = _DEFAULT_PORT


def prepare(new: Object, old: Object | None) -> None:
    """What this server serves is there from the first moment on."""
    if old is not None:
        return
    new["status"] = {}
    if get_path(new, "spec", "service") is None:
        condition = {
            "type": "Available",
            "status": "True",
            "reason": "Local",
            "message": "Local APIServices are always available",
            "lastTransitionTime": get_path(new, "metadata", "creationTimestamp"),
        }
        new["status"] = {"conditions": [condition]}


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    group, version = spec.get("group") or "", spec.get("version") or ""
    errors = _validate_name(name_of(obj), f"{version}.{group}")
    if group:
        errors += check("spec.group", group, names.subdomain_problem)
    elif version != "v1":
        detail = "only v1 may have an empty group and it better be legacy kube"
        errors.append(required("spec.group", detail))
    errors += check("spec.version", version, names.dns1035_problem)
    errors += _validate_priority(spec, "groupPriorityMinimum", 20000)
    errors += _validate_priority(spec, "versionPriority", 1000)
    service = spec.get("service")
    return errors + (_validate_local(spec) if service is None else _validate_remote(spec, service))


def _validate_name(name: str, needed: str) -> list[FieldError]:
    if not name or names.path_segment_problem(name) or name == needed:
        return []  # the first two are told by the metadata's own checks
    return [invalid("metadata.name", name, f'must be `spec.version+"."+spec.group`: "{needed}"')]


def _validate_priority(spec: Object, field: str, limit: int) -> list[FieldError]:
    value = spec.get(field) or 0
    if 0 < value <= limit:
        return []
    return [invalid(f"spec.{field}", value, f"must be positive and less than {limit}")]


def _validate_local(spec: Object) -> list[FieldError]:
    errors = []
    if spec.get("caBundle"):
        detail = "local APIServices may not have a caBundle"
        errors.append(invalid("spec.caBundle", f"{len(spec['caBundle'])} bytes", detail))
    if spec.get("insecureSkipTLSVerify"):
        detail = "local APIServices may not have insecureSkipTLSVerify"
        errors.append(invalid("spec.insecureSkipTLSVerify", True, detail))
    return errors


def _validate_remote(spec: Object, service: Object) -> list[FieldError]:
    errors = [
        required(f"spec.service.{field}")
        for field in ("namespace", "name")
        if not service.get(field)
    ]
    if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
        detail = "may not be true if caBundle is present"
        errors.append(invalid("spec.insecureSkipTLSVerify", True, detail))
    return errors


def validate_status(new: Object, _old: Object) -> Sequence[FieldError]:
    conditions = get_path(new, "status", "conditions", default=[])
    return [
        not_supported(f"status.conditions[{index}].status", condition.get("status"), _STATUSES)
        for index, condition in enumerate(conditions)
        if condition.get("status") not in _STATUSES
    ]


def _service(obj: Object) -> str:
    service = get_path(obj, "spec", "service")
    if service is None:
        return "Local"
    return f"{service.get('namespace') or ''}/{service.get('name') or ''}"


def _available(obj: Object) -> str:
    condition = find_condition(obj, "Available")
    if condition is None:
        return "Unknown"
    status, reason = str(condition.get("status") or "Unknown"), condition.get("reason")
    return f"{status} ({reason})" if reason and status != "True" else status


KIND = Kind(
    group="apiregistration.k8s.io",
    version="v1",
    kind="APIService",
    plural="apiservices",
    columns=(
        NAME,
        Column(
            "Service",
            from_object(_service),
            description="The Service that serves this version, Local for this server itself.",
        ),
        Column("Available", from_object(_available), description="Whether it can be reached."),
        AGE,
    ),
    categories=("api-extensions",),
    namespaced=False,
    has_generation=False,
    name_problem=names.path_segment_problem,
    default=default_api_service,
    prepare=prepare,
    validate_create=validate_create,
    validate_status=validate_status,
)
