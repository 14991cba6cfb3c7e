"""What a node's state means for the pods on it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from minikube_py.control_loop.controller import Controller
from minikube_py.controllers.node_lifecycle import new_node_lifecycle_controller, wanted_taints
from minikube_py.controllers.taint_eviction import (
    new_taint_eviction_controller,
    toleration_seconds,
)
from minikube_py.kinds.catalog import NODE, POD
from minikube_py.meta.objects import Key, Object, find_condition, get_path, is_deleting
from tests.control_loop.harness import ControlPlane, add_node, node, pod

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
TAINT = {"key": "fire", "value": "yes", "effect": "NoExecute"}
PREFIX = "node.kubernetes.io/"


def with_conditions(name: str = "n1", **conditions: str) -> Object:
    listed = [{"type": type_, "status": status} for type_, status in conditions.items()]
    return node(name, status={"conditions": listed})


def taints(*nodes: Object) -> set[tuple[str, str]]:
    found = wanted_taints(nodes[0], nodes, NOW)
    return {(taint["key"].removeprefix(PREFIX), taint["effect"]) for taint in found}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param([with_conditions(Ready="True")], set(), id="well"),
        pytest.param(
            [with_conditions(Ready="True", MemoryPressure="True", DiskPressure="True")],
            {("memory-pressure", "NoSchedule"), ("disk-pressure", "NoSchedule")},
            id="under pressure",
        ),
        pytest.param(
            [with_conditions(Ready="False"), with_conditions("n2", Ready="True")],
            {("not-ready", "NoSchedule"), ("not-ready", "NoExecute")},
            id="not ready",
        ),
        pytest.param(
            [with_conditions(Ready="Unknown"), with_conditions("n2", Ready="Unknown")],
            {("unreachable", "NoSchedule")},
            id="nobody has to leave while all nodes are silent",
        ),
        pytest.param([node(spec={"unschedulable": True})], {("unschedulable", "NoSchedule")},
                     id="cordoned"),
        pytest.param(
            [node(spec={"taints": [TAINT, {"key": f"{PREFIX}not-ready", "effect": "NoExecute"}]})],
            {("fire", "NoExecute")},
            id="well again, and the user's own taint stays",
        ),
    ],
)  # fmt: skip
def test_the_state_of_a_node_is_written_as_taints(
    nodes: list[Object], expected: set[tuple[str, str]]
) -> None:
    assert taints(*nodes) == expected


def tolerating(**toleration: Any) -> Object:
    return pod("a", tolerations=[{"key": "fire", "operator": "Exists", **toleration}])


@pytest.mark.parametrize(
    ("tolerant", "seconds"),
    [
        pytest.param(pod("a"), 0, id="no toleration"),
        pytest.param(tolerating(), float("inf"), id="for ever"),
        pytest.param(tolerating(tolerationSeconds=5), 5, id="for a while"),
        pytest.param(tolerating(tolerationSeconds=-5), 0, id="for less than nothing"),
        pytest.param(tolerating(effect="NoSchedule"), 0, id="another effect"),
    ],
)
def test_how_long_a_pod_may_stay(tolerant: Object, seconds: float) -> None:
    assert toleration_seconds(tolerant, [TAINT]) == seconds


@pytest.fixture
async def manager(plane: ControlPlane) -> Controller:
    [controller] = plane.start_controllers(new_taint_eviction_controller)
    await add_node(plane, node("node-1"))
    return controller


async def _placed(plane: ControlPlane, body: Object) -> None:
    await plane.create(POD, body)
    await plane.resources.bind_pod("default", body["metadata"]["name"], "node-1")


async def _taint(plane: ControlPlane, *taints: Object) -> None:
    await plane.change(NODE, "node-1", lambda obj: obj["spec"].update(taints=list(taints)))


async def test_a_pod_that_does_not_tolerate_the_taint_goes_and_says_why(
    plane: ControlPlane, manager: Controller
) -> None:
    await _placed(plane, pod("gone"))
    await _placed(plane, {**tolerating(), "metadata": {"name": "stays"}})

    await _taint(plane, TAINT)

    await plane.eventually(lambda: is_deleting(plane.get(POD, "gone")))
    condition = find_condition(plane.get(POD, "gone"), "DisruptionTarget")
    assert condition is not None
    assert condition["reason"] == "DeletionByTaintManager"
    await plane.eventually(
        lambda: plane.events("TaintManagerEviction") == ["Marking for deletion Pod default/gone"]
    )
    assert not is_deleting(plane.get(POD, "stays"))


async def test_a_pod_goes_when_its_toleration_seconds_are_over(
    plane: ControlPlane, manager: Controller
) -> None:
    await _placed(plane, tolerating(effect="NoExecute", tolerationSeconds=30))
    await _taint(plane, TAINT)
    await plane.settled()
    before = is_deleting(plane.get(POD, "a"))

    plane.clock.forward(31)
    manager.enqueue(Key("default/a"))

    await plane.eventually(lambda: is_deleting(plane.get(POD, "a")))
    assert not before


async def test_a_taint_that_goes_in_time_spares_the_pod(
    plane: ControlPlane, manager: Controller
) -> None:
    await _placed(plane, tolerating(effect="NoExecute", tolerationSeconds=30))
    await _taint(plane, TAINT)
    await plane.settled()

    await _taint(plane)

    await plane.eventually(
        lambda: plane.events("TaintManagerEviction") == ["Cancelling deletion of Pod default/a"]
    )
    plane.clock.forward(31)
    manager.enqueue(Key("default/a"))
    await plane.settled()
    assert not is_deleting(plane.get(POD, "a"))


async def test_a_cordon_shows_as_a_taint_and_goes_with_it(plane: ControlPlane) -> None:
    plane.start_controllers(new_node_lifecycle_controller)
    await add_node(plane, node("node-1", spec={"unschedulable": True}))
    taint = await plane.eventually(
        lambda: get_path(plane.get(NODE, "node-1"), "spec", "taints", default=[])
    )

    await plane.change(NODE, "node-1", lambda obj: obj["spec"].pop("unschedulable"))

    await plane.eventually(lambda: not get_path(plane.get(NODE, "node-1"), "spec", "taints"))
    assert taint[0]["key"] == f"{PREFIX}unschedulable"
