"""StatefulSets on a real store; pods are paper."""

from typing import Any

import pytest

from minikube_py.control_loop.controller import Controller
from minikube_py.controllers.statefulset import new_statefulset_controller
from minikube_py.controllers.statefulset.plan import Member, Plan, Wanted, plan_pods
from minikube_py.kinds.catalog import (
    CONTROLLER_REVISION,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    STATEFUL_SET,
)
from minikube_py.meta.objects import Object, is_deleting, labels_of, name_of
from tests.control_loop.harness import ControlPlane, PaperKubelet, set_image, workload

CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.fixture
def kubelet(plane: ControlPlane) -> PaperKubelet:
    return PaperKubelet(plane)


@pytest.fixture
def controller(plane: ControlPlane, kubelet: PaperKubelet) -> Controller:
    plane.start(kubelet)
    [made] = plane.start_controllers(new_statefulset_controller)
    return made


async def test_pods_get_numbers_names_claims_and_come_one_after_the_other(
    plane: ControlPlane, controller: Controller, kubelet: PaperKubelet
) -> None:
    kubelet.holds = lambda pod: name_of(pod) == "db-1"
    await plane.create(STATEFUL_SET, _set(3, volumeClaimTemplates=[CLAIM]))
    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 1)
    await plane.eventually(lambda: "db-1" in plane.names(POD))
    await plane.settled()
    while_second_is_unwell = plane.names(POD)

    kubelet.holds = lambda _pod: False
    kubelet.look_again()

    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 3)
    assert while_second_is_unwell == {"db-0", "db-1"}
    assert plane.names(PERSISTENT_VOLUME_CLAIM) == {"data-db-0", "data-db-1", "data-db-2"}
    pod = plane.get(POD, "db-2")
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("db-2", "db")
    assert labels_of(pod)["statefulset.kubernetes.io/pod-name"] == "db-2"
    assert labels_of(pod)["apps.kubernetes.io/pod-index"] == "2"
    assert labels_of(pod)["controller-revision-hash"] == _status(plane)["updateRevision"]
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-2"}} in pod["spec"][
        "volumes"
    ]


async def test_a_parallel_set_does_not_wait(
    plane: ControlPlane, controller: Controller, kubelet: PaperKubelet
) -> None:
    kubelet.holds = lambda _pod: True

    await plane.create(STATEFUL_SET, _set(3, podManagementPolicy="Parallel"))

    await plane.eventually(lambda: plane.names(POD) == {"db-0", "db-1", "db-2"})


async def test_a_pod_that_is_lost_comes_back_under_its_name_with_its_claim(
    plane: ControlPlane, controller: Controller
) -> None:
    await plane.create(STATEFUL_SET, _set(2, volumeClaimTemplates=[CLAIM]))
    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 2)
    before = plane.get(POD, "db-0")["metadata"]["uid"]
    claim = plane.get(PERSISTENT_VOLUME_CLAIM, "data-db-0")["metadata"]["uid"]

    await plane.delete(POD, "db-0")

    await plane.eventually(
        lambda: (
            plane.get(POD, "db-0")["metadata"]["uid"] != before
            and _status(plane)["readyReplicas"] == 2
        )
    )
    assert plane.get(PERSISTENT_VOLUME_CLAIM, "data-db-0")["metadata"]["uid"] == claim


async def test_a_pod_that_failed_is_made_again(plane: ControlPlane, controller: Controller) -> None:
    await plane.create(STATEFUL_SET, _set(1))
    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 1)
    before = plane.get(POD, "db-0")["metadata"]["uid"]

    await plane.resources.update_status(
        POD, "default", "db-0", lambda pod: pod["status"].update(phase="Failed", conditions=[])
    )

    await plane.eventually(lambda: plane.get(POD, "db-0")["metadata"]["uid"] != before)


async def test_scaling_down_removes_the_highest_number_and_keeps_its_claim(
    plane: ControlPlane, controller: Controller
) -> None:
    await plane.create(STATEFUL_SET, _set(3, volumeClaimTemplates=[CLAIM]))
    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 3)

    await plane.scale(STATEFUL_SET, "db", 1)

    await plane.eventually(lambda: plane.names(POD) == {"db-0"})
    assert len(plane.all(PERSISTENT_VOLUME_CLAIM)) == 3


async def test_claims_of_pods_scaled_away_go_with_them_where_the_policy_says_so(
    plane: ControlPlane, controller: Controller, kubelet: PaperKubelet
) -> None:
    policy = {"whenScaled": "Delete", "whenDeleted": "Delete"}
    body = _set(2, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)
    await plane.create(STATEFUL_SET, body)
    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 2)
    owners_at_first = _owners(plane, "data-db-1")
    kubelet.lets_go = lambda _pod: False

    await plane.scale(STATEFUL_SET, "db", 1)

    await plane.eventually(lambda: is_deleting(plane.get(POD, "db-1")))
    assert owners_at_first == ["StatefulSet"]
    assert _owners(plane, "data-db-1") == ["Pod"]
    assert _owners(plane, "data-db-0") == ["StatefulSet"]


