from typing import Any

import pytest

from minikube_py.controllers.replicaset import batches, new_replicaset_controller
from minikube_py.kinds.catalog import NAMESPACE, POD, REPLICA_SET
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import Forbidden
from minikube_py.meta.objects import Object, controller_of, get_path, name_of
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.options import WriteOptions, Written
from minikube_py.resources.resources import Resources
from tests.control_loop.harness import ControlPlane, PaperKubelet, all_ready, pod, workload

WRITE = WriteOptions()


@pytest.fixture
def kubelet(plane: ControlPlane) -> PaperKubelet:
    kubelet = PaperKubelet(plane)
    plane.start(kubelet)
    plane.start_controllers(new_replicaset_controller)
    return kubelet


def test_batches_double_until_all_are_made() -> None:
    assert list(batches(10)) == [1, 2, 4, 3]
    assert list(batches(0)) == []


async def test_a_replica_set_makes_its_pods_and_counts_them(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(REPLICA_SET, workload("web", 3))

    await plane.eventually(lambda: _status(plane).get("availableReplicas") == 3)

    status = _status(plane)
    assert len(plane.all(POD)) == 3
    assert status["replicas"] == status["fullyLabeledReplicas"] == status["readyReplicas"] == 3
    assert status["observedGeneration"] == 1
    assert all(name_of(pod).startswith("web-") for pod in plane.all(POD))
    await plane.eventually(lambda: len(plane.events("SuccessfulCreate")) == 3)


async def test_no_pod_too_many_is_ever_made(plane: ControlPlane, kubelet: PaperKubelet) -> None:
    await plane.create(REPLICA_SET, workload("web", 30))

    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 30)
    await plane.settled()

    assert len(plane.events("SuccessfulCreate")) <= 30
    assert len(plane.all(POD)) == 30


async def test_scaling_down_removes_the_pod_that_is_not_ready(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    kubelet.holds = lambda pod: "sick" in (pod["metadata"].get("annotations") or {})
    await plane.create(REPLICA_SET, workload("web", 3))
    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 3)
    sick = name_of(plane.all(POD)[1])
    await plane.change(
        POD, sick, lambda pod: pod["metadata"].setdefault("annotations", {}).update(sick="1")
    )
    await plane.eventually(lambda: _status(plane)["readyReplicas"] == 2)

    await plane.scale(REPLICA_SET, "web", 2)

    await plane.eventually(lambda: len(plane.all(POD)) == 2)
    assert sick not in plane.names(POD)


async def test_a_pod_that_is_deleted_or_ends_is_replaced(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(REPLICA_SET, workload("web", 2))
    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 2)
    first, second = sorted(plane.names(POD))

    await plane.delete(POD, first)
    await plane.resources.update_status(
        POD, "default", second, lambda pod: pod["status"].update(phase="Failed", conditions=[])
    )

    await plane.eventually(
        lambda: len(_active(plane)) == 2 and all_ready(_active(plane)), "two new pods"
    )
    assert not {first, second} & {name_of(pod) for pod in _active(plane)}


async def test_a_matching_orphan_is_adopted_and_a_relabelled_child_released(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(POD, pod("orphan", labels={"app": "web"}))
    await plane.create(REPLICA_SET, workload("web", 2))
    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 2)
    adopted = controller_of(plane.get(POD, "orphan"))

    await plane.change(POD, "orphan", lambda pod: pod["metadata"].update(labels={"app": "mine"}))
    await plane.eventually(lambda: len(plane.all(POD)) == 3)
    await plane.eventually(lambda: controller_of(plane.get(POD, "orphan")) is None)

    assert adopted is not None
    assert adopted["name"] == "web"


async def test_ready_pods_become_available_only_after_min_ready_seconds(
    plane: ControlPlane,
) -> None:
    plane.start(PaperKubelet(plane))
    [controller] = plane.start_controllers(new_replicaset_controller)
    await plane.create(REPLICA_SET, workload("web", 1, minReadySeconds=30))
    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 1)
    before = _status(plane).get("availableReplicas", 0)

    plane.clock.forward(31)
    controller.enqueue("default/web")  # type: ignore[arg-type]

    await plane.eventually(lambda: _status(plane).get("availableReplicas") == 1)
    assert before == 0


class NoPods(Resources):
    """Refuses every pod, as a quota would."""

    async def create(
        self, kind: Kind, namespace: str | None, obj: Object, options: WriteOptions = WRITE
    ) -> Written:
        if kind is POD:
            raise Forbidden("exceeded quota: pods=0")
        return await super().create(kind, namespace, obj, options)


async def test_pods_that_cannot_be_made_are_told_in_a_condition_and_an_event(
    plane: ControlPlane,
) -> None:
    store, catalog = plane.resources.store, plane.resources.catalog
    allocator = ServiceAllocator("10.97.0.0/16")
    plane.resources = NoPods(store, catalog, clock=plane.clock, allocator=allocator)
    plane.start_controllers(new_replicaset_controller)

    await plane.create(REPLICA_SET, workload("web", 100))

    await plane.eventually(lambda: _status(plane).get("conditions"))
    [condition] = _status(plane)["conditions"]
    assert (condition["type"], condition["status"]) == ("ReplicaFailure", "True")
    assert condition["reason"] == "FailedCreate"
    assert condition["message"] == "exceeded quota: pods=0"
    await plane.eventually(
        lambda: "Error creating: exceeded quota: pods=0" in plane.events("FailedCreate")
    )


async def test_a_namespace_that_ends_gets_no_new_pods_and_no_complaints(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(NAMESPACE, {"metadata": {"name": "doomed"}})
    await plane.create(REPLICA_SET, workload("web", 1), "doomed")
    await plane.eventually(lambda: all_ready(plane.all(POD, "doomed")) and plane.all(POD, "doomed"))
    await plane.delete(NAMESPACE, "doomed")

    await plane.delete(POD, name_of(plane.all(POD, "doomed")[0]), "doomed")

    await plane.eventually(lambda: not plane.all(POD, "doomed"))
    await plane.settled()
    assert plane.all(POD, "doomed") == []
    assert not _conditions(plane.get(REPLICA_SET, "web", "doomed"))


def _conditions(obj: Object) -> list[Object]:
    conditions: list[Object] = get_path(obj, "status", "conditions", default=[])
    return conditions


def _status(plane: ControlPlane, name: str = "web") -> dict[str, Any]:
    status: dict[str, Any] = plane.get(REPLICA_SET, name).get("status") or {}
    return status


def _active(plane: ControlPlane) -> list[Object]:
    return [
        pod
        for pod in plane.all(POD)
        if get_path(pod, "status", "phase") not in ("Failed", "Succeeded")
        and not pod["metadata"].get("deletionTimestamp")
    ]
