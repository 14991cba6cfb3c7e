"""A HorizontalPodAutoscaler in autoscaling/v2, the version that is stored."""

from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.autoscaling.metrics import default_metrics, metrics_text, validate_metrics
from minikube_py.kinds.columns import AGE, NAME, UNSET, from_object, from_path
from minikube_py.kinds.fields import check, check_choice, invalid, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.status_counts import status_counts
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_MAX_PERIOD = 1800
_MAX_WINDOW = 3600


def default_autoscaler(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    if spec.get("minReplicas") is None:
        spec["minReplicas"] = 1
    default_metrics(spec)
    behavior = spec.get("behavior")
    if behavior is None:
        return
    percent = {"type": "Percent", "value": 100, "periodSeconds": 15}
    pods = {"type": "Pods", "value": 4, "periodSeconds": 15}
    up = {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [pods, percent]}
    down = {"selectPolicy": "Max", "policies": [dict(percent)]}
    for direction, rules in (("scaleUp", up), ("scaleDown", down)):
        given = behavior.get(direction) or {}
        set_ = {field: value for field, value in given.items() if value is not None}
        behavior[direction] = {**rules, **set_}


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {"desiredReplicas": 0}


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    errors = []
    if least is not None and least < 1:
        errors.append(invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        errors.append(invalid("spec.maxReplicas", most, "must be greater than 0"))
    if least is not None and most < least:
        detail = "must be greater than or equal to `minReplicas`"
        errors.append(invalid("spec.maxReplicas", most, detail))
    errors += _validate_reference(spec.get("scaleTargetRef") or {}, "spec.scaleTargetRef")
    errors += validate_metrics(spec.get("metrics") or [], "spec.metrics")
    behavior = spec.get("behavior") or {}
    for direction in ("scaleUp", "scaleDown"):
        if behavior.get(direction) is not None:
            errors += _validate_rules(behavior[direction], f"spec.behavior.{direction}")
    return errors


def _validate_reference(reference: Object, path: str) -> list[FieldError]:
    errors = []
    for field in ("kind", "name"):
        if not reference.get(field):
            errors.append(required(f"{path}.{field}"))
        else:
            errors += check(f"{path}.{field}", reference[field], names.path_segment_problem)
    return errors


def _validate_rules(rules: Object, path: str) -> list[FieldError]:
    at, window = f"{path}.stabilizationWindowSeconds", rules.get("stabilizationWindowSeconds")
    errors = []
    if window is not None and window < 0:
        errors.append(invalid(at, window, "must be greater than or equal to zero"))
    if window is not None and window > _MAX_WINDOW:
        errors.append(invalid(at, window, f"must be less than or equal to {_MAX_WINDOW}"))
    choices, select = ("Disabled", "Max", "Min"), rules.get("selectPolicy")
    errors += check_choice(f"{path}.selectPolicy", select, choices, must_be_set=False)
    policies = rules.get("policies") or []
    if not policies:
        errors.append(required(f"{path}.policies", "must specify at least one Policy"))
    for index, policy in enumerate(policies):
        errors += _validate_policy(policy, f"{path}.policies[{index}]")
    return errors


def _validate_policy(policy: Object, path: str) -> list[FieldError]:
    errors = check_choice(f"{path}.type", policy.get("type"), ("Percent", "Pods"))
    for field in ("value", "periodSeconds"):
        number = policy.get(field) or 0
        if number <= 0:
            errors.append(invalid(f"{path}.{field}", number, "must be greater than zero"))
    period = policy.get("periodSeconds") or 0
    if period > _MAX_PERIOD:
        detail = f"must be less than or equal to {_MAX_PERIOD}"
        errors.append(invalid(f"{path}.periodSeconds", period, detail))
    return errors


validate_status = status_counts("currentReplicas", "desiredReplicas")


def _reference(obj: Object) -> str:
    target = get_path(obj, "spec", "scaleTargetRef", default={})
    return f"{target.get('kind') or ''}/{target.get('name') or ''}"


def _least(obj: Object) -> str:
    least = get_path(obj, "spec", "minReplicas")
    return UNSET if least is None else str(least)


def _integer(*path: str) -> Any:
    return from_path(*path, default=0)


def columns(metrics: Any = metrics_text) -> tuple[Column, ...]:
    """`metrics` gives the targets as text, from whichever version."""
    return (
        NAME,
        Column("Reference", from_object(_reference), description="What is scaled."),
        Column(
            "Targets", from_object(metrics), description="Each metric as it is, and its target."
        ),
        Column("MinPods", from_object(_least), description="The least Pods there may be."),
        Column(
            "MaxPods",
            _integer("spec", "maxReplicas"),
            type="integer",
            description="The most Pods there may be.",
        ),
        Column(
            "Replicas",
            _integer("status", "currentReplicas"),
            type="integer",
            description="How many Pods there were when last seen.",
        ),
        AGE,
    )


KIND = Kind(
    group="autoscaling",
    version="v2",
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    columns=columns(),
    short_names=("hpa",),
    categories=("all",),
    has_generation=False,
    default=default_autoscaler,
    prepare=prepare,
    validate_create=validate_create,
    validate_status=validate_status,
)
