from typing import Any

import pytest

from minikube_py.kinds.catalog import JOB
from tests.kinds.builders import CONTAINER, creation_errors, metadata, of

TEMPLATE = "spec.template"
ON_EXIT = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}}


def job(*, pod: Any = None, **spec: Any) -> dict[str, Any]:
    """A Job whose Pods have these fields beside one container; keywords go into its spec."""
    template = {"spec": {"restartPolicy": "Never", "containers": [dict(CONTAINER)], **(pod or {})}}
    return of(JOB, metadata=metadata("pi", uid="u-1"), spec={"template": template, **spec})


def indexed(**spec: Any) -> dict[str, Any]:
    return job(completionMode="Indexed", completions=5, **spec)


def _on_failure(*rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return job(podFailurePolicy={"rules": list(rules)}, **spec)


def _exit(**codes: Any) -> dict[str, Any]:
    return _on_failure(
        {"action": "Count", "onExitCodes": {"operator": "In", "values": [1], **codes}}
    )


def _condition(**pattern: Any) -> dict[str, Any]:
    return _on_failure({"action": "Count", "onPodConditions": [pattern]})


def _success(*rules: dict[str, Any]) -> dict[str, Any]:
    return indexed(successPolicy={"rules": list(rules)})


def test_small_jobs_are_valid() -> None:
    assert creation_errors(JOB, job()) == []
    assert creation_errors(JOB, indexed()) == []
    assert creation_errors(JOB, _on_failure(ON_EXIT)) == []
    assert creation_errors(JOB, _success({"succeededIndexes": "0,2-4", "succeededCount": 4})) == []


@pytest.mark.parametrize(
    ("obj", "path", "message"),
    [
        *(
            (job(**{field: -1}), f"spec.{field}", "Invalid value: -1: must be greater than or")
            for field in (
                "parallelism",
                "completions",
                "activeDeadlineSeconds",
                "backoffLimit",
                "ttlSecondsAfterFinished",
            )
        ),
        (indexed(backoffLimitPerIndex=-1), "spec.backoffLimitPerIndex", "Invalid value: -1"),
        (
            indexed(maxFailedIndexes=1),
            "spec.backoffLimitPerIndex",
            "Required value: when maxFailedIndexes is specified",
        ),
        (job(managedBy="me"), "spec.managedBy", 'Invalid value: "me": must be a domain-prefixed'),
        (job(managedBy="A/b"), "spec.managedBy", 'Invalid value: "A/b": a lowercase RFC 1123'),
        (
            job(managedBy="a.b/" + "c" * 60),
            "spec.managedBy",
            "Too long: may not be more than 63 bytes",
        ),
        (
            job(completionMode="x"),
            "spec.completionMode",
            'Unsupported value: "x": supported values: "Indexed", "NonIndexed"',
        ),
        (
            job(completionMode="Indexed", parallelism=1),
            "spec.completions",
            "Required value: when completion mode is Indexed",
        ),
        (
            indexed(parallelism=100_001),
            "spec.parallelism",
            "Invalid value: 100001: must be less than or equal to 100000 when completion mode is",
        ),
        (
            indexed(backoffLimitPerIndex=1, maxFailedIndexes=6),
            "spec.maxFailedIndexes",
            "Invalid value: 6: must be less than or equal to completions",
        ),
        (
            job(completionMode="Indexed", completions=100_001, backoffLimitPerIndex=1),
            "spec.maxFailedIndexes",
            "Required value: must be specified when completions is above 100000",
        ),
        (
            job(
                completionMode="Indexed",
                completions=100_001,
                parallelism=10_001,
                backoffLimitPerIndex=1,
                maxFailedIndexes=1,
            ),
            "spec.parallelism",
            "Invalid value: 10001: must be less than or equal to 10000 when completions are above",
        ),
        (
            job(backoffLimitPerIndex=1),
            "spec.backoffLimitPerIndex",
            "Invalid value: 1: requires indexed completion mode",
        ),
        (job(podReplacementPolicy="x"), "spec.podReplacementPolicy", 'Unsupported value: "x"'),
        (
            _on_failure(ON_EXIT, podReplacementPolicy="TerminatingOrFailed"),
            "spec.podReplacementPolicy",
            'Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
        ),
        (
            job(pod={"restartPolicy": "Always"}),
            f"{TEMPLATE}.spec.restartPolicy",
            'Required value: valid values: "OnFailure", "Never"',
        ),
        (
            job(pod={"restartPolicy": "x"}),
            f"{TEMPLATE}.spec.restartPolicy",
            'Unsupported value: "x": supported values: "Never", "OnFailure"',
        ),
        (
            _on_failure(ON_EXIT, pod={"restartPolicy": "OnFailure"}),
            f"{TEMPLATE}.spec.restartPolicy",
            'Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is',
        ),
        (job(pod={"containers": []}), f"{TEMPLATE}.spec.containers", "Required value"),
        (
            job(manualSelector=True),
            "spec.selector",
            "Required value",
        ),
        (
            job(manualSelector=True, selector={"matchLabels": {"a": "b"}}),
            f"{TEMPLATE}.metadata.labels",
            "Invalid value: {}: `selector` does not match template `labels`",
        ),
        (
            job(selector={"matchLabels": {"a": "b"}}),
            "spec.selector",
            'Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"u-1","a":"b"}}: '
            "`selector` not auto-generated",
        ),
        (
            job(selector={"matchLabels": {"a b": "b"}}),
            "spec.selector.matchLabels",
            'Invalid value: "a b"',
        ),
    ],
)
def test_a_bad_job_is_refused(obj: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(JOB, obj)

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


@pytest.mark.parametrize(
    ("obj", "path", "message"),
    [
        (_on_failure(*[ON_EXIT] * 21), "", "Too many: 21: must have at most 20 items"),
        (
            _on_failure({**ON_EXIT, "action": ""}),
            "[0].action",
            'Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]',
        ),
        (
            _on_failure({**ON_EXIT, "action": "x"}),
            "[0].action",
            'Unsupported value: "x": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
        ),
        (
            _on_failure({**ON_EXIT, "action": "FailIndex"}),
            "[0].action",
            'Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
        ),
        (
            _on_failure({**ON_EXIT, "onPodConditions": [{"type": "A"}]}),
            "[0]",
            "Invalid value: specifying both OnExitCodes and OnPodConditions is not supported",
        ),
        (
            _on_failure({"action": "Count"}),
            "[0]",
            "Invalid value: specifying one of OnExitCodes and OnPodConditions is required",
        ),
        (
            _exit(operator=""),
            "[0].onExitCodes.operator",
            'Required value: valid values: ["In" "NotIn"]',
        ),
        (_exit(operator="x"), "[0].onExitCodes.operator", 'Unsupported value: "x"'),
        (
            _exit(containerName="x"),
            "[0].onExitCodes.containerName",
            'Invalid value: "x": must be one of the container or initContainer names',
        ),
        (
            _exit(values=[]),
            "[0].onExitCodes.values",
            "Invalid value: []: at least one value is required",
        ),
        (_exit(values=list(range(1, 258))), "[0].onExitCodes.values", "Too many: 257: must have"),
        (
            _exit(values=[0, 1]),
            "[0].onExitCodes.values[0]",
            "Invalid value: 0: must not be 0 for the In operator",
        ),
        (_exit(values=[1, 1]), "[0].onExitCodes.values[1]", "Duplicate value: 1"),
        (_exit(values=[2, 1]), "[0].onExitCodes.values", "Invalid value: [2,1]: must be ordered"),
        (_condition(type="a b"), "[0].onPodConditions[0].type", 'Invalid value: "a b"'),
        (
            _condition(type="A", status="x"),
            "[0].onPodConditions[0].status",
            'Unsupported value: "x": supported values: "False", "True", "Unknown"',
        ),
        (
            _on_failure({"action": "Count", "onPodConditions": [{"type": "A"}] * 21}),
            "[0].onPodConditions",
            "Too many: 21: must have at most 20 items",
        ),
    ],
)
def test_a_bad_failure_policy_is_refused(obj: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(JOB, obj)

    expected = f"spec.podFailurePolicy.rules{path}: {message}"
    assert any(error.startswith(expected) for error in errors), errors


@pytest.mark.parametrize(
    ("obj", "path", "message"),
    [
        (
            job(successPolicy={"rules": [{"succeededCount": 1}]}),
            "",
            'Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode',
        ),
        (_success(), ".rules", "Required value: at least one rules must be specified when"),
        (_success(*[{"succeededCount": 1}] * 21), ".rules", "Too many: 21: must have at most 20"),
        (
            _success({}),
            ".rules[0]",
            "Required value: at least one of succeededCount or succeededIndexes must be specified",
        ),
        (
            _success({"succeededIndexes": "0,"}),
            ".rules[0].succeededIndexes",
            'Invalid value: "0,": error parsing succeededIndexes: cannot convert string to',
        ),
        (
            _success({"succeededIndexes": "5"}),
            ".rules[0].succeededIndexes",
            'Invalid value: "5": error parsing succeededIndexes: too large index: "5"',
        ),
        (
            _success({"succeededIndexes": "2-1"}),
            ".rules[0].succeededIndexes",
            'Invalid value: "2-1": error parsing succeededIndexes: non-increasing order, '
            "previous: 2, current: 1",
        ),
        (
            _success({"succeededIndexes": "1,1"}),
            ".rules[0].succeededIndexes",
            'Invalid value: "1,1": error parsing succeededIndexes: non-increasing order',
        ),
        (
            _success({"succeededIndexes": "0-1-2"}),
            ".rules[0].succeededIndexes",
            'Invalid value: "0-1-2": error parsing succeededIndexes: the fragment "0-1-2"',
        ),
        (
            _success({"succeededIndexes": "0," * 40_000}),
            ".rules[0].succeededIndexes",
            "Too long: may not be more than 65536 bytes",
        ),
        (_success({"succeededCount": -1}), ".rules[0].succeededCount", "Invalid value: -1"),
        (
            _success({"succeededCount": 6}),
            ".rules[0].succeededCount",
            "Invalid value: 6: must be less than or equal to 5 (the number of specified compl",
        ),
        (
            _success({"succeededCount": 3, "succeededIndexes": "0-1"}),
            ".rules[0].succeededCount",
            "Invalid value: 3: must be less than or equal to 2 (the number of indexes in the",
        ),
    ],
)
def test_a_bad_success_policy_is_refused(obj: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(JOB, obj)

    expected = f"spec.successPolicy{path}: {message}"
    assert any(error.startswith(expected) for error in errors), errors


def test_an_indexed_job_has_a_name_that_its_pods_can_have() -> None:
    obj = indexed()
    obj["metadata"]["name"] = "a" * 62

    assert creation_errors(JOB, obj) == [
        f'metadata.name: Invalid value: "{"a" * 62}": will not able to create pod with invalid '
        f"DNS label: {'a' * 62}-4"
    ]


def test_a_new_job_selects_its_pods_by_its_uid() -> None:
    obj = job()
    JOB.default(obj)

    JOB.prepare(obj, None)

    generated = {
        "batch.kubernetes.io/controller-uid": "u-1",
        "batch.kubernetes.io/job-name": "pi",
        "controller-uid": "u-1",
        "job-name": "pi",
    }
    assert obj["spec"]["template"]["metadata"]["labels"] == generated
    assert obj["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": "u-1"}}
    assert obj["metadata"]["labels"] == generated
    assert obj["status"] == {}


def test_labels_of_another_job_are_refused() -> None:
    obj = job()
    obj["spec"]["template"]["metadata"] = {"labels": {"job-name": "other"}}

    errors = creation_errors(JOB, obj)

    assert any(
        error.startswith("spec.template.metadata.labels[job-name]: Invalid value: ")
        and error.endswith("must be 'pi'")
        for error in errors
    )


def test_a_job_that_selects_by_hand_is_left_alone() -> None:
    obj = job(manualSelector=True, selector={"matchLabels": {"a": "b"}})
    obj["metadata"]["labels"] = {"mine": "1"}
    obj["spec"]["template"]["metadata"] = {"labels": {"a": "b"}}

    assert creation_errors(JOB, obj) == []
    JOB.default(obj)
    JOB.prepare(obj, None)
    assert obj["metadata"]["labels"] == {"mine": "1"}
    assert obj["spec"]["selector"] == {"matchLabels": {"a": "b"}}
