from typing import Any

import pytest

from minikube_py.container_runtime.interface import (
    ObservedContainer,
    ObservedPod,
    PodIdentity,
    Resources,
)
from minikube_py.kubelet.container_resources import HostFacts, container_resources
from minikube_py.kubelet.resize import ResizeState, obstacle, wanted_resizes
from minikube_py.kubelet.status import StatusFacts, pod_status
from minikube_py.meta.objects import Object, find_condition
from minikube_py.meta.timestamps import parse_time

HOST = HostFacts(memory_bytes=8 << 30)
NOW = parse_time("2026-01-01T00:00:00Z")
SMALL, LARGE = {"cpu": "100m", "memory": "64Mi"}, {"cpu": "200m", "memory": "128Mi"}


def pod(amounts: dict[str, str], *, uid: str = "u1", **container: Any) -> Object:
    resources = {"requests": amounts, "limits": amounts}
    entry = {"name": "app", "image": "app:1", "resources": resources, **container}
    return {
        "metadata": {"name": "web", "namespace": "default", "uid": uid, "generation": 2},
        "spec": {"containers": [entry]},
    }


def running(amounts: dict[str, str], state: Any = "running") -> ObservedPod:
    own = pod(amounts)
    identity = PodIdentity("default", "web", "u1")
    resources = container_resources(own, own["spec"]["containers"][0], HOST)
    found = ObservedContainer(
        "c1", identity, "s1", "app", "app:1", "sha256:1", 0, state, NOW, resources=resources
    )
    return ObservedPod(identity, containers=(found,))


def test_a_container_with_what_it_asks_for_is_left_alone() -> None:
    assert wanted_resizes(pod(SMALL), running(SMALL), HOST) == ()


def test_a_container_with_less_is_given_more_without_a_restart() -> None:
    (resize,) = wanted_resizes(pod(LARGE), running(SMALL), HOST)

    assert resize.resources == Resources(204, 20_000, 128 << 20, 0, -997)
    assert not resize.restart
    assert not resize.shrinks_memory


@pytest.mark.parametrize(
    ("resource", "amounts", "restart"),
    [
        pytest.param("memory", {**SMALL, "memory": "128Mi"}, True, id="memory"),
        pytest.param("memory", {**SMALL, "cpu": "200m"}, False, id="the-other-one"),
        pytest.param("cpu", {**SMALL, "cpu": "200m"}, True, id="cpu"),
    ],
)
def test_the_resize_policy_says_what_takes_a_restart(
    resource: str, amounts: dict[str, str], restart: bool
) -> None:
    policy = [{"resourceName": resource, "restartPolicy": "RestartContainer"}]

    (resize,) = wanted_resizes(pod(amounts, resizePolicy=policy), running(SMALL), HOST)

    assert resize.restart is restart


def test_taking_memory_away_is_marked() -> None:
    (resize,) = wanted_resizes(pod(SMALL), running(LARGE), HOST)

    assert resize.shrinks_memory


def test_what_has_ended_is_resized_by_its_next_start() -> None:
    assert wanted_resizes(pod(LARGE), running(SMALL, "exited"), HOST) == ()


def test_more_than_the_node_has_is_infeasible() -> None:
    assert obstacle(pod({"cpu": "5"}), [], {"cpu": "4"}) == (
        "Infeasible",
        "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000",
    )


def test_more_than_is_left_now_is_deferred() -> None:
    other = pod({"cpu": "2"}, uid="u2")

    found = obstacle(pod({"cpu": "3"}), [other, pod({"cpu": "1"})], {"cpu": "4"})

    assert found == ("Deferred", "Node didn't have enough resource: cpu")
    other["status"] = {"phase": "Succeeded"}
    assert obstacle(pod({"cpu": "3"}), [other], {"cpu": "4"}) is None


def test_the_status_says_what_was_given_until_the_resize_is_done() -> None:
    resized = pod(LARGE)
    resized["status"] = pod_status(pod(SMALL), running(SMALL), NOW, StatusFacts("192.0.2.1"))
    state = ResizeState(frozenset({"app"}), ("PodResizePending", "Deferred", "not now"))

    waiting = pod_status(resized, running(SMALL), NOW, StatusFacts("192.0.2.1", resize=state))
    resized["status"] = waiting
    done = pod_status(resized, running(LARGE), NOW, StatusFacts("192.0.2.1"))

    assert waiting["containerStatuses"][0]["allocatedResources"] == SMALL
    assert waiting["containerStatuses"][0]["resources"]["limits"] == SMALL
    condition = find_condition({"status": waiting}, "PodResizePending") or {}
    assert (condition["status"], condition["reason"]) == ("True", "Deferred")
    assert done["containerStatuses"][0]["resources"] == {"requests": LARGE, "limits": LARGE}
    assert find_condition({"status": done}, "PodResizePending") is None
