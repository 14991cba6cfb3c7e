"""A CronJob: a Job made again and again, whenever its schedule says."""

from collections.abc import Sequence
from datetime import datetime

from minikube_py.kinds.batch.job_policies import default_failure_policy
from minikube_py.kinds.batch.job_spec import validate_job_spec
from minikube_py.kinds.batch.schedule import schedule_problem, time_zone_problem
from minikube_py.kinds.columns import AGE, NAME, NONE, UNSET, age_of, from_object, from_path
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_not_negative,
    invalid,
    not_supported,
    required,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.pod_template import default_template, template_containers_columns
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path, name_of
from minikube_py.meta.selectors import format_label_selector

# A Job's name has eleven characters more, the minute it was due in, and must be a label.
_MAX_NAME = 52
_TEMPLATE = ("spec", "jobTemplate", "spec")


def default_cron_job(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    if not spec.get("concurrencyPolicy"):
        spec["concurrencyPolicy"] = "Allow"
    for field, value in (
        ("suspend", False),
        ("successfulJobsHistoryLimit", 3),
        ("failedJobsHistoryLimit", 1),
    ):
        if spec.get(field) is None:
            spec[field] = value
    template = spec["jobTemplate"] = spec.get("jobTemplate") or {}
    template["metadata"] = template.get("metadata") or {}
    job = template["spec"] = template.get("spec") or {}
    default_failure_policy(job)
    default_template(job)


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {}


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = _validate_schedule(spec.get("schedule"))
    if spec.get("timeZone") is not None:
        errors += check("spec.timeZone", spec["timeZone"], time_zone_problem)
    policies = ("Allow", "Forbid", "Replace")
    errors += check_choice("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), policies)
    errors += _validate_template(get_path(obj, *_TEMPLATE, default={}), "spec.jobTemplate.spec")
    for field in (
        "startingDeadlineSeconds",
        "successfulJobsHistoryLimit",
        "failedJobsHistoryLimit",
    ):
        errors += check_not_negative(f"spec.{field}", spec.get(field))
    if len(name_of(obj)) > _MAX_NAME:
        detail = f"must be no more than {_MAX_NAME} characters"
        errors.append(invalid("metadata.name", name_of(obj), detail))
    return errors


def _validate_schedule(schedule: str | None) -> list[FieldError]:
    at = "spec.schedule"
    if not schedule:
        return [required(at)]
    if "TZ" in schedule:
        detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        return [invalid(at, schedule, detail)]
    return check(at, schedule, schedule_problem)


def _validate_template(spec: Object, path: str) -> list[FieldError]:
    errors = validate_job_spec(spec, path)
    if spec.get("selector") is not None:
        detail = "`selector` will be auto-generated"
        errors.append(invalid(f"{path}.selector", spec["selector"], detail))
    if spec.get("manualSelector"):
        errors.append(not_supported(f"{path}.manualSelector", True, ("nil", "false")))
    return errors


def _suspended(obj: Object) -> str:
    suspend = get_path(obj, "spec", "suspend")
    return UNSET if suspend is None else str(bool(suspend))


def _last_schedule(obj: Object, now: datetime) -> str:
    last = get_path(obj, "status", "lastScheduleTime")
    return age_of(last, now) if last else NONE


KIND = Kind(
    group="batch",
    version="v1",
    kind="CronJob",
    plural="cronjobs",
    columns=(
        NAME,
        Column(
            "Schedule", from_path("spec", "schedule"), description="When it runs, as cron says."
        ),
        Column(
            "Timezone",
            from_path("spec", "timeZone", default=NONE),
            description="The time zone of the schedule.",
        ),
        Column(
            "Suspend",
            from_object(_suspended),
            type="boolean",
            description="Whether no more Jobs are made.",
        ),
        Column(
            "Active",
            from_object(lambda obj: len(get_path(obj, "status", "active", default=[]))),
            type="integer",
            description="How many of its Jobs run now.",
        ),
        Column("Last Schedule", _last_schedule, description="When it last made a Job."),
        AGE,
        *template_containers_columns(*_TEMPLATE, "template"),
        Column(
            "Selector",
            from_object(lambda obj: format_label_selector(get_path(obj, *_TEMPLATE, "selector"))),
            priority=1,
            description="Labels of the pods that belong to its Jobs.",
        ),
    ),
    short_names=("cj",),
    categories=("all",),
    default=default_cron_job,
    prepare=prepare,
    validate_create=validate_create,
)
