from typing import Any

import pytest

from minikube_py.cli.readiness import pod_problem, pod_state, readiness

Object = dict[str, Any]


def deployment(wanted: int, **status: Any) -> Object:
    return {
        "kind": "Deployment",
        "metadata": {"generation": 2},
        "spec": {"replicas": wanted},
        "status": {"observedGeneration": 2, **status},
    }


def pod(phase: str = "Pending", **status: Any) -> Object:
    return {"kind": "Pod", "metadata": {}, "status": {"phase": phase, **status}}


def waiting(reason: str, message: str = "") -> list[Object]:
    return [{"name": "c", "state": {"waiting": {"reason": reason, "message": message}}}]


@pytest.mark.parametrize(
    ("obj", "ready", "why"),
    [
        pytest.param(deployment(2, observedGeneration=1), False, "to be observed", id="unobserved"),
        pytest.param(deployment(2, updatedReplicas=1), False, "1 out of 2 new", id="updating"),
        pytest.param(
            deployment(2, updatedReplicas=2, replicas=3), False, "1 old replicas", id="old left"
        ),
        pytest.param(
            deployment(2, updatedReplicas=2, replicas=2, availableReplicas=1),
            False,
            "1 of 2 updated",
            id="unavailable",
        ),
        pytest.param(
            deployment(2, updatedReplicas=2, replicas=2, availableReplicas=2),
            True,
            "2 of 2",
            id="done",
        ),
        pytest.param(deployment(0), True, "0 of 0", id="scaled to zero"),
        pytest.param({"kind": "ConfigMap"}, True, "exists", id="no rule"),
    ],
)
def test_deployments_are_ready_as_rollout_status_says(obj: Object, ready: bool, why: str) -> None:
    found = readiness(obj)

    assert (found.ready, found.failed) == (ready, False)
    assert why in found.why


def test_a_deployment_past_its_deadline_has_failed() -> None:
    obj = deployment(1, conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}])

    assert readiness(obj).failed


@pytest.mark.parametrize(
    ("obj", "state"),
    [
        pytest.param(pod(), "Pending", id="pending"),
        pytest.param(
            pod(containerStatuses=waiting("ImagePullBackOff")), "ImagePullBackOff", id="image"
        ),
        pytest.param(
            pod(initContainerStatuses=waiting("CrashLoopBackOff")),
            "Init:CrashLoopBackOff",
            id="init",
        ),
        pytest.param(pod("Failed", reason="Evicted"), "Evicted", id="evicted"),
        pytest.param(
            {**pod("Running"), "metadata": {"deletionTimestamp": "x"}}, "Terminating", id="going"
        ),
    ],
)
def test_a_pods_state_is_the_reason_to_look_for(obj: Object, state: str) -> None:
    assert pod_state(obj) == state


def test_a_pods_problem_carries_the_message_behind_it() -> None:
    unscheduled = pod(
        conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes: no cpu"}]
    )

    assert pod_problem(pod(containerStatuses=waiting("ErrImagePull", "no such image"))) == (
        "ErrImagePull: c: no such image"
    )
    assert pod_problem(unscheduled) == "Pending: 0/1 nodes: no cpu"
    assert pod_problem(pod("Succeeded")) is None
    assert pod_problem(pod("Running", conditions=[{"type": "Ready", "status": "True"}])) is None
