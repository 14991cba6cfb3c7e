"""Deployments with real ReplicaSets on a real store; pods are paper."""

from typing import Any

import pytest

from minikube_py.control_loop.controller import Controller
from minikube_py.controllers.deployment import new_deployment_controller
from minikube_py.controllers.replicaset import new_replicaset_controller
from minikube_py.kinds.catalog import DEPLOYMENT, POD, REPLICA_SET
from minikube_py.meta.objects import (
    Key,
    Object,
    annotations_of,
    find_condition,
    get_path,
    labels_of,
    name_of,
)
from tests.control_loop.harness import ControlPlane, PaperKubelet, set_image, workload

REVISION = "deployment.kubernetes.io/revision"
KEY = Key("default/web")


@pytest.fixture
def kubelet(plane: ControlPlane) -> PaperKubelet:
    return PaperKubelet(plane)


@pytest.fixture
def controller(plane: ControlPlane, kubelet: PaperKubelet) -> Controller:
    plane.start(kubelet)
    [deployments, _] = plane.start_controllers(new_deployment_controller, new_replicaset_controller)
    return deployments


async def test_a_deployment_becomes_available(plane: ControlPlane, controller: Controller) -> None:
    await plane.create(DEPLOYMENT, workload("web", 3))

    await plane.eventually(lambda: _is_rolled_out(plane, 3))

    [replica_set] = plane.all(REPLICA_SET)
    hash_ = labels_of(replica_set)["pod-template-hash"]
    assert name_of(replica_set) == f"web-{hash_}"
    assert replica_set["spec"]["selector"]["matchLabels"]["pod-template-hash"] == hash_
    assert all(labels_of(pod)["pod-template-hash"] == hash_ for pod in plane.all(POD))
    assert annotations_of(plane.get(DEPLOYMENT, "web"))[REVISION] == "1"
    assert _condition(plane, "Available")["reason"] == "MinimumReplicasAvailable"
    await plane.eventually(
        lambda: (
            plane.events("ScalingReplicaSet")
            == [f"Scaled up replica set {name_of(replica_set)} from 0 to 3"]
        )
    )


async def test_a_new_image_rolls_out_without_going_below_what_must_be_available(
    plane: ControlPlane, controller: Controller
) -> None:
    await plane.create(DEPLOYMENT, workload("web", 4))
    await plane.eventually(lambda: _is_rolled_out(plane, 4))
    seen: list[tuple[int, int]] = []

    def watch(_old: Object | None, _new: Object | None) -> None:
        pods = plane.informers.of(POD).list("default")
        alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        ready = [pod for pod in alive if _is_ready(pod)]
        seen.append((len(alive), len(ready)))

    plane.informers.of(POD).subscribe(watch)
    seen.clear()

    await plane.change(DEPLOYMENT, "web", set_image("app:2"))

    await plane.eventually(lambda: _is_rolled_out(plane, 4) and _images(plane) == {"app:2"})
    assert min(ready for _, ready in seen) >= 3
    assert annotations_of(plane.get(DEPLOYMENT, "web"))[REVISION] == "2"
    assert sorted(rs["spec"]["replicas"] for rs in plane.all(REPLICA_SET)) == [0, 4]


async def test_going_back_to_an_old_template_reuses_its_replica_set(
    plane: ControlPlane, controller: Controller
) -> None:
    await plane.create(DEPLOYMENT, workload("web", 2))
    await plane.eventually(lambda: _is_rolled_out(plane, 2))
    [first] = plane.names(REPLICA_SET)
    await plane.change(DEPLOYMENT, "web", set_image("app:2"))
    await plane.eventually(lambda: _is_rolled_out(plane, 2) and _images(plane) == {"app:2"})

    await plane.change(DEPLOYMENT, "web", set_image("app:1"))

    await plane.eventually(lambda: _is_rolled_out(plane, 2) and _images(plane) == {"app:1"})
    again = plane.get(REPLICA_SET, first)
    assert len(plane.all(REPLICA_SET)) == 2
    assert annotations_of(again)[REVISION] == "3"
    assert annotations_of(again)["deployment.kubernetes.io/revision-history"] == "1"
    assert annotations_of(plane.get(DEPLOYMENT, "web"))[REVISION] == "3"


async def test_recreate_ends_all_old_pods_before_it_makes_a_new_one(
    plane: ControlPlane, controller: Controller, kubelet: PaperKubelet
) -> None:
    await plane.create(DEPLOYMENT, workload("web", 2, strategy={"type": "Recreate"}))
    await plane.eventually(lambda: _is_rolled_out(plane, 2))
    kubelet.lets_go = lambda _pod: False

    await plane.change(DEPLOYMENT, "web", set_image("app:2"))
    await plane.eventually(
        lambda: all(pod["metadata"].get("deletionTimestamp") for pod in plane.all(POD))
    )
    await plane.settled()
    images_while_old_pods_end = _images(plane)
    kubelet.lets_go = lambda _pod: True
    kubelet.look_again()

    await plane.eventually(lambda: _is_rolled_out(plane, 2) and _images(plane) == {"app:2"})
    assert images_while_old_pods_end == {"app:1"}


