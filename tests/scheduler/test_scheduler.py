"""The scheduler on a real store: pods in, bindings out."""

import copy
from typing import Any

import pytest

from minikube_py.kinds.catalog import NODE, POD, REPLICA_SET, STORAGE_CLASS
from minikube_py.meta.objects import Object, find_condition, get_path
from minikube_py.scheduler import scheduler as scheduler_module
from minikube_py.scheduler.decision import Decision, decide
from minikube_py.scheduler.scheduler import Scheduler
from minikube_py.scheduler.views import PodView
from tests.control_loop.harness import ControlPlane, add_node, node, pod, workload

_NOT_HELPFUL = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."


@pytest.fixture
def scheduler(plane: ControlPlane) -> Scheduler:
    made = Scheduler(plane.resources, plane.informers, plane.recorder, plane.clock)
    plane.start(made)
    return made


async def test_a_pod_goes_to_the_node_that_has_room(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    await add_node(plane, node("node-1"))

    await plane.create(POD, pod("web"))

    await plane.eventually(lambda: _node(plane, "web") == "node-1")
    condition = find_condition(plane.get(POD, "web"), "PodScheduled")
    assert condition is not None
    assert condition["status"] == "True"
    await plane.eventually(
        lambda: plane.events("Scheduled") == ["Successfully assigned default/web to node-1"]
    )


async def test_without_nodes_the_pod_says_so_and_goes_when_one_comes(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    await plane.create(POD, pod("web"))
    await plane.eventually(lambda: _why(plane, "web") == "no nodes available to schedule pods")

    await add_node(plane, node("node-1"))

    await plane.eventually(lambda: _node(plane, "web") == "node-1")


async def test_a_pod_too_large_waits_with_kubernetes_words_until_another_leaves(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    await add_node(plane, node("node-1"))
    await plane.create(POD, _sized("first", "3"))
    await plane.eventually(lambda: _node(plane, "first"))

    await plane.create(POD, _sized("second", "3"))

    why = (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: "
        "1 No preemption victims found for incoming pod."
    )
    await plane.eventually(lambda: _why(plane, "second") == why)
    await plane.eventually(lambda: plane.events("FailedScheduling") == [why])
    await plane.resources.finish_pod_deletion(
        "default", "first", plane.get(POD, "first")["metadata"]["uid"]
    )
    await plane.eventually(lambda: _node(plane, "second") == "node-1")


async def test_pods_created_together_never_overfill_a_node(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    await add_node(plane, node("node-1"))
    for number in range(6):
        await plane.create(POD, _sized(f"pod-{number}", "1"))

    await plane.eventually(lambda: sum(bool(_of(pod)) for pod in plane.all(POD)) == 4)
    await plane.settled()

    assert sum(bool(_of(pod)) for pod in plane.all(POD)) == 4


async def test_the_most_important_pod_is_placed_first(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    await plane.create(POD, _sized("low", "4"))
    await plane.create(POD, {**_sized("high", "4")})
    await plane.eventually(lambda: _why(plane, "low") and _why(plane, "high"))

    await add_node(plane, node("node-1"))

    await plane.eventually(lambda: _node(plane, "low") or _node(plane, "high"))
    await plane.settled()
    assert sum(bool(_of(pod)) for pod in plane.all(POD)) == 1


async def test_a_cordoned_node_is_left_out_until_it_is_uncordoned(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    await add_node(plane, node("node-1", spec={"unschedulable": True}))
    await plane.create(POD, pod("web"))
    await plane.eventually(
        lambda: (
            _why(plane, "web")
            == f"0/1 nodes are available: 1 node(s) were unschedulable. {_NOT_HELPFUL}"
        )
    )

    await plane.change(NODE, "node-1", lambda node: node["spec"].pop("unschedulable"))

    await plane.eventually(lambda: _node(plane, "web") == "node-1")


async def test_pods_that_keep_apart_spread_over_nodes_and_the_third_waits(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    for name in ("node-1", "node-2"):
        await add_node(plane, node(name))
    rule = {
        "labelSelector": {"matchLabels": {"app": "db"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    apart = {
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]},
    }
    for name in ("db-0", "db-1", "db-2"):
        await plane.create(POD, pod(name, labels={"app": "db"}, affinity=apart))

    await plane.eventually(lambda: {_of(pod) for pod in plane.all(POD)} == {"node-1", "node-2", ""})
    [waiting] = [pod for pod in plane.all(POD) if not _of(pod)]
    await plane.eventually(
        lambda: (
            _why(plane, waiting["metadata"]["name"])
            == "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. "
            "preemption: 0/2 nodes are available: "
            "2 No preemption victims found for incoming pod."
        )
    )


async def test_replicas_of_a_set_spread_over_nodes_that_have_more_and_less_room(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    """The system's own constraints; by room alone all would be on the larger node."""
    large = {"cpu": "40", "memory": "80Gi", "pods": "110"}
    ready = [{"type": "Ready", "status": "True"}]
    await add_node(plane, node("large", status={"allocatable": large, "conditions": ready}))
    await add_node(plane, node("small"))
    labels = {"app": "web"}
    made = await plane.create(REPLICA_SET, workload("web", replicas=4))
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "controller": True}
    reference["uid"] = made["metadata"]["uid"]

    for number in range(4):
        body = _sized(f"web-{number}", "500m")
        body["metadata"] |= {"labels": labels, "ownerReferences": [reference]}
        await plane.create(POD, body)

    await plane.eventually(lambda: all(_of(pod) for pod in plane.all(POD)))
    assert sorted(_of(pod) for pod in plane.all(POD)) == ["large", "large", "small", "small"]


async def test_a_gated_pod_says_so_and_waits_for_its_gates(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    await add_node(plane, node("node-1"))

    await plane.create(POD, pod("held", schedulingGates=[{"name": "example.com/quota"}]))
    await plane.settled()

    condition = find_condition(plane.get(POD, "held"), "PodScheduled")
    assert condition is not None
    assert (condition["status"], condition["reason"]) == ("False", "SchedulingGated")
    await plane.change(POD, "held", lambda body: body["spec"].pop("schedulingGates"))
    await plane.eventually(lambda: _node(plane, "held") == "node-1")


async def test_a_pod_learns_the_zone_of_its_node(plane: ControlPlane, scheduler: Scheduler) -> None:
    body = node("node-1")
    body["metadata"]["labels"]["topology.kubernetes.io/zone"] = "zone-1"
    await add_node(plane, body)

    await plane.create(POD, pod("web"))

    await plane.eventually(lambda: _node(plane, "web"))
    labels = plane.get(POD, "web")["metadata"]["labels"]
    assert labels == {"topology.kubernetes.io/zone": "zone-1"}


async def test_a_pod_is_not_tried_again_for_what_can_not_help_it(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def counting(view: PodView, *rest: Any) -> Decision:
        tried.append(view.pod["metadata"]["name"])
        return decide(view, *rest)

    monkeypatch.setattr(scheduler_module, "decide", counting)
    plane.start(Scheduler(plane.resources, plane.informers, plane.recorder, plane.clock))
    await add_node(plane, node("node-1"))
    await plane.create(POD, pod("picky", nodeSelector={"disk": "ssd"}))
    await plane.create(POD, _sized("large", "5"))
    await plane.create(POD, _sized("second", "3"))
    await plane.eventually(lambda: _node(plane, "second"))
    await plane.create(POD, _sized("third", "3"))
    await plane.eventually(lambda: _why(plane, "third") and _why(plane, "picky"))
    await plane.settled()
    tried.clear()

    await plane.create(STORAGE_CLASS, {"metadata": {"name": "fast"}, "provisioner": "x/y"})
    await plane.settled()
    nothing = list(tried)
    await plane.resources.finish_pod_deletion(
        "default", "second", plane.get(POD, "second")["metadata"]["uid"]
    )
    await plane.eventually(lambda: _node(plane, "third"))
    await plane.settled()

    assert nothing == []
    assert tried == ["third"]


async def test_room_that_a_smaller_pod_leaves_is_used(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    await add_node(plane, node("node-1"))
    await plane.create(POD, _sized("first", "3"))
    await plane.eventually(lambda: _node(plane, "first"))
    await plane.create(POD, _sized("second", "3"))
    await plane.eventually(lambda: _why(plane, "second"))

    smaller = copy.deepcopy(plane.get(POD, "first"))
    smaller["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "1"
    await plane.resources.update(POD, "default", "first", smaller, subresource="resize")

    await plane.eventually(lambda: _node(plane, "second") == "node-1")


async def test_pods_of_another_scheduler_are_left_alone(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    await add_node(plane, node("node-1"))
    await plane.create(POD, pod("theirs", schedulerName="custom"))
    await plane.create(POD, pod("ours"))

    await plane.eventually(lambda: _node(plane, "ours"))
    await plane.settled()

    assert _node(plane, "theirs") == ""


async def test_a_missing_claim_is_named_and_the_pod_goes_when_it_is_there(
    plane: ControlPlane, scheduler: Scheduler
) -> None:
    await add_node(plane, node("node-1"))
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}

    await plane.create(POD, pod("db", volumes=[volume]))

    await plane.eventually(
        lambda: (
            _why(plane, "db")
            == f'0/1 nodes are available: persistentvolumeclaim "data" not found. {_NOT_HELPFUL}'
        )
    )


def _sized(name: str, cpu: str) -> Object:
    body = pod(name)
    body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
    return body


def _of(pod: Object) -> str:
    return str(get_path(pod, "spec", "nodeName", default=""))


def _node(plane: ControlPlane, name: str) -> str:
    return _of(plane.get(POD, name))


def _why(plane: ControlPlane, name: str) -> Any:
    condition = find_condition(plane.get(POD, name), "PodScheduled")
    return condition and condition.get("message")
