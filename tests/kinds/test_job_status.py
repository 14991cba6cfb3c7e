import copy
from typing import Any

import pytest

from minikube_py.kinds import catalog
from minikube_py.kinds.catalog import JOB
from minikube_py.kinds.kind import Kind

START, END = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"
COMPLETE = {
    "startTime": START,
    "completionTime": END,
    "succeeded": 1,
    "conditions": [{"type": "Complete", "status": "True"}],
}
INDEXED = {"completionMode": "Indexed", "completions": 5, "backoffLimitPerIndex": 1}


def _true(*types: str) -> list[dict[str, str]]:
    return [{"type": type_, "status": "True"} for type_ in types]


def _errors(
    new: dict[str, Any], old: dict[str, Any] | None = None, spec: dict[str, Any] | None = None
) -> list[str]:
    jobs = [{"spec": spec or {}, "status": status} for status in (new, old or {})]
    return [str(error) for error in JOB.validate_status(jobs[0], jobs[1])]


def test_a_job_may_run_and_end() -> None:
    running = {"startTime": START, "active": 1, "uncountedTerminatedPods": {"failed": ["a"]}}

    assert _errors(running) == []
    assert _errors(COMPLETE, running) == []
    assert _errors(COMPLETE, COMPLETE) == []
    done = {"completedIndexes": "0,2-3", "failedIndexes": "1,4", "succeeded": 3}
    assert _errors(done, spec=INDEXED) == []


@pytest.mark.parametrize(
    ("status", "spec", "message"),
    [
        *(
            ({field: -1}, {}, f"status.{field}: Invalid value: -1: must be greater than or equal")
            for field in ("active", "succeeded", "failed", "ready", "terminating")
        ),
        (
            {"uncountedTerminatedPods": {"succeeded": [""]}},
            {},
            'status.uncountedTerminatedPods.succeeded[0]: Invalid value: "": must not be empty',
        ),
        (
            {"uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["a"]}},
            {},
            'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
        ),
        (
            {**COMPLETE, "conditions": _true("Complete", "Failed")},
            {},
            "status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions",
        ),
        (
            {"conditions": _true("SuccessCriteriaMet", "FailureTarget")},
            {},
            "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTa",
        ),
        (
            COMPLETE,
            {"successPolicy": {"rules": []}},
            "status.conditions: Invalid value: cannot set Complete=True for Job with SuccessPolicy",
        ),
        (
            {**COMPLETE, "completionTime": "2025-01-01T00:00:00Z"},
            {},
            'status.completionTime: Invalid value: "2025-01-01T00:00:00Z": completionTime cannot '
            "be set before startTime",
        ),
        (
            {"startTime": START, "completionTime": END},
            {},
            f'status.completionTime: Invalid value: "{END}": cannot set completionTime when there',
        ),
        (
            {"startTime": START, "conditions": _true("Complete")},
            {},
            "status.completionTime: Required value: completionTime is required for Complete jobs",
        ),
        (
            {**COMPLETE, "active": 1},
            {},
            "status.active: Invalid value: 1: active>0 is invalid for finished job",
        ),
        (
            {"conditions": _true("Failed")},
            {},
            "status.startTime: Required value: startTime is required for finished job",
        ),
        (
            {**COMPLETE, "uncountedTerminatedPods": {"failed": ["a"]}},
            {},
            'status.uncountedTerminatedPods: Invalid value: {"failed":["a"]}: uncountedTerminated',
        ),
        (
            {"completedIndexes": "5"},
            INDEXED,
            'status.completedIndexes: Invalid value: "5": error parsing completedIndexes: too',
        ),
        (
            {"failedIndexes": "x"},
            INDEXED,
            'status.failedIndexes: Invalid value: "x": error parsing failedIndexes: cannot convert',
        ),
        (
            {"completedIndexes": "0"},
            {"completions": 1},
            'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes',
        ),
        (
            {"failedIndexes": ""},
            {"completions": 1},
            'status.failedIndexes: Invalid value: "": cannot set non-null failedIndexes when',
        ),
        (
            {"completedIndexes": "0,2-4", "failedIndexes": "1,3"},
            INDEXED,
            'status.failedIndexes: Invalid value: "1,3": failedIndexes and completedIndexes '
            "overlap at index: 3",
        ),
    ],
)
def test_a_bad_status_is_refused(
    status: dict[str, Any], spec: dict[str, Any], message: str
) -> None:
    errors = _errors(status, spec=spec)

    assert any(error.startswith(message) for error in errors), errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conditions": []}, "status.conditions: Invalid value: cannot disable the terminal Com"),
        ({"succeeded": 0}, "status.succeeded: Invalid value: 0: cannot decrease the succeeded"),
        (
            {"completionTime": "2026-01-01T00:02:00Z"},
            'status.completionTime: Invalid value: "2026-01-01T00:02:00Z": completionTime cannot '
            "be mutated",
        ),
        (
            {"startTime": "2026-01-01T00:00:01Z"},
            "status.startTime: Required value: startTime cannot be removed for unsuspended job",
        ),
    ],
    ids=str,
)
def test_what_is_finished_stays_finished(change: dict[str, Any], message: str) -> None:
    errors = _errors({**COMPLETE, **change}, COMPLETE)

    assert any(error.startswith(message) for error in errors), errors


def test_what_was_wrong_before_does_not_stop_other_news() -> None:
    old = {"startTime": START, "completedIndexes": "9", "conditions": _true("Complete")}

    assert _errors({**copy.deepcopy(old), "ready": 0}, old, INDEXED) == []


def test_a_job_that_shrinks_may_have_fewer_successes() -> None:
    spec = {**INDEXED, "parallelism": 5}

    assert _errors({"succeeded": 1}, {"succeeded": 2}, spec) == []
    assert _errors({"failed": 1}, {"failed": 2}, spec) == [
        "status.failed: Invalid value: 1: cannot decrease the failed counter"
    ]


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (catalog.DAEMON_SET, "numberReady"),
        (catalog.REPLICATION_CONTROLLER, "readyReplicas"),
        (catalog.POD_DISRUPTION_BUDGET, "disruptionsAllowed"),
        (catalog.HORIZONTAL_POD_AUTOSCALER, "desiredReplicas"),
        (catalog.HORIZONTAL_POD_AUTOSCALER_V1, "currentReplicas"),
    ],
    ids=str,
)
def test_counts_are_never_below_zero(kind: Kind, field: str) -> None:
    errors = kind.validate_status({"status": {field: -1}}, {})

    assert [str(error) for error in errors] == [
        f"status.{field}: Invalid value: -1: must be greater than or equal to 0"
    ]
    assert list(kind.validate_status({"status": {field: 0}}, {})) == []
