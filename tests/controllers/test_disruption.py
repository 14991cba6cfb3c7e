"""PodDisruptionBudgets: what their status says, and that evictions go on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from minikube_py.controllers.deployment.controller import new_deployment_controller
from minikube_py.controllers.disruption.controller import (
    new_disruption_controller,
    new_stale_disruption_controller,
)
from minikube_py.controllers.disruption.status import (
    Expected,
    budget_status,
    disrupted,
    expected,
)
from minikube_py.controllers.replicaset import new_replicaset_controller
from minikube_py.kinds.catalog import DEPLOYMENT, POD, POD_DISRUPTION_BUDGET
from minikube_py.meta.errors import TooManyRequests
from minikube_py.meta.objects import Object, find_condition, is_condition_true, name_of
from minikube_py.meta.timestamps import format_time
from minikube_py.resources.eviction import evict
from minikube_py.resources.options import DeleteOptions
from tests.control_loop.harness import ControlPlane, PaperKubelet, pod, workload

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def budget(name: str = "web", app: str = "web", **spec: Any) -> Object:
    selector = {"matchLabels": {"app": app}}
    return {"metadata": {"name": name}, "spec": {"selector": selector, **spec}}


def ready_pod(name: str, ready: str = "True") -> Object:
    return {
        "metadata": {"name": name},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


@pytest.mark.parametrize(
    ("spec", "pods", "scale", "wanted"),
    [
        pytest.param({"minAvailable": 2}, 3, 0, Expected(3, 2), id="a number that has to stay"),
        pytest.param({"minAvailable": "50%"}, 3, 5, Expected(5, 3), id="a share, rounded up"),
        pytest.param(
            {"maxUnavailable": 1}, 3, 5, Expected(5, 4), id="a number that may be missing"
        ),
        pytest.param({"maxUnavailable": "30%"}, 3, 5, Expected(5, 3), id="a share that may"),
        pytest.param({"maxUnavailable": 9}, 3, 5, Expected(5, 0), id="more than there are"),
        pytest.param({}, 3, 0, Expected(3, 0), id="no bound"),
    ],
)
def test_how_many_have_to_stay(spec: Object, pods: int, scale: int, wanted: Expected) -> None:
    assert expected({"spec": spec}, pods, scale) == wanted


def test_unready_going_and_evicted_pods_are_not_healthy() -> None:
    going = ready_pod("going")
    going["metadata"]["deletionTimestamp"] = format_time(NOW)
    pods = [ready_pod("a"), ready_pod("b"), ready_pod("sick", "False"), going]
    remembered = {"b": format_time(NOW - timedelta(seconds=30)), "gone": format_time(NOW)}

    status = budget_status({"status": {"disruptedPods": remembered}}, pods, Expected(4, 1), NOW)

    assert status["currentHealthy"] == 1
    assert status["disruptionsAllowed"] == 0
    assert set(status["disruptedPods"]) == {"b"}
    assert status["conditions"][0]["reason"] == "InsufficientPods"


def test_an_evicted_pod_that_nobody_deletes_counts_again_after_two_minutes() -> None:
    remembered = {"a": format_time(NOW - timedelta(seconds=121))}

    state = disrupted({"status": {"disruptedPods": remembered}}, [ready_pod("a")], NOW)

    assert state.pods == {}
    assert [name_of(pod) for pod in state.forgotten] == ["a"]


@pytest.fixture
def kubelet(plane: ControlPlane) -> PaperKubelet:
    plane.start_controllers(
        new_disruption_controller, new_deployment_controller, new_replicaset_controller
    )
    made = PaperKubelet(plane)
    plane.start(made)
    return made


def _status(plane: ControlPlane) -> Object:
    found: Object = plane.get(POD_DISRUPTION_BUDGET, "web")["status"]
    return found


async def test_evictions_are_allowed_one_after_the_other_as_new_pods_come(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(DEPLOYMENT, workload("web", 3))
    await plane.create(POD_DISRUPTION_BUDGET, budget(maxUnavailable=1))
    await plane.eventually(lambda: _status(plane)["disruptionsAllowed"] == 1)
    first = sorted(plane.names(POD))

    for name in first:
        await plane.eventually(lambda: _status(plane)["disruptionsAllowed"] == 1)
        await evict(plane.resources, "default", name, DeleteOptions(), clock=plane.clock)

    await plane.eventually(lambda: _status(plane)["currentHealthy"] == 3)
    assert _status(plane)["expectedPods"] == 3
    assert "disruptedPods" not in _status(plane)
    assert not plane.names(POD) & set(first)


async def test_an_eviction_too_many_is_refused(plane: ControlPlane, kubelet: PaperKubelet) -> None:
    await plane.create(DEPLOYMENT, workload("web", 2))
    await plane.create(POD_DISRUPTION_BUDGET, budget(minAvailable="100%"))
    await plane.eventually(lambda: _status(plane)["currentHealthy"] == 2)

    with pytest.raises(TooManyRequests):
        await evict(plane.resources, "default", min(plane.names(POD)), DeleteOptions())

    condition = find_condition(plane.get(POD_DISRUPTION_BUDGET, "web"), "DisruptionAllowed")
    assert condition is not None
    assert condition["reason"] == "InsufficientPods"


async def test_pods_nobody_owns_are_told_of_where_a_share_is_asked_for(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(POD, pod("a", labels={"app": "web"}))

    await plane.create(POD_DISRUPTION_BUDGET, budget(maxUnavailable=1))

    [message] = await plane.eventually(lambda: plane.events("UnmanagedPods"))
    assert message.startswith("Pods selected by this PodDisruptionBudget")
    await plane.eventually(lambda: _status(plane)["observedGeneration"] == 1)
    assert _status(plane)["disruptionsAllowed"] == 0


async def test_an_owner_that_can_not_be_scaled_lets_nothing_go(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    odd = pod("a", labels={"app": "web"})
    odd["metadata"]["ownerReferences"] = [
        {"apiVersion": "shop.io/v1", "kind": "Till", "name": "t", "uid": "u", "controller": True}
    ]
    await plane.create(POD, odd)

    await plane.create(POD_DISRUPTION_BUDGET, budget(minAvailable="10%"))

    [message] = await plane.eventually(lambda: plane.events("CalculateExpectedPodCountFailed"))
    assert "Till.shop.io" in message
    await plane.eventually(lambda: _status(plane)["conditions"][0]["reason"] == "SyncFailed")


async def test_a_mark_of_an_eviction_that_did_not_happen_is_taken_back(plane: ControlPlane) -> None:
    [controller] = plane.start_controllers(new_stale_disruption_controller)
    await plane.create(POD, pod("a"))
    mark = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastTransitionTime": format_time(plane.clock()),
    }
    await plane.resources.update_status(
        POD, "default", "a", lambda fresh: fresh["status"].update(conditions=[mark])
    )
    await plane.settled()
    marked = is_condition_true(plane.get(POD, "a"), "DisruptionTarget")

    plane.clock.forward(121)
    controller.enqueue("default/a")  # type: ignore[arg-type]

    await plane.eventually(lambda: not is_condition_true(plane.get(POD, "a"), "DisruptionTarget"))
    assert marked
