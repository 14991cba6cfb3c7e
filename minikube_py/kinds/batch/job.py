"""A Job: Pods that run to their end, so many of them, so many at a time."""

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime

from minikube_py.kinds.batch.job_policies import default_failure_policy
from minikube_py.kinds.batch.job_spec import INDEXED, validate_job_spec
from minikube_py.kinds.batch.job_status import validate_status
from minikube_py.kinds.columns import AGE, NAME, age_of, from_object
from minikube_py.kinds.fields import (
    check_immutable,
    invalid,
    required,
    validate_selector,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.pod_template import default_template, template_containers_columns
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import (
    Object,
    get_path,
    is_condition_true,
    is_deleting,
    labels_of,
    name_of,
    uid_of,
)
from minikube_py.meta.selectors import format_label_selector, from_label_selector
from minikube_py.meta.timestamps import human_age, parse_time

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"
_LEGACY_CONTROLLER_UID = "controller-uid"
_LEGACY_JOB_NAME = "job-name"
_MAX_INT32 = 2147483647
# What may change while a suspended Job has not run yet (KEP-2926).
_SCHEDULING_OF_POD = ("nodeSelector", "tolerations", "schedulingGates")


def default_job(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    backoff = 6 if spec.get("backoffLimitPerIndex") is None else _MAX_INT32
    replacement = "TerminatingOrFailed" if spec.get("podFailurePolicy") is None else "Failed"
    for field, value in (
        ("parallelism", 1),
        ("backoffLimit", backoff),
        ("completionMode", "NonIndexed"),
        ("suspend", False),
        ("podReplacementPolicy", replacement),
        ("manualSelector", False),
    ):
        if spec.get(field) is None:
            spec[field] = value
    default_failure_policy(spec)
    default_template(spec)


def prepare(new: Object, old: Object | None) -> None:
    """A new Job gets labels and a selector of its own, by its uid; without labels it has those of
    its Pods.
    """
    if old is None:
        new["status"] = {}
        if not new["spec"].get("manualSelector"):
            _generate_selector(new)
    labels = get_path(new, "spec", "template", "metadata", "labels")
    if labels and not labels_of(new):
        new["metadata"]["labels"] = dict(labels)


def _generate_selector(obj: Object) -> None:
    """What is there already stays, and is refused when it is another's."""
    spec, generated = obj["spec"], _generated_labels(obj)
    metadata = spec["template"]["metadata"]
    metadata["labels"] = {**generated, **(metadata.get("labels") or {})}
    selector = spec["selector"] = spec.get("selector") or {}
    wanted = selector.get("matchLabels") or {}
    selector["matchLabels"] = {CONTROLLER_UID: generated[CONTROLLER_UID], **wanted}


def _generated_labels(obj: Object) -> dict[str, str]:
    name, uid = name_of(obj), uid_of(obj)
    return {
        CONTROLLER_UID: uid,
        JOB_NAME: name,
        _LEGACY_CONTROLLER_UID: uid,
        _LEGACY_JOB_NAME: name,
    }


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    selector = spec.get("selector")
    labels = get_path(spec, "template", "metadata", "labels", default={})
    errors = _validate_generated(obj, labels)
    errors += validate_job_spec(spec, "spec")
    if selector is None:
        errors.append(required("spec.selector"))
    else:
        problems = validate_selector(selector, "spec.selector")
        parsed = None if problems else from_label_selector(selector)
        errors += problems
        if parsed is not None and not parsed.matches(labels):
            at = "spec.template.metadata.labels"
            errors.append(invalid(at, labels, "`selector` does not match template `labels`"))
    return errors + _validate_host_names(obj)


def _validate_generated(obj: Object, labels: Mapping[str, str]) -> list[FieldError]:
    spec, at = obj.get("spec") or {}, "spec.template.metadata.labels"
    if spec.get("manualSelector") or spec.get("selector") is None:
        return []
    errors = []
    generated = _generated_labels(obj)
    for key, value in generated.items():
        if key not in labels:
            errors.append(required(f"{at}[{key}]", f"must be '{value}'"))
        elif labels[key] != value:
            errors.append(invalid(f"{at}[{key}]", labels, f"must be '{value}'"))
    if validate_selector(spec["selector"], ""):
        return errors
    parsed = from_label_selector(spec["selector"])
    if parsed is not None and not parsed.matches(generated):
        errors.append(invalid("spec.selector", spec["selector"], "`selector` not auto-generated"))
    return errors


def _validate_host_names(obj: Object) -> list[FieldError]:
    """The Pods of an Indexed Job are named after it and their index."""
    completions = get_path(obj, "spec", "completions", default=0)
    if get_path(obj, "spec", "completionMode") != INDEXED or completions <= 0:
        return []
    longest = f"{name_of(obj)}-{completions - 1}"
    if names.label_problem(longest) is None:
        return []
    detail = f"will not able to create pod with invalid DNS label: {longest}"
    return [invalid("metadata.name", name_of(obj), detail)]


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    fresh, stored = new["spec"], old["spec"]
    errors = _validate_completions(fresh, stored)
    errors += check_immutable("spec.selector", fresh.get("selector"), stored.get("selector"))
    template = fresh.get("template")
    if template != _with_changeable(stored["template"], template, old):
        errors += [invalid("spec.template", template, "field is immutable")]
    for field in (
        "completionMode",
        "podFailurePolicy",
        "backoffLimitPerIndex",
        "managedBy",
        "successPolicy",
    ):
        errors += check_immutable(f"spec.{field}", fresh.get(field), stored.get(field))
    return errors


def _validate_completions(fresh: Object, stored: Object) -> list[FieldError]:
    at, completions = "spec.completions", fresh.get("completions")
    if fresh.get("completionMode") != INDEXED:
        return check_immutable(at, completions, stored.get("completions"))
    if completions in (None, stored.get("completions"), fresh.get("parallelism")):
        return []
    return [invalid(at, completions, "can only be modified in tandem with spec.parallelism")]


def _with_changeable(stored: Object, fresh: Object, old: Object) -> Object:
    """The stored template with what a suspended Job that never ran may still be told anew."""
    if not get_path(old, "spec", "suspend") or get_path(old, "status", "startTime"):
        return stored
    allowed = copy.deepcopy(stored)
    for field in ("annotations", "labels"):
        _take(allowed["metadata"], fresh.get("metadata") or {}, field)
    for field in _SCHEDULING_OF_POD:
        _take(allowed["spec"], fresh["spec"], field)
    _take_node_affinity(allowed["spec"], fresh["spec"])
    return allowed


def _take_node_affinity(allowed: Object, fresh: Object) -> None:
    if "affinity" not in allowed and "affinity" not in fresh:
        return
    affinity = dict(allowed.get("affinity") or {})
    _take(affinity, fresh.get("affinity") or {}, "nodeAffinity")
    if affinity or "affinity" in fresh:
        allowed["affinity"] = affinity
    else:
        allowed.pop("affinity", None)


def _take(target: Object, source: Object, field: str) -> None:
    if field in source:
        target[field] = source[field]
    else:
        target.pop(field, None)


def selectable_fields(obj: Object) -> Mapping[str, str]:
    return {"status.successful": str(get_path(obj, "status", "succeeded", default=0))}


def _status(obj: Object) -> str:
    for condition in ("Complete", "Failed"):
        if is_condition_true(obj, condition):
            return condition
    if is_deleting(obj):
        return "Terminating"
    for condition in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if is_condition_true(obj, condition):
            return condition
    return "Running"


def _completions(obj: Object) -> str:
    succeeded = get_path(obj, "status", "succeeded", default=0)
    completions = get_path(obj, "spec", "completions")
    if completions is not None:
        return f"{succeeded}/{completions}"
    parallelism = get_path(obj, "spec", "parallelism", default=0)
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(obj: Object, now: datetime) -> str:
    start, end = get_path(obj, "status", "startTime"), get_path(obj, "status", "completionTime")
    if not start:
        return ""
    return human_age(parse_time(end) - parse_time(start)) if end else age_of(start, now)


KIND = Kind(
    group="batch",
    version="v1",
    kind="Job",
    plural="jobs",
    columns=(
        NAME,
        Column("Status", from_object(_status), description="Status of the job."),
        Column("Completions", from_object(_completions), description="How many Pods succeeded."),
        Column("Duration", _duration, description="Time that the Job took, or has taken so far."),
        AGE,
        *template_containers_columns(),
        Column(
            "Selector",
            from_object(lambda obj: format_label_selector(get_path(obj, "spec", "selector"))),
            priority=1,
            description="Labels of the pods that belong to the Job.",
        ),
    ),
    categories=("all",),
    default=default_job,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
    validate_status=validate_status,
    selectable_fields=selectable_fields,
)