async def test_scaling_changes_the_size_without_a_new_revision(
    plane: ControlPlane, controller: Controller
) -> None:
    await plane.create(DEPLOYMENT, workload("web", 2))
    await plane.eventually(lambda: _is_rolled_out(plane, 2))

    await plane.scale(DEPLOYMENT, "web", 5)
    await plane.eventually(lambda: _is_rolled_out(plane, 5))
    await plane.scale(DEPLOYMENT, "web", 0)
    await plane.eventually(lambda: not plane.all(POD))

    assert len(plane.all(REPLICA_SET)) == 1


async def test_scaling_in_the_middle_of_a_rollout_is_shared_in_proportion(
    plane: ControlPlane, controller: Controller, kubelet: PaperKubelet
) -> None:
    kubelet.holds = lambda pod: pod["spec"]["containers"][0]["image"] == "app:2"
    rolling = {"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}, "type": "RollingUpdate"}
    await plane.create(DEPLOYMENT, workload("web", 10, strategy=rolling))
    await plane.eventually(lambda: _is_rolled_out(plane, 10))
    await plane.change(DEPLOYMENT, "web", set_image("app:2"))
    await plane.eventually(lambda: _sizes(plane) == [5, 8])

    await plane.scale(DEPLOYMENT, "web", 15)

    await plane.eventually(lambda: _sizes(plane) == [7, 11])


async def test_a_paused_deployment_starts_no_rollout_until_resumed(
    plane: ControlPlane, controller: Controller
) -> None:
    await plane.create(DEPLOYMENT, workload("web", 2))
    await plane.eventually(lambda: _is_rolled_out(plane, 2))
    await plane.change(DEPLOYMENT, "web", lambda obj: obj["spec"].update(paused=True))
    await plane.change(DEPLOYMENT, "web", set_image("app:2"))
    await plane.eventually(lambda: _condition(plane, "Progressing")["reason"] == "DeploymentPaused")
    await plane.settled()
    images_while_paused = _images(plane)

    await plane.change(DEPLOYMENT, "web", lambda obj: obj["spec"].pop("paused"))

    await plane.eventually(lambda: _is_rolled_out(plane, 2) and _images(plane) == {"app:2"})
    assert images_while_paused == {"app:1"}


async def test_a_rollout_that_gets_stuck_says_so_after_its_deadline(
    plane: ControlPlane, controller: Controller, kubelet: PaperKubelet
) -> None:
    kubelet.holds = lambda _pod: True
    await plane.create(DEPLOYMENT, workload("web", 1, progressDeadlineSeconds=60))
    await plane.eventually(lambda: _status(plane).get("unavailableReplicas") == 1)
    await plane.settled()
    assert _condition(plane, "Available")["reason"] == "MinimumReplicasUnavailable"

    plane.clock.forward(61)
    controller.enqueue(KEY)

    await plane.eventually(
        lambda: _condition(plane, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    )
    assert _condition(plane, "Progressing")["status"] == "False"


async def test_only_as_many_old_revisions_stay_as_asked_for(
    plane: ControlPlane, controller: Controller
) -> None:
    await plane.create(DEPLOYMENT, workload("web", 1, revisionHistoryLimit=1))
    for number in range(2, 5):
        await plane.eventually(lambda: _is_rolled_out(plane, 1))
        await plane.change(DEPLOYMENT, "web", set_image(f"app:{number}"))
        wanted = {f"app:{number}"}
        await plane.eventually(lambda wanted=wanted: _images(plane) == wanted)  # type: ignore[misc]

    await plane.eventually(lambda: len(plane.all(REPLICA_SET)) == 2)

    revisions = {annotations_of(rs)[REVISION] for rs in plane.all(REPLICA_SET)}
    assert revisions == {"3", "4"}


async def test_a_replica_set_name_that_is_taken_leads_to_another_hash(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    plane.start(kubelet)
    plane.start_controllers(new_deployment_controller)
    await plane.create(DEPLOYMENT, workload("web", 1))
    [replica_set] = await plane.eventually(lambda: plane.all(REPLICA_SET))
    taken = name_of(replica_set)

    def disown(obj: Object) -> None:
        obj["metadata"]["ownerReferences"] = []
        obj["metadata"]["labels"] = {"app": "other"}

    await plane.change(REPLICA_SET, taken, disown)

    await plane.eventually(lambda: len(plane.all(REPLICA_SET)) == 2)
    await plane.eventually(lambda: _status(plane).get("collisionCount") == 1)


def _status(plane: ControlPlane) -> dict[str, Any]:
    status: dict[str, Any] = plane.get(DEPLOYMENT, "web").get("status") or {}
    return status


def _condition(plane: ControlPlane, type_: str) -> Object:
    return find_condition(plane.get(DEPLOYMENT, "web"), type_) or {}


def _is_rolled_out(plane: ControlPlane, replicas: int) -> bool:
    deployment, status = plane.get(DEPLOYMENT, "web"), _status(plane)
    return (
        all(
            status.get(field) == replicas
            for field in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        )
        and status["observedGeneration"] == deployment["metadata"]["generation"]
        and _condition(plane, "Progressing").get("reason") == "NewReplicaSetAvailable"
    )


def _is_ready(pod: Object) -> bool:
    condition = find_condition(pod, "Ready")
    return condition is not None and condition["status"] == "True"


def _images(plane: ControlPlane) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in plane.all(POD)}


def _sizes(plane: ControlPlane) -> list[int]:
    return sorted(get_path(rs, "spec", "replicas") for rs in plane.all(REPLICA_SET))
