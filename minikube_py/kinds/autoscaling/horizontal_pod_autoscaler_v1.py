"""autoscaling/v1: the same autoscaler as its first clients know it, with CPU its only metric.

What v1 has no field for travels in annotations, so that reading and writing through v1 loses
nothing (pkg/apis/autoscaling/v1/conversion.go).
"""

import json
from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.autoscaling import horizontal_pod_autoscaler as v2
from minikube_py.kinds.autoscaling.metrics import SOURCES, metrics_text
from minikube_py.kinds.kind import Kind, StoredAs
from minikube_py.kinds.openapi import Schema, schema_for
from minikube_py.kinds.type_check import check_value
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, annotations_of, get_path

_PREFIX = "autoscaling.alpha.kubernetes.io"
_METRICS = f"{_PREFIX}/metrics"
_CURRENT_METRICS = f"{_PREFIX}/current-metrics"
_BEHAVIOR = f"{_PREFIX}/behavior"
_CONDITIONS = f"{_PREFIX}/conditions"
# Where in v2 it belongs, and which side of a metric it tells.
_CARRIED = {
    _METRICS: (("spec", "metrics"), "target"),
    _CURRENT_METRICS: (("status", "currentMetrics"), "current"),
    _BEHAVIOR: (("spec", "behavior"), ""),
    _CONDITIONS: (("status", "conditions"), ""),
}
_CPU_STATUS = "currentCPUUtilizationPercentage"
_CPU_TARGET = "targetCPUUtilizationPercentage"
_NUMBERS = ("value", "averageValue", "averageUtilization")
# In annotations the numbers of a metric stand beside its name, under these names.
_TARGET_NAMES = {
    "value": "targetValue",
    "averageValue": "targetAverageValue",
    "averageUtilization": "targetAverageUtilization",
}
_CURRENT_NAMES = {
    "value": "currentValue",
    "averageValue": "currentAverageValue",
    "averageUtilization": "currentAverageUtilization",
}


def to_v2(obj: Object) -> Object:
    spec, status = dict(obj.get("spec") or {}), obj.get("status")
    carried = _carried(obj)
    metrics = list(carried.get(_METRICS) or [])
    cpu = spec.pop(_CPU_TARGET, None)
    if cpu is not None:
        target = {"type": "Utilization", "averageUtilization": cpu}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    if metrics:
        spec["metrics"] = metrics
    if _BEHAVIOR in carried:
        spec["behavior"] = carried[_BEHAVIOR]
    converted = _with_annotations({**obj, "spec": spec}, {})
    if status is not None:
        converted["status"] = _status_to_v2(status, carried)
    return converted


def _status_to_v2(status: Object, carried: dict[str, Any]) -> Object:
    status = dict(status)
    cpu = status.pop(_CPU_STATUS, None)
    if _CURRENT_METRICS in carried:
        status["currentMetrics"] = carried[_CURRENT_METRICS]
    elif cpu is not None:
        current = {"averageUtilization": cpu}
        resource = {"name": "cpu", "current": current}
        status["currentMetrics"] = [{"type": "Resource", "resource": resource}]
    if _CONDITIONS in carried:
        status["conditions"] = carried[_CONDITIONS]
    return status


def _carried(obj: Object) -> dict[str, Any]:
    """What the annotations carry, in the form of v2; what no server can have written is left out,
    as anybody may write annotations.
    """
    found: dict[str, Any] = {}
    for name, (path, side) in _CARRIED.items():
        value = _parsed(annotations_of(obj).get(name))
        if side and isinstance(value, list):
            value = [_metric(one, side) for one in value if _is_metric(one)]
        if value is None:
            continue
        schema: Schema | None = schema_for(v2.KIND)
        for step in path:
            schema = schema.field(step) if schema is not None else None
        if schema is not None and not any(check_value(value, schema)):
            found[name] = value
    return found


def _parsed(text: str | None) -> Any:
    try:
        return json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return None


