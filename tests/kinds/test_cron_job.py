from datetime import UTC, datetime
from typing import Any

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.kinds.batch.schedule import as_cron, schedule_problem, time_zone_problem
from minikube_py.kinds.catalog import CRON_JOB
from tests.kinds.builders import CONTAINER, creation_errors, metadata, of
from tests.kinds.test_columns import cells


def cron_job(*, job: Any = None, **spec: Any) -> dict[str, Any]:
    """A CronJob whose Jobs have these fields; keywords go into its spec."""
    template = {"spec": {"restartPolicy": "Never", "containers": [dict(CONTAINER)]}}
    jobs = {"spec": {"template": template, **(job or {})}}
    return of(
        CRON_JOB,
        metadata=metadata("nightly"),
        spec={"schedule": "0 3 * * *", "jobTemplate": jobs, **spec},
    )


def test_a_small_cron_job_is_valid() -> None:
    assert creation_errors(CRON_JOB, cron_job()) == []
    assert creation_errors(CRON_JOB, cron_job(timeZone="Europe/Berlin")) == []


@pytest.mark.parametrize(
    ("obj", "path", "message"),
    [
        (cron_job(schedule=""), "spec.schedule", "Required value"),
        (
            cron_job(schedule="* * * *"),
            "spec.schedule",
            'Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]',
        ),
        (
            cron_job(schedule="TZ=UTC 0 * * * *"),
            "spec.schedule",
            'Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone '
            "field instead",
        ),
        (cron_job(timeZone=""), "spec.timeZone", 'Invalid value: "": timeZone must be nil or'),
        (
            cron_job(timeZone="Mars/Olympus"),
            "spec.timeZone",
            'Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus',
        ),
        (
            cron_job(timeZone="Local"),
            "spec.timeZone",
            'Invalid value: "Local": timeZone must be an explicit time zone as defined in',
        ),
        (
            cron_job(concurrencyPolicy="x"),
            "spec.concurrencyPolicy",
            'Unsupported value: "x": supported values: "Allow", "Forbid", "Replace"',
        ),
        *(
            (cron_job(**{field: -1}), f"spec.{field}", "Invalid value: -1: must be greater")
            for field in (
                "startingDeadlineSeconds",
                "successfulJobsHistoryLimit",
                "failedJobsHistoryLimit",
            )
        ),
        (
            cron_job(job={"selector": {"matchLabels": {"a": "b"}}}),
            "spec.jobTemplate.spec.selector",
            'Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated',
        ),
        (
            cron_job(job={"manualSelector": True}),
            "spec.jobTemplate.spec.manualSelector",
            'Unsupported value: true: supported values: "false", "nil"',
        ),
        (
            cron_job(job={"template": {"spec": {"containers": [CONTAINER]}}}),
            "spec.jobTemplate.spec.template.spec.restartPolicy",
            'Required value: valid values: "OnFailure", "Never"',
        ),
        (cron_job(job={"parallelism": -1}), "spec.jobTemplate.spec.parallelism", "Invalid value"),
        (
            {**cron_job(), "metadata": metadata("a" * 53)},
            "metadata.name",
            f'Invalid value: "{"a" * 53}": must be no more than 52 characters',
        ),
    ],
)
def test_a_bad_cron_job_is_refused(obj: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(CRON_JOB, obj)

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


@pytest.mark.parametrize(
    "schedule",
    [
        "*/5 * * * *",
        "0 0 1,15 * 1-5",
        "0 22 * JAN-mar Mon",
        "? ? ? ? ?",
        "5/15 * * * *",
        "@hourly",
        "@annually",
        "@midnight",
        "@every 1h30m",
        "  0 0 * * 0  ",
    ],
)
def test_schedules_that_kubernetes_takes(schedule: str) -> None:
    assert schedule_problem(schedule) is None


@pytest.mark.parametrize(
    "schedule",
    [
        "60 * * * *",
        "0 24 * * *",
        "* * 0 * *",
        "* * L * *",
        "* * * 13 *",
        "* * * * 7",
        "* * * * 1#2",
        "* * * * mon#1",
        "0 0 * * * *",
        "*/0 * * * *",
        "5-1 * * * *",
        "a * * * *",
        ", * * * *",
        "@sometimes",
        "@Daily",
        "@every soon",
        "@every",
    ],
)
def test_schedules_that_kubernetes_refuses(schedule: str) -> None:
    assert schedule_problem(schedule)


@given(st.text(alphabet="0123456789*,-/?@ LWTZ#evrymonjan", max_size=16))
def test_every_schedule_that_passes_can_be_run(schedule: str) -> None:
    if schedule_problem(schedule) is None and (cron := as_cron(schedule)) is not None:
        CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("schedule", "cron"),
    [
        ("@weekly", "0 0 * * 0"),
        ("0 0 ? * ?", "0 0 * * *"),
        ("0 0 */2 * 5/2", "0 0 1-31/2 * 5-6/2"),
        ("0 0 */1 * *,3", "0 0 */1 * *"),
        ("@every 5m", None),
    ],
)
def test_a_schedule_reads_alike_for_every_library(schedule: str, cron: str | None) -> None:
    assert as_cron(schedule) == cron


@pytest.mark.parametrize("zone", ["..", "a/../b", "-x", "a b", "Europe", "Europe/", "x" * 15, "é"])
def test_names_that_are_no_time_zone(zone: str) -> None:
    assert time_zone_problem(zone) == f"unknown time zone {zone}"


def test_when_a_cron_job_ran() -> None:
    never = cells(CRON_JOB, {"spec": {"schedule": "@daily"}})
    status = {"active": [{}, {}], "lastScheduleTime": "2026-01-31T11:00:00Z"}
    spec = {"schedule": "@daily", "suspend": False, "timeZone": "UTC"}
    ran = cells(CRON_JOB, {"spec": spec, "status": status})

    assert list(never.values()) == ["a", "@daily", "<none>", "<unset>", 0, "<none>", "90s"]
    assert list(ran.values()) == ["a", "@daily", "UTC", "False", 2, "60m", "90s"]
