"""Pods without a node, silent nodes, old events, claims of ephemeral volumes."""

from datetime import UTC, datetime, timedelta

import pytest

from minikube_py.control_loop.controller import Controller
from minikube_py.controllers.ephemeral_volume import new_ephemeral_volume_controller
from minikube_py.controllers.event_ttl import EventSweeper
from minikube_py.controllers.node_lifecycle import (
    GRACE_SECONDS,
    new_node_lifecycle_controller,
    seconds_left,
)
from minikube_py.controllers.pod_gc import ended_too_many, new_pod_gc_controller
from minikube_py.kinds.catalog import CONFIG_MAP, EVENT, NODE, PERSISTENT_VOLUME_CLAIM, POD
from minikube_py.meta.objects import Key, Object, find_condition, is_condition_true, name_of
from tests.control_loop.harness import ControlPlane, add_node, node, pod

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def test_of_ended_pods_beyond_the_limit_the_oldest_go() -> None:
    pods: list[Object] = [
        {
            "metadata": {"name": f"pod-{number}", "creationTimestamp": f"2026-01-0{number}"},
            "status": {"phase": phase},
        }
        for number, phase in ((3, "Failed"), (1, "Succeeded"), (2, "Running"), (4, "Succeeded"))
    ]

    assert [name_of(pod) for pod in ended_too_many(pods, 1)] == ["pod-1", "pod-3"]
    assert ended_too_many(pods, 3) == []


async def test_pods_of_a_node_that_stays_away_are_removed(plane: ControlPlane) -> None:
    [controller] = plane.start_controllers(new_pod_gc_controller)
    await add_node(plane, node("node-1"))
    for name, where in (("lost", "node-9"), ("kept", "node-1")):
        await plane.create(POD, pod(name))
        await plane.resources.bind_pod("default", name, where)
    await plane.settled()
    before_grace = plane.names(POD)

    controller.enqueue(Key("node-9"))

    await plane.eventually(lambda: plane.names(POD) == {"kept"})
    assert before_grace == {"lost", "kept"}


async def test_pods_of_a_node_that_was_deleted_go_at_once_and_say_why(plane: ControlPlane) -> None:
    plane.start_controllers(new_pod_gc_controller)
    await add_node(plane, node("node-1"))
    lost = pod("lost")
    lost["metadata"]["finalizers"] = ["tests.example/keep"]
    await plane.create(POD, lost)
    await plane.resources.bind_pod("default", "lost", "node-1")
    await plane.settled()

    await plane.delete(NODE, "node-1")

    condition = await plane.eventually(
        lambda: find_condition(plane.get(POD, "lost"), "DisruptionTarget")
    )
    assert condition["reason"] == "DeletionByPodGC"
    assert plane.get(POD, "lost")["status"]["phase"] == "Failed"
    await plane.change(POD, "lost", lambda obj: obj["metadata"].pop("finalizers"))
    await plane.eventually(lambda: not plane.names(POD))


@pytest.fixture
def watchdog(plane: ControlPlane) -> Controller:
    [controller] = plane.start_controllers(new_node_lifecycle_controller)
    return controller


async def test_a_silent_node_becomes_unknown(plane: ControlPlane, watchdog: Controller) -> None:
    await add_node(plane, node("node-1"))
    await plane.settled()
    ready_before = is_condition_true(plane.get(NODE, "node-1"), "Ready")

    plane.clock.forward(GRACE_SECONDS + 1)
    watchdog.enqueue(Key("node-1"))

    condition = await plane.eventually(
        lambda: (
            (found := find_condition(plane.get(NODE, "node-1"), "Ready"))
            and found["status"] == "Unknown"
            and found
        )
    )
    assert ready_before
    assert condition["reason"] == "NodeStatusUnknown"


def test_after_our_own_start_a_node_gets_its_time_anew() -> None:
    lease: Object = {"spec": {"renewTime": "2026-01-31T10:00:00.000000Z"}}

    assert seconds_left(lease, {}, NOW, NOW) == GRACE_SECONDS
    assert seconds_left(lease, {}, NOW - timedelta(minutes=5), NOW) < 0


async def test_events_are_forgotten_an_hour_after_they_last_happened(plane: ControlPlane) -> None:
    obj = await plane.create(CONFIG_MAP, {"metadata": {"name": "a"}})
    await plane.recorder.event(obj, "Normal", "Old", "long ago")
    plane.clock.forward(50 * 60)
    await plane.recorder.event(obj, "Normal", "New", "just now")
    plane.clock.forward(11 * 60)

    removed = await EventSweeper(plane.resources, plane.clock).sweep()

    assert removed == 1
    assert [event["reason"] for event in plane.all(EVENT)] == ["New"]


_CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}


def _with_ephemeral_volume(name: str) -> Object:
    wanted = pod(name)
    template = {"metadata": {"labels": {"app": "shop"}}, "spec": _CLAIM}
    wanted["spec"]["volumes"] = [{"name": "cache", "ephemeral": {"volumeClaimTemplate": template}}]
    return wanted


async def test_an_ephemeral_volume_gets_a_claim_that_goes_with_its_pod(plane: ControlPlane) -> None:
    plane.start_controllers(new_ephemeral_volume_controller)

    made = await plane.create(POD, _with_ephemeral_volume("web"))

    await plane.eventually(lambda: plane.names(PERSISTENT_VOLUME_CLAIM) == {"web-cache"})
    claim = plane.get(PERSISTENT_VOLUME_CLAIM, "web-cache")
    assert claim["metadata"]["labels"] == {"app": "shop"}
    [owner] = claim["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Pod", made["metadata"]["uid"])


async def test_a_claim_of_that_name_that_is_somebody_elses_is_told_of(plane: ControlPlane) -> None:
    await plane.create(
        PERSISTENT_VOLUME_CLAIM, {"metadata": {"name": "web-cache"}, "spec": dict(_CLAIM)}
    )
    plane.start_controllers(new_ephemeral_volume_controller)

    await plane.create(POD, _with_ephemeral_volume("web"))

    [message] = await plane.eventually(lambda: plane.events("FailedBinding"))
    assert "PVC default/web-cache was not created for pod default/web" in message