def _is_metric(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return False
    return isinstance(value.get(SOURCES.get(value["type"], "")), dict)


def to_v1(obj: Object) -> Object:
    spec, status = dict(obj.get("spec") or {}), obj.get("status")
    metrics, behavior = spec.pop("metrics", None) or [], spec.pop("behavior", None)
    cpu = next((target for one in metrics if (target := _cpu_target(one)) is not None), None)
    if cpu is not None:
        spec[_CPU_TARGET] = cpu
    others = [_flat(one, "target") for one in metrics if _cpu_target(one) is None]
    carried: dict[str, Any] = {_METRICS: others, _BEHAVIOR: behavior}
    converted = {**obj, "spec": spec}
    if status is not None:
        converted["status"] = _status_to_v1(status, carried)
    return _with_annotations(converted, carried)


def _status_to_v1(status: Object, carried: dict[str, Any]) -> Object:
    """Puts what is left over into `carried`."""
    status = dict(status)
    current = status.pop("currentMetrics", None) or []
    carried[_CURRENT_METRICS] = [_flat(one, "current") for one in current]
    carried[_CONDITIONS] = status.pop("conditions", None)
    for metric in current:
        used = get_path(metric, "resource", "current", "averageUtilization")
        if get_path(metric, "resource", "name") == "cpu" and used is not None:
            status[_CPU_STATUS] = used
    return {"currentReplicas": 0, **status}


def _cpu_target(metric: Object) -> int | None:
    if metric.get("type") != "Resource" or get_path(metric, "resource", "name") != "cpu":
        return None
    target: int | None = get_path(metric, "resource", "target", "averageUtilization")
    return target


def _flat(metric: Object, side: str) -> Object:
    """A metric of v2, or its status, as v1's annotations tell it; `side` is target or current."""
    field = SOURCES.get(metric.get("type") or "", "")
    source = dict(metric.get(field) or {})
    numbers = source.pop(side, None) or {}
    identifier = source.pop("metric", None) or {}
    described = source.pop("describedObject", None)
    renamed = _names(field, side)
    source.update({renamed[name]: numbers[name] for name in _NUMBERS if name in numbers})
    if identifier:
        source["metricName"] = identifier.get("name")
        if identifier.get("selector") is not None:
            source[_selector_name(field)] = identifier["selector"]
    if described is not None:
        source["target"] = described
    return {"type": metric.get("type"), field: source}


def _metric(flat: Object, side: str) -> Object:
    """The way back of `_flat`."""
    field = SOURCES.get(flat.get("type") or "", "")
    source = dict(flat[field])
    numbers = {
        name: source.pop(flat_name)
        for name, flat_name in _names(field, side).items()
        if flat_name in source
    }
    if "metricName" in source:
        source["metric"] = {"name": source.pop("metricName")}
        if _selector_name(field) in source:
            source["metric"]["selector"] = source.pop(_selector_name(field))
    if field == "object" and "target" in source:
        source["describedObject"] = source.pop("target")
    source[side] = {"type": _target_type(numbers), **numbers} if side == "target" else numbers
    return {"type": flat.get("type"), field: source}


def _target_type(numbers: Object) -> str:
    if "averageUtilization" in numbers:
        return "Utilization"
    return "AverageValue" if "averageValue" in numbers else "Value"


def _names(field: str, side: str) -> dict[str, str]:
    renamed = _TARGET_NAMES if side == "target" else _CURRENT_NAMES
    return {**renamed, "averageValue": "averageValue"} if field == "object" else renamed


def _selector_name(field: str) -> str:
    return "metricSelector" if field == "external" else "selector"


def _with_annotations(obj: Object, carried: dict[str, Any]) -> Object:
    """`obj` with just those of the carrying annotations that have something to carry."""
    kept = {name: text for name, text in annotations_of(obj).items() if name not in _CARRIED}
    for name, value in carried.items():
        if value:
            kept[name] = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "annotations"}
    if kept:
        metadata["annotations"] = kept
    return {**obj, "metadata": metadata}


def default_autoscaler(obj: Object) -> None:
    """As if it were stored and read again."""
    stored = to_v2(obj)
    v2.default_autoscaler(stored)
    converted = to_v1(stored)
    obj.clear()
    obj.update(converted)


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {"currentReplicas": 0, "desiredReplicas": 0}


def validate_create(obj: Object) -> Sequence[FieldError]:
    return v2.validate_create(to_v2(obj))


KIND = Kind(
    group="autoscaling",
    version="v1",
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    columns=v2.columns(lambda obj: metrics_text(to_v2(obj))),
    short_names=("hpa",),
    categories=("all",),
    has_generation=False,
    default=default_autoscaler,
    prepare=prepare,
    validate_create=validate_create,
    validate_status=v2.validate_status,
    stored_as=StoredAs("autoscaling", "v2", to_v2, to_v1),
)
