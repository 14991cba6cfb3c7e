"""Where the time of a pod's start went is told with the status that says it runs."""

import json
from typing import Any

from minikube_py.kubelet.trace import Arrivals, PodTrace
from tests.kubelet.conftest import World, sleeper

TRACE = "mk.dev/start-trace"


def pod(*states: str, node: str = "") -> dict[str, Any]:
    statuses = [{"name": f"c{at}", "state": {state: {}}} for at, state in enumerate(states)]
    return {
        "metadata": {"name": "web", "uid": "u1"},
        "spec": {"nodeName": node},
        "status": {"containerStatuses": statuses},
    }


def test_the_annotation_comes_with_the_status_that_says_all_containers_run() -> None:
    trace = PodTrace("default/web")
    with trace.step("create"):
        pass
    early, running = pod("running", "waiting"), pod("running", "running")

    trace.tell(early)
    trace.tell(running)

    assert "annotations" not in early["metadata"]
    assert set(json.loads(running["metadata"]["annotations"][TRACE])) == {"create", "total"}


def test_a_pod_without_statuses_has_not_started() -> None:
    waiting = pod()

    PodTrace("default/web").tell(waiting)

    assert "annotations" not in waiting["metadata"]


def test_what_another_daemon_began_is_not_measured() -> None:
    running = pod("running")

    PodTrace("default/web", finished=True).tell(running)

    assert "annotations" not in running["metadata"]


def test_annotations_of_the_user_stay() -> None:
    running = pod("running")
    running["metadata"]["annotations"] = {"a": "b"}

    PodTrace("default/web").tell(running)

    assert set(running["metadata"]["annotations"]) == {"a", TRACE}


def test_a_step_done_for_two_containers_at_once_counts_once() -> None:
    trace = PodTrace("default/web")
    with trace.step("start"):
        with trace.step("start"):
            pass
        assert "start" not in trace.steps

    assert trace.steps["start"] < 1000


def test_later_starts_do_not_change_it() -> None:
    trace = PodTrace("default/web")
    trace.finish()
    with trace.step("start"):
        pass
    running = pod("running")
    trace.tell(running)

    assert "start" not in trace.steps
    assert "annotations" not in running["metadata"]


def test_scheduling_counts_from_when_the_pod_was_first_heard_of() -> None:
    arrivals = Arrivals()
    unbound, bound = pod(), pod(node="node-1")
    arrivals.hear(None, unbound)
    arrivals.hear(unbound, unbound)

    trace = PodTrace("default/web", seen_at=arrivals.hear(unbound, bound))
    trace.taken_up()

    assert list(trace.steps) == ["schedule", "watch"]
    assert arrivals.hear(bound, bound) is None


def test_a_pod_deleted_before_it_had_a_node_is_forgotten() -> None:
    arrivals = Arrivals()
    arrivals.hear(None, pod())
    arrivals.hear(pod(), None)

    assert arrivals.hear(None, pod(node="node-1")) is None


async def test_a_started_pod_carries_its_trace(paper_world: World) -> None:
    await paper_world.pod("web", containers=[sleeper()])

    started = await paper_world.ready("web")

    steps = json.loads(started["metadata"]["annotations"][TRACE])
    assert set(steps) == {
        "watch", "sandbox", "network", "volumes", "create", "start", "status", "total",
    }  # fmt: skip
    assert all(steps["total"] >= took for took in steps.values())
