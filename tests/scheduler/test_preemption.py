"""Who has to go for whom."""

from collections.abc import Sequence
from typing import Any

import pytest

from minikube_py.kinds.catalog import POD, POD_DISRUPTION_BUDGET, PRIORITY_CLASS
from minikube_py.meta.objects import Object, find_condition, get_path, is_deleting
from minikube_py.scheduler.cluster import ClusterView
from minikube_py.scheduler.decision import Decision, Surroundings, decide
from minikube_py.scheduler.scheduler import Scheduler
from minikube_py.scheduler.views import PodView
from minikube_py.scheduler.volumes import VolumeLookup
from tests.control_loop.harness import ControlPlane, add_node, node, pod


def sized(name: str, cpu: str, priority: int = 0, on: str = "", **spec: Any) -> Object:
    body = pod(name, labels={"app": name.partition("-")[0]}, priority=priority, **spec)
    body["metadata"]["namespace"] = "default"
    body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
    if on:
        body["spec"]["nodeName"] = on
        body["status"] = {"startTime": f"2026-01-01T00:00:{len(name):02}Z"}
    return body


def decided(asks: Object, *there: Object, budgets: Sequence[Object] = ()) -> Decision:
    """On nodes n1 and n2 with four CPUs each."""
    cluster = ClusterView()
    for name in ("n1", "n2"):
        cluster.set_node(node(name))
    for each in there:
        cluster.set_pod(each)
    lookup = VolumeLookup(lambda *_: None, lambda _: None, list, lambda _: None)
    return decide(PodView(asks), cluster, Surroundings(lookup, lambda _: {}, lambda: budgets))


def victims(decision: Decision) -> set[str]:
    return {view.pod["metadata"]["name"] for view in decision.preemption.victims}


def covering(app: str, allowed: int, disrupted: Sequence[str] = ()) -> Object:
    return {
        "metadata": {"name": app, "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": app}}},
        "status": {
            "disruptionsAllowed": allowed,
            "disruptedPods": dict.fromkeys(disrupted, "2026-01-01T00:00:00Z"),
        },
    }


def test_only_as_many_go_as_must() -> None:
    there = [sized("a", "1", on="n1"), sized("b", "3", 9, "n1"), sized("c", "4", 90, "n2")]

    found = decided(sized("big", "1", 50), *there)

    assert found.node == ""
    assert found.preemption.node == "n1"
    assert victims(found) == {"a"}
    assert found.message == "0/2 nodes are available: 2 Insufficient cpu."


def test_the_node_with_the_least_important_victims_is_taken() -> None:
    found = decided(sized("big", "4", 50), sized("a", "4", 20, "n1"), sized("b", "4", 10, "n2"))

    assert (found.preemption.node, victims(found)) == ("n2", {"b"})


def test_of_equals_those_that_started_last_go() -> None:
    found = decided(sized("big", "4", 50), sized("aa", "4", 10, "n1"), sized("b", "4", 10, "n2"))

    assert victims(found) == {"aa"}


def test_a_budget_that_allows_nothing_is_respected_where_there_is_another_way() -> None:
    there = [sized("web-1", "4", 10, "n1"), sized("job-1", "4", 20, "n2")]

    found = decided(sized("big", "4", 50), *there, budgets=[covering("web", 0)])

    assert victims(found) == {"job-1"}


def test_a_budget_is_overdrawn_where_there_is_none() -> None:
    there = [sized("web-1", "4", 10, "n1"), sized("web-22", "4", 10, "n2")]

    found = decided(sized("big", "4", 50), *there, budgets=[covering("web", 0)])

    assert len(victims(found)) == 1


def test_a_pod_that_is_disrupted_anyway_costs_its_budget_nothing() -> None:
    there = [sized("web-1", "4", 10, "n1"), sized("job-1", "4", 20, "n2")]

    found = decided(sized("big", "4", 50), *there, budgets=[covering("web", 0, ["web-1"])])

    assert victims(found) == {"web-1"}


@pytest.mark.parametrize(
    ("asks", "why"),
    [
        pytest.param(
            sized("big", "4", 50, preemptionPolicy="Never"),
            "not eligible due to preemptionPolicy=Never.",
            id="a polite pod",
        ),
        pytest.param(
            sized("big", "4"),
            "0/2 nodes are available: 2 No preemption victims found for incoming pod.",
            id="nobody is less important",
        ),
        pytest.param(
            sized("big", "9", 50),
            "0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
            id="more than a node has",
        ),
        pytest.param(
            sized("big", "4", 50, nodeSelector={"disk": "ssd"}),
            "0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
            id="the wrong place",
        ),
    ],
)
def test_why_nobody_goes(asks: Object, why: str) -> None:
    found = decided(asks, sized("a", "4", on="n1"), sized("b", "4", on="n2"))

    assert found.preemption.node == ""
    assert found.message.endswith(f" preemption: {why}")


def test_nobody_else_goes_while_the_first_are_on_their_way_out() -> None:
    leaving = sized("a", "4", on="n1")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    leaving["status"]["conditions"] = [
        {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    ]
    asks = sized("big", "4", 50)
    asks["status"] = {"nominatedNodeName": "n1"}

    found = decided(asks, leaving, sized("b", "4", on="n2"))

    assert found.message.endswith("not eligible due to a terminating pod on the nominated node.")


def test_room_that_was_promised_is_not_given_to_a_lesser_pod() -> None:
    promised = sized("big", "4", 50)
    promised["status"] = {"nominatedNodeName": "n1"}
    there = [promised, sized("b", "4", 90, on="n2")]

    assert decided(sized("small", "1", 10), *there).node == ""
    assert decided(sized("vip", "1", 99), *there).node == "n1"
    assert decided(promised, *there).node == "n1"


@pytest.fixture
def scheduler(plane: ControlPlane) -> Scheduler:
    made = Scheduler(plane.resources, plane.informers, plane.recorder, plane.clock)
    plane.start(made)
    return made


def asking(name: str, cpu: str, class_: str) -> Object:
    body = pod(name, labels={"app": name}, priorityClassName=class_)
    body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
    return body


async def test_a_pod_of_less_priority_makes_room_and_is_told_for_whom(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    for name, value in (("low", 1), ("high", 1000)):
        await plane.create(PRIORITY_CLASS, {"metadata": {"name": name}, "value": value})
    await add_node(plane, node("node-1"))
    await plane.create(POD, asking("victim", "4", "low"))
    await plane.eventually(lambda: get_path(plane.get(POD, "victim"), "spec", "nodeName"))
    budget = {"metadata": {"name": "b"}, "spec": {"selector": {"matchLabels": {"app": "victim"}}}}
    await plane.create(POD_DISRUPTION_BUDGET, budget)

    important = await plane.create(POD, asking("important", "2", "high"))

    await plane.eventually(lambda: is_deleting(plane.get(POD, "victim")))
    victim = plane.get(POD, "victim")
    condition = find_condition(victim, "DisruptionTarget")
    assert condition is not None
    assert condition["reason"] == "PreemptionByScheduler"
    waiting = plane.get(POD, "important")
    assert waiting["status"]["nominatedNodeName"] == "node-1"
    await plane.eventually(
        lambda: (
            plane.events("Preempted")
            == [f"Preempted by pod {important['metadata']['uid']} on node node-1"]
        )
    )
    await plane.resources.finish_pod_deletion("default", "victim", victim["metadata"]["uid"])
    await plane.eventually(lambda: get_path(plane.get(POD, "important"), "spec", "nodeName"))
    assert "nominatedNodeName" not in plane.get(POD, "important")["status"]
