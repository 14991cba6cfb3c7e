"""The metrics an autoscaler (autoscaling/v2) goes by: default, rules, and how kubectl shows them.

Rules follow pkg/apis/autoscaling/validation, the text printers.go's formatHPAMetrics.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minikube_py.kinds.columns import NONE, UNKNOWN
from minikube_py.kinds.fields import check, forbidden, invalid, not_supported, required
from minikube_py.kinds.quantities import canonical
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import parse_quantity

# (type, the field that describes it)
SOURCES = {
    "Object": "object",
    "External": "external",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}
DEFAULT_CPU_UTILIZATION = 80
_SHOWN = 2


def default_metrics(spec: Object) -> None:
    """Of an autoscaler's spec: CPU, and canonical quantities."""
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": DEFAULT_CPU_UTILIZATION}
        cpu = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
        spec["metrics"] = [cpu]
    for metric in spec["metrics"]:
        target = get_path(metric, SOURCES.get(metric.get("type"), ""), "target", default={})
        for field in ("value", "averageValue"):
            if target.get(field) is not None:
                target[field] = canonical(target[field])


def validate_metrics(metrics: Sequence[Object], path: str) -> list[FieldError]:
    errors = []
    for index, metric in enumerate(metrics):
        errors += _validate_metric(metric, f"{path}[{index}]")
    return errors


def _validate_metric(metric: Object, path: str) -> list[FieldError]:
    type_ = metric.get("type") or ""
    errors = []
    if not type_:
        errors.append(required(f"{path}.type", "must specify a metric source type"))
    if type_ not in SOURCES:
        errors.append(not_supported(f"{path}.type", type_, SOURCES))
    present = [field for field in SOURCES.values() if metric.get(field) is not None]
    if present:
        errors += _VALIDATE[present[0]](metric[present[0]], f"{path}.{present[0]}")
    expected = SOURCES.get(type_)
    if expected and expected not in present:
        detail = "must populate information for the given metric source"
        errors.append(required(f"{path}.{expected}", detail))
    if len(present) != 1:
        detail = "must populate the given metric source only"
        errors += [forbidden(f"{path}.{field}", detail) for field in present if field != expected]
    return errors


def _validate_object(source: Object, path: str) -> list[FieldError]:
    described, target = source.get("describedObject") or {}, source.get("target") or {}
    errors = []
    for field in ("kind", "name"):
        if not described.get(field):
            errors.append(required(f"{path}.describedObject.{field}"))
        else:
            at = f"{path}.describedObject.{field}"
            errors += check(at, described[field], names.path_segment_problem)
    errors += _validate_identifier(source, path)
    errors += _validate_target(target, f"{path}.target")
    if _unset(target, "value") and _unset(target, "averageValue"):
        detail = "must set either a target value or averageValue"
        errors.append(required(f"{path}.target.averageValue", detail))
    return errors


def _validate_external(source: Object, path: str) -> list[FieldError]:
    target = source.get("target") or {}
    errors = _validate_identifier(source, path) + _validate_target(target, f"{path}.target")
    if _unset(target, "value") and _unset(target, "averageValue"):
        detail = "must set either a target value for metric or a per-pod target"
        errors.append(required(f"{path}.target.averageValue", detail))
    if not _unset(target, "value") and not _unset(target, "averageValue"):
        detail = "may not set both a target value for metric and a per-pod target"
        errors.append(forbidden(f"{path}.target.value", detail))
    return errors


def _validate_pods(source: Object, path: str) -> list[FieldError]:
    target = source.get("target") or {}
    errors = _validate_identifier(source, path) + _validate_target(target, f"{path}.target")
    if _unset(target, "averageValue"):
        detail = "must specify a positive target averageValue"
        errors.append(required(f"{path}.target.averageValue", detail))
    return errors