async def test_an_update_goes_from_the_highest_number_down_to_the_partition(
    plane: ControlPlane, controller: Controller
) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    await plane.create(STATEFUL_SET, _set(3, updateStrategy=strategy))
    await plane.eventually(lambda: _status(plane).get("currentReplicas") == 3)

    await plane.change(STATEFUL_SET, "db", set_image("app:2"))
    await plane.eventually(
        lambda: (
            _images(plane) == ["app:1", "app:2", "app:2"] and _status(plane)["readyReplicas"] == 3
        )
    )
    await plane.settled()
    partly = _status(plane)
    await plane.change(
        STATEFUL_SET,
        "db",
        lambda obj: obj["spec"]["updateStrategy"].update(rollingUpdate={"partition": 0}),
    )

    await plane.eventually(lambda: _images(plane) == ["app:2"] * 3)
    await plane.eventually(
        lambda: _status(plane)["currentRevision"] == _status(plane)["updateRevision"]
    )
    assert partly["updatedReplicas"] == 2
    assert partly["currentReplicas"] == 1
    assert partly["currentRevision"] != partly["updateRevision"]
    assert len(plane.all(CONTROLLER_REVISION)) == 2


async def test_on_delete_a_new_template_waits_for_the_pod_to_be_deleted(
    plane: ControlPlane, controller: Controller
) -> None:
    await plane.create(STATEFUL_SET, _set(2, updateStrategy={"type": "OnDelete"}))
    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 2)
    await plane.change(STATEFUL_SET, "db", set_image("app:2"))
    await plane.settled()
    untouched = _images(plane)

    await plane.delete(POD, "db-0")

    await plane.eventually(lambda: _images(plane) == ["app:2", "app:1"])
    assert untouched == ["app:1", "app:1"]


async def test_going_back_takes_the_old_revision_under_a_new_number(
    plane: ControlPlane, controller: Controller
) -> None:
    await plane.create(STATEFUL_SET, _set(1))
    await plane.eventually(lambda: _status(plane).get("readyReplicas") == 1)
    first = _status(plane)["updateRevision"]
    await plane.change(STATEFUL_SET, "db", set_image("app:2"))
    await plane.eventually(lambda: _images(plane) == ["app:2"])

    await plane.change(STATEFUL_SET, "db", set_image("app:1"))

    await plane.eventually(lambda: _status(plane)["updateRevision"] == first)
    await plane.eventually(lambda: _images(plane) == ["app:1"])
    assert plane.get(CONTROLLER_REVISION, first)["revision"] == 3


async def test_numbers_start_where_asked(plane: ControlPlane, controller: Controller) -> None:
    await plane.create(STATEFUL_SET, _set(2, ordinals={"start": 5}))

    await plane.eventually(lambda: plane.names(POD) == {"db-5", "db-6"})


WELL, UNWELL = True, False


@pytest.mark.parametrize(
    ("wanted", "members", "plan"),
    [
        pytest.param(
            Wanted(range(3), "a", "a"),
            [Member(0, "a", UNWELL)],
            Plan(),
            id="an ordered set waits for the first",
        ),
        pytest.param(
            Wanted(range(1), "a", "a"),
            [Member(0, "a", WELL), Member(1, "a", UNWELL), Member(2, "a", UNWELL)],
            Plan(),
            id="an unwell pod stops scaling down another unwell one",
        ),
        pytest.param(
            Wanted(range(1), "a", "a"),
            [Member(0, "a", WELL), Member(1, "a", WELL), Member(2, "a", UNWELL)],
            Plan(delete=[2]),
            id="the unwell one itself may go",
        ),
        pytest.param(
            Wanted(range(2), "a", "a", ordered=False),
            [Member(2, "a", WELL), Member(3, "a", UNWELL)],
            Plan(create=[(0, "a"), (1, "a")], delete=[3, 2]),
            id="a parallel set does all at once",
        ),
        pytest.param(
            Wanted(range(3), "a", "b", update_from=2),
            [Member(0, "a", WELL), Member(2, "b", WELL)],
            Plan(create=[(1, "a")]),
            id="below the partition a lost pod keeps the old revision",
        ),
        pytest.param(
            Wanted(range(4), "a", "b", max_unavailable=2, ordered=False),
            [Member(number, "a", WELL) for number in range(4)],
            Plan(delete=[3, 2]),
            id="as many at once as may be missing",
        ),
    ],
)
def test_plan(wanted: Wanted, members: list[Member], plan: Plan) -> None:
    assert plan_pods(wanted, members) == plan


def _set(replicas: int, **spec: Any) -> Object:
    return workload("db", replicas, serviceName="db", **spec)


def _status(plane: ControlPlane) -> dict[str, Any]:
    status: dict[str, Any] = plane.get(STATEFUL_SET, "db").get("status") or {}
    return status


def _images(plane: ControlPlane) -> list[str]:
    pods = sorted(plane.all(POD), key=name_of)
    return [pod["spec"]["containers"][0]["image"] for pod in pods]


def _owners(plane: ControlPlane, claim: str) -> list[str]:
    references = plane.get(PERSISTENT_VOLUME_CLAIM, claim)["metadata"].get("ownerReferences") or []
    return [reference["kind"] for reference in references]
