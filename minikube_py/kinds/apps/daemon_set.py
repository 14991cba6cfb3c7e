"""A DaemonSet: one Pod of a template on each node that it fits."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object, from_path, labels_text
from minikube_py.kinds.fields import (
    check_choice,
    check_immutable,
    check_not_negative,
    invalid,
    required,
)
from minikube_py.kinds.int_or_percent import check_int_or_percent, is_zero
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.pod_template import (
    default_template,
    template_containers_columns,
    validate_selector_and_template,
)
from minikube_py.kinds.status_counts import status_counts
from minikube_py.meta.errors import BadRequest, FieldError
from minikube_py.meta.objects import Object, annotations_of, get_path
from minikube_py.meta.selectors import format_label_selector

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
"""Counts the templates; older than ControllerRevisions, still written by Kubernetes."""
_ROLLING = "RollingUpdate"
_COUNTS = (
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
)
_OTHER_COUNTS = (
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
)


def default_daemon_set(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    if spec.get("revisionHistoryLimit") is None:
        spec["revisionHistoryLimit"] = 10
    strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
    if not strategy.get("type"):
        strategy["type"] = _ROLLING
    if strategy["type"] == _ROLLING:
        rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        for field, value in (("maxUnavailable", 1), ("maxSurge", 0)):
            if rolling.get(field) is None:
                rolling[field] = value
    default_template(spec)


def prepare(new: Object, old: Object | None) -> None:
    """The count of templates is the server's; raises BadRequest for one that is no number."""
    if old is None:
        new["status"] = dict.fromkeys(_COUNTS, 0)
        generation = max(_template_generation(new), 1)
    else:
        changed = get_path(new, "spec", "template") != get_path(old, "spec", "template")
        generation = _template_generation(old) + changed
    annotations = {**annotations_of(new), TEMPLATE_GENERATION: str(generation)}
    new["metadata"]["annotations"] = annotations


def _template_generation(obj: Object) -> int:
    text = annotations_of(obj).get(TEMPLATE_GENERATION, "0")
    try:
        return int(text)
    except ValueError as error:
        raise BadRequest(
            f"metadata.annotations[{TEMPLATE_GENERATION}]: {text!r} is not an integer: leave the "
            "annotation out, the server sets it"
        ) from error


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = validate_selector_and_template(spec, "daemonset", owner="DaemonSet")
    for field in ("minReadySeconds", "revisionHistoryLimit"):
        errors += check_not_negative(f"spec.{field}", spec.get(field))
    return errors + _validate_strategy(spec.get("updateStrategy") or {})


def _validate_strategy(strategy: Object) -> list[FieldError]:
    at = "spec.updateStrategy"
    errors = check_choice(f"{at}.type", strategy.get("type"), ("OnDelete", _ROLLING))
    if errors or strategy["type"] == "OnDelete":
        return errors
    rolling = strategy.get("rollingUpdate") or {}
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    at = f"{at}.rollingUpdate"
    errors += check_int_or_percent(f"{at}.maxUnavailable", unavailable, at_most_all=True)
    errors += check_int_or_percent(f"{at}.maxSurge", surge, at_most_all=True)
    if errors:
        return errors
    if not is_zero(unavailable) and not is_zero(surge):
        detail = "may not be set when maxUnavailable is non-zero"
        errors.append(invalid(f"{at}.maxSurge", surge, detail))
    if is_zero(unavailable) and is_zero(surge):
        errors.append(required(f"{at}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    path = ("spec", "selector")
    return check_immutable("spec.selector", get_path(new, *path), get_path(old, *path))


def _count(name: str, field: str, description: str) -> Column:
    value = from_path("status", field, default=0)
    return Column(name, value, type="integer", description=description)


def _node_selector(obj: Object) -> str:
    return labels_text(get_path(obj, "spec", "template", "spec", "nodeSelector"))


KIND = Kind(
    group="apps",
    version="v1",
    kind="DaemonSet",
    plural="daemonsets",
    columns=(
        NAME,
        _count("Desired", "desiredNumberScheduled", "How many nodes should run its Pod."),
        _count("Current", "currentNumberScheduled", "How many nodes that should run it do."),
        _count("Ready", "numberReady", "How many of its Pods are ready."),
        _count("Up-to-date", "updatedNumberScheduled", "How many have the newest template."),
        _count("Available", "numberAvailable", "How many have been ready for minReadySeconds."),
        Column(
            "Node Selector",
            from_object(_node_selector),
            description="Labels of the nodes that should run its Pod.",
        ),
        AGE,
        *template_containers_columns(),
        Column(
            "Selector",
            from_object(lambda obj: format_label_selector(get_path(obj, "spec", "selector"))),
            priority=1,
            description="Labels of the pods that belong to the DaemonSet.",
        ),
    ),
    short_names=("ds",),
    categories=("all",),
    default=default_daemon_set,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
    validate_status=status_counts(*_COUNTS, *_OTHER_COUNTS),
)