def _validate_resource(source: Object, path: str) -> list[FieldError]:
    target, at = source.get("target") or {}, f"{path}.target"
    errors = []
    if not source.get("name"):
        errors.append(required(f"{path}.name", "must specify a resource name"))
    errors += _validate_target(target, at)
    if _unset(target, "averageUtilization") and _unset(target, "averageValue"):
        detail = "must set either a target raw value or a target utilization"
        errors.append(required(f"{at}.averageUtilization", detail))
    if not _unset(target, "averageUtilization") and not _unset(target, "averageValue"):
        detail = "may not set both a target raw value and a target utilization"
        errors.append(forbidden(f"{at}.averageValue", detail))
    return errors


def _validate_container(source: Object, path: str) -> list[FieldError]:
    errors = []
    if not source.get("container"):
        errors.append(required(f"{path}.container", "must specify a container"))
    else:
        errors += check(f"{path}.container", source["container"], names.label_problem)
    return errors + _validate_resource(source, path)


_VALIDATE: Mapping[str, Callable[[Object, str], list[FieldError]]] = {
    "object": _validate_object,
    "external": _validate_external,
    "pods": _validate_pods,
    "resource": _validate_resource,
    "containerResource": _validate_container,
}


def _validate_identifier(source: Object, path: str) -> list[FieldError]:
    name = get_path(source, "metric", "name")
    if not name:
        return [required(f"{path}.metric.name", "must specify a metric name")]
    return check(f"{path}.metric.name", name, names.path_segment_problem)


def _validate_target(target: Object, path: str) -> list[FieldError]:
    type_ = target.get("type") or ""
    errors = []
    if not type_:
        errors.append(required(f"{path}.type", "must specify a metric target type"))
    if type_ not in ("Utilization", "Value", "AverageValue"):
        detail = "must be either Utilization, Value, or AverageValue"
        errors.append(invalid(f"{path}.type", type_, detail))
    errors += [
        invalid(f"{path}.{field}", str(target[field]), "must be positive")
        for field in ("value", "averageValue")
        if not _unset(target, field) and parse_quantity(target[field]) <= 0
    ]
    utilization = target.get("averageUtilization")
    if utilization is not None and utilization < 1:
        errors.append(invalid(f"{path}.averageUtilization", utilization, "must be greater than 0"))
    return errors


def _unset(target: Object, field: str) -> bool:
    return target.get(field) is None


# --- as kubectl shows them -----------------------------------------------------------------------


def metrics_text(obj: Object) -> str:
    """`cpu: 12%/80%, <unknown>/3 + 1 more...`."""
    metrics = get_path(obj, "spec", "metrics", default=[])
    if not metrics:
        return NONE
    statuses = get_path(obj, "status", "currentMetrics", default=[])
    shown = [
        _metric_text(metric, statuses[index] if index < len(statuses) else {})
        for index, metric in enumerate(metrics[:_SHOWN])
    ]
    text = ", ".join(shown)
    return f"{text} + {len(metrics) - _SHOWN} more..." if len(metrics) > _SHOWN else text


def _metric_text(metric: Object, status: Object) -> str:
    field = SOURCES.get(metric.get("type") or "")
    if field is None:
        return "<unknown type>"
    source = metric.get(field) or {}
    target = source.get("target") or {}
    current = get_path(status, field, "current", default={})
    if field in ("resource", "containerResource"):
        return f"{source.get('name')}: {_resource_text(target, current)}"
    average = target.get("averageValue")
    if average is not None:
        suffix = "" if field == "pods" else " (avg)"
        return f"{_known(current.get('averageValue'))}/{average}{suffix}"
    return f"{_known(current.get('value'))}/{target.get('value')}"


def _resource_text(target: Object, current: Object) -> str:
    if target.get("averageValue") is not None:
        return f"{_known(current.get('averageValue'))}/{target['averageValue']}"
    used, wanted = current.get("averageUtilization"), target.get("averageUtilization")
    left = UNKNOWN if used is None else f"{used}%"
    return f"{left}/{'<auto>' if wanted is None else f'{wanted}%'}"


def _known(value: Any) -> str:
    return UNKNOWN if value is None else str(value)
