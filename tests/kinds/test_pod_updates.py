from typing import Any

import pytest

from minikube_py.kinds.catalog import POD
from tests.kinds.builders import CONTAINER, pod, update_errors


@pytest.mark.parametrize(
    "change",
    [
        {"containers": [{**CONTAINER, "image": "app:2"}]},
        {"activeDeadlineSeconds": 5},
        {"tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]},
    ],
)
def test_some_fields_of_a_pod_may_change(change: dict[str, Any]) -> None:
    old = pod(tolerations=[{"key": "a", "operator": "Exists"}])
    new = pod(**{"tolerations": [{"key": "a", "operator": "Exists"}], **change})

    assert update_errors(POD, new, old) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            pod(),
            pod(hostname="x"),
            "spec: Forbidden: pod updates may not change fields other than `spec.contai",
        ),
        (
            pod(),
            pod(containers=[CONTAINER, {"name": "b", "image": "b"}]),
            "spec.containers: Forbidden: pod updates may not add or remove containers",
        ),
        (
            pod(activeDeadlineSeconds=5),
            pod(activeDeadlineSeconds=6),
            "spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous",
        ),
        (
            pod(activeDeadlineSeconds=5),
            pod(),
            "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive",
        ),
        (
            pod(tolerations=[{"key": "a", "operator": "Exists"}]),
            pod(),
            "spec.tolerations: Forbidden: existing tolerations can not be removed",
        ),
        (
            pod(tolerations=[{"key": "a", "operator": "Exists"}]),
            pod(tolerations=[{"key": "b", "operator": "Exists"}]),
            "spec.tolerations: Forbidden: existing toleration can not be modified",
        ),
        (
            pod(),
            pod(schedulingGates=[{"name": "g"}]),
            "spec.schedulingGates: Forbidden: only deletion is allowed, but found new",
        ),
    ],
)
def test_the_rest_of_a_pod_is_fixed(old: Any, new: Any, message: str) -> None:
    assert update_errors(POD, new, old)[0].startswith(message)


def test_only_the_seconds_of_a_toleration_may_change() -> None:
    toleration = {"key": "a", "operator": "Exists", "effect": "NoExecute"}
    old, new = (
        pod(tolerations=[toleration]),
        pod(tolerations=[{**toleration, "tolerationSeconds": 5}]),
    )

    assert update_errors(POD, new, old) == []


def test_a_deadline_may_be_shortened() -> None:
    assert update_errors(POD, pod(activeDeadlineSeconds=3), pod(activeDeadlineSeconds=5)) == []


def test_a_grace_period_that_was_negative_may_become_one() -> None:
    old = pod(terminationGracePeriodSeconds=30)
    POD.default(old)
    old["spec"]["terminationGracePeriodSeconds"] = -1
    new = pod(terminationGracePeriodSeconds=1)
    POD.default(new)

    assert list(POD.validate_update(new, old)) == []
