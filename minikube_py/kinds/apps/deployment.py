"""A Deployment: Pods of one template, replaced gradually when the template changes."""

from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.columns import AGE, NAME, from_object, from_path
from minikube_py.kinds.fields import (
    check_choice,
    check_immutable,
    check_not_negative,
    forbidden,
    invalid,
    required,
)
from minikube_py.kinds.int_or_percent import check_int_or_percent, is_zero
from minikube_py.kinds.kind import Column, Kind, Scale
from minikube_py.kinds.pod_template import (
    default_template,
    template_containers_columns,
    validate_selector_and_template,
)
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.selectors import format_label_selector

_ROLLING = "RollingUpdate"


def default_deployment(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    defaults = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600}
    for field, value in defaults.items():
        if spec.get(field) is None:
            spec[field] = value
    strategy = spec["strategy"] = spec.get("strategy") or {}
    if not strategy.get("type"):
        strategy["type"] = _ROLLING
    if strategy["type"] == _ROLLING:
        rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        for field in ("maxUnavailable", "maxSurge"):
            if rolling.get(field) is None:
                rolling[field] = "25%"
    default_template(spec)


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {}


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    ready, deadline = spec.get("minReadySeconds") or 0, spec.get("progressDeadlineSeconds")
    errors = []
    for field in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        errors += check_not_negative(f"spec.{field}", spec.get(field))
    errors += validate_selector_and_template(spec, "deployment")
    errors += _validate_strategy(spec.get("strategy") or {})
    errors += check_not_negative("spec.progressDeadlineSeconds", deadline)
    if deadline is not None and deadline <= ready:
        at = "spec.progressDeadlineSeconds"
        errors.append(invalid(at, deadline, "must be greater than minReadySeconds"))
    return errors


def _validate_strategy(strategy: Object) -> list[FieldError]:
    type_, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    at = "spec.strategy.rollingUpdate"
    errors = check_choice("spec.strategy.type", type_, ("Recreate", _ROLLING))
    if errors:
        return errors
    if type_ == "Recreate":
        detail = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden(at, detail)] if rolling else []
    if not rolling:
        return [required(at, "this should be defaulted and never be nil")]
    return _validate_rolling(rolling, at)


def _validate_rolling(rolling: Object, path: str) -> list[FieldError]:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    errors = check_int_or_percent(f"{path}.maxUnavailable", unavailable, at_most_all=True)
    errors += check_int_or_percent(f"{path}.maxSurge", surge)
    if not errors and is_zero(unavailable) and is_zero(surge):
        detail = "may not be 0 when `maxSurge` is 0"
        errors.append(invalid(f"{path}.maxUnavailable", unavailable, detail))
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    path = ("spec", "selector")
    return check_immutable("spec.selector", get_path(new, *path), get_path(old, *path))


def _ready(obj: Object) -> str:
    ready = get_path(obj, "status", "readyReplicas", default=0)
    return f"{ready}/{get_path(obj, 'spec', 'replicas', default=0)}"


def _selector(obj: Object) -> str:
    return format_label_selector(get_path(obj, "spec", "selector"))


def _count(*path: str, name: str, description: str) -> Column:
    value: Any = from_path(*path, default=0)
    return Column(name, value, type="integer", description=description)


KIND = Kind(
    group="apps",
    version="v1",
    kind="Deployment",
    plural="deployments",
    columns=(
        NAME,
        Column(
            "Ready",
            from_object(_ready),
            description="Number of the pod with ready state",
        ),
        _count(
            "status",
            "updatedReplicas",
            name="Up-to-date",
            description="How many pods have the newest template.",
        ),
        _count(
            "status",
            "availableReplicas",
            name="Available",
            description="How many pods have been ready for minReadySeconds.",
        ),
        AGE,
        *template_containers_columns(),
        Column(
            "Selector",
            from_object(_selector),
            priority=1,
            description="Labels of the pods that belong to the Deployment.",
        ),
    ),
    short_names=("deploy",),
    categories=("all",),
    scale=Scale(selector=_selector),
    default=default_deployment,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
)
