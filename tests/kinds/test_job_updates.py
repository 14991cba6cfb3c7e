import copy
from typing import Any

import pytest

from minikube_py.kinds.catalog import JOB
from tests.kinds.builders import update_errors
from tests.kinds.test_columns import cells
from tests.kinds.test_job import ON_EXIT, indexed, job


def _stored(obj: dict[str, Any], **status: Any) -> dict[str, Any]:
    obj = copy.deepcopy(obj)
    JOB.default(obj)
    JOB.prepare(obj, None)
    obj["status"] = status
    return obj


def _changed(old: dict[str, Any], **spec: Any) -> dict[str, Any]:
    new = copy.deepcopy(old)
    new["spec"].update(spec)
    return new


@pytest.mark.parametrize(
    "spec",
    [
        {"parallelism": 3},
        {"suspend": True},
        {"backoffLimit": 1},
        {"activeDeadlineSeconds": 9},
        {"ttlSecondsAfterFinished": 0},
    ],
    ids=str,
)
def test_what_steers_a_job_may_change(spec: dict[str, Any]) -> None:
    old = _stored(job())

    assert update_errors(JOB, _changed(old, **spec), old) == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"completions": 2}, "spec.completions"),
        ({"managedBy": "a.b/c"}, "spec.managedBy"),
        ({"podFailurePolicy": {"rules": [ON_EXIT]}}, "spec.podFailurePolicy"),
    ],
    ids=str,
)
def test_the_rest_of_a_job_stays(spec: dict[str, Any], path: str) -> None:
    old = _stored(job())

    errors = update_errors(JOB, _changed(old, **spec), old)

    assert any(
        error.startswith(f"{path}: ") and error.endswith("field is immutable") for error in errors
    )


def test_the_selector_and_the_mode_of_a_job_stay() -> None:
    old = _stored(indexed(backoffLimitPerIndex=1))
    name = {"matchLabels": {"batch.kubernetes.io/job-name": "pi"}}

    selector = update_errors(JOB, _changed(old, selector=name), old)
    mode = update_errors(JOB, _changed(old, completionMode="NonIndexed"), old)
    backoff = update_errors(JOB, _changed(old, backoffLimitPerIndex=2), old)

    assert [error.split(": ")[0] for error in selector] == ["spec.selector"]
    assert 'spec.completionMode: Invalid value: "NonIndexed": field is immutable' in mode
    assert backoff == ["spec.backoffLimitPerIndex: Invalid value: 2: field is immutable"]


def test_an_indexed_job_is_scaled_in_tandem() -> None:
    old = _stored(indexed(parallelism=5))

    both = _changed(old, completions=7, parallelism=7)
    one = _changed(old, completions=7)

    assert update_errors(JOB, both, old) == []
    assert update_errors(JOB, one, old) == [
        "spec.completions: Invalid value: 7: can only be modified in tandem with spec.parallelism"
    ]


def _with_pod(old: dict[str, Any], **fields: Any) -> dict[str, Any]:
    new = copy.deepcopy(old)
    new["spec"]["template"]["spec"].update(fields)
    return new


_NODES = {
    "requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]
    }
}


@pytest.mark.parametrize(
    "fields",
    [
        {"nodeSelector": {"a": "b"}},
        {"tolerations": [{"operator": "Exists"}]},
        {"affinity": {"nodeAffinity": _NODES}},
    ],
    ids=str,
)
def test_a_suspended_job_that_never_ran_may_be_placed_anew(fields: dict[str, Any]) -> None:
    waiting = _stored(job(suspend=True))
    running = _stored(job())
    ran = _stored(job(suspend=True), startTime="2026-01-01T00:00:00Z")

    assert update_errors(JOB, _with_pod(waiting, **fields), waiting) == []
    for old in (running, ran):
        errors = update_errors(JOB, _with_pod(old, **fields), old)
        assert [error.split(": ")[0] for error in errors] == ["spec.template"]


def test_node_affinity_may_be_taken_away_again() -> None:
    old = _stored(job(suspend=True, pod={"affinity": {"nodeAffinity": _NODES}}))
    new = copy.deepcopy(old)
    del new["spec"]["template"]["spec"]["affinity"]

    assert update_errors(JOB, new, old) == []


def test_the_image_of_a_suspended_job_stays() -> None:
    old = _stored(job(suspend=True))
    new = copy.deepcopy(old)
    new["spec"]["template"]["spec"]["containers"][0]["image"] = "other"

    assert [error.split(": ")[0] for error in update_errors(JOB, new, old)] == ["spec.template"]


def test_jobs_are_selected_by_how_many_pods_succeeded() -> None:
    assert JOB.selectable_fields({"status": {"succeeded": 2}}) == {"status.successful": "2"}
    assert JOB.selectable_fields({}) == {"status.successful": "0"}


STARTED = "2026-01-31T11:59:00Z"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, "Running 0/1 "),
        ({"startTime": STARTED, "succeeded": 1}, "Running 1/1 60s"),
        (
            {
                "startTime": STARTED,
                "completionTime": "2026-01-31T11:59:07Z",
                "conditions": [{"type": "Complete", "status": "True"}],
            },
            "Complete 0/1 7s",
        ),
        ({"conditions": [{"type": "Failed", "status": "True"}]}, "Failed 0/1 "),
        ({"conditions": [{"type": "Suspended", "status": "True"}]}, "Suspended 0/1 "),
        ({"conditions": [{"type": "Suspended", "status": "False"}]}, "Running 0/1 "),
        ({"conditions": [{"type": "FailureTarget", "status": "True"}]}, "FailureTarget 0/1 "),
    ],
)
def test_how_a_job_goes(status: dict[str, Any], expected: str) -> None:
    shown = cells(JOB, {"spec": {"completions": 1}, "status": status})

    assert f"{shown['STATUS']} {shown['COMPLETIONS']} {shown['DURATION']}" == expected


def test_a_job_without_completions_shows_its_workers() -> None:
    assert cells(JOB, {"spec": {"parallelism": 3}})["COMPLETIONS"] == "0/1 of 3"
    assert cells(JOB, {"spec": {"parallelism": 1}})["COMPLETIONS"] == "0/1"
    going = {"metadata": {"deletionTimestamp": "x"}, "spec": {}}
    assert cells(JOB, going)["STATUS"] == "Terminating"
