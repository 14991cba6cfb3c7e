from typing import Any

import pytest

from minikube_py.kinds.catalog import DAEMON_SET
from minikube_py.meta.errors import BadRequest
from tests.kinds.builders import CONTAINER, creation_errors, update_errors, workload
from tests.kinds.test_columns import cells

GENERATION = "deprecated.daemonset.template.generation"
ROLLING = "spec.updateStrategy.rollingUpdate"


def _rolling(**fields: Any) -> dict[str, Any]:
    strategy = {"type": "RollingUpdate", "rollingUpdate": fields}
    return workload(DAEMON_SET, updateStrategy=strategy)


def test_small_daemon_sets_are_valid() -> None:
    assert creation_errors(DAEMON_SET, workload(DAEMON_SET)) == []
    assert creation_errors(DAEMON_SET, _rolling(maxSurge="10%", maxUnavailable=0)) == []
    on_delete = workload(DAEMON_SET, updateStrategy={"type": "OnDelete"})
    assert creation_errors(DAEMON_SET, on_delete) == []


@pytest.mark.parametrize(
    ("obj", "path", "message"),
    [
        (workload(DAEMON_SET, minReadySeconds=-1), "spec.minReadySeconds", "Invalid value: -1"),
        (workload(DAEMON_SET, revisionHistoryLimit=-1), "spec.revisionHistoryLimit", "Invalid"),
        (
            workload(DAEMON_SET, selector={}),
            "spec.selector",
            "Invalid value: {}: empty selector is invalid for daemonset",
        ),
        (
            workload(DAEMON_SET, selector={"matchLabels": {"app": "b"}}),
            "spec.template.metadata.labels",
            'Invalid value: {"app":"a"}: `selector` does not match template `labels`',
        ),
        (
            workload(
                DAEMON_SET,
                template={
                    "metadata": {"labels": {"app": "a"}},
                    "spec": {
                        "containers": [CONTAINER],
                        "restartPolicy": "Never",
                        "activeDeadlineSeconds": 5,
                    },
                },
            ),
            "spec.template.spec.activeDeadlineSeconds",
            "Forbidden: activeDeadlineSeconds in DaemonSet is not Supported",
        ),
        (
            workload(DAEMON_SET, updateStrategy={"type": "Recreate"}),
            "spec.updateStrategy.type",
            'Unsupported value: "Recreate": supported values: "OnDelete", "RollingUpdate"',
        ),
        (_rolling(maxUnavailable="x"), f"{ROLLING}.maxUnavailable", 'Invalid value: "x"'),
        (
            _rolling(maxSurge="101%"),
            f"{ROLLING}.maxSurge",
            'Invalid value: "101%": must not be greater than 100%',
        ),
        (
            _rolling(maxSurge=1),
            f"{ROLLING}.maxSurge",
            "Invalid value: 1: may not be set when maxUnavailable is non-zero",
        ),
        (
            _rolling(maxUnavailable="0%"),
            f"{ROLLING}.maxUnavailable",
            "Required value: cannot be 0 when maxSurge is 0",
        ),
    ],
)
def test_a_bad_daemon_set_is_refused(obj: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(DAEMON_SET, obj)

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


def test_the_selector_of_a_daemon_set_stays() -> None:
    old = workload(DAEMON_SET)
    new = workload(
        DAEMON_SET, selector={"matchExpressions": [{"key": "app", "operator": "Exists"}]}
    )

    assert [error.split(": ")[0] for error in update_errors(DAEMON_SET, new, old)] == [
        "spec.selector"
    ]


def test_templates_are_counted_in_an_annotation() -> None:
    first, second, third = workload(DAEMON_SET), workload(DAEMON_SET), workload(DAEMON_SET)
    second["metadata"]["annotations"] = {GENERATION: "77", "mine": "1"}
    third["spec"]["template"]["spec"]["containers"][0]["image"] = "app:2"

    DAEMON_SET.prepare(first, None)
    DAEMON_SET.prepare(second, first)
    DAEMON_SET.prepare(third, second)

    assert first["metadata"]["annotations"] == {GENERATION: "1"}
    assert second["metadata"]["annotations"] == {GENERATION: "1", "mine": "1"}
    assert third["metadata"]["annotations"] == {GENERATION: "2"}
    assert first["status"]["desiredNumberScheduled"] == 0


def test_a_count_of_templates_that_is_no_number_is_refused() -> None:
    obj = workload(DAEMON_SET)
    obj["metadata"]["annotations"] = {GENERATION: "x"}

    with pytest.raises(BadRequest, match="leave the annotation out"):
        DAEMON_SET.prepare(obj, None)


def test_how_many_nodes_run_it() -> None:
    obj = workload(DAEMON_SET)
    obj["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    obj["status"] = {"desiredNumberScheduled": 3, "numberReady": 1, "updatedNumberScheduled": 2}

    shown = cells(DAEMON_SET, obj, wide=True)

    assert list(shown.values()) == [
        "a", 3, 0, 1, 2, 0, "disk=ssd", "90s", "main", "app:1", "app=a"
    ]  # fmt: skip
