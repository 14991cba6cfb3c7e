from typing import Any

import pytest

from minikube_py.controllers.deployment import new_deployment_controller
from minikube_py.controllers.garbage_collector import new_garbage_collector
from minikube_py.controllers.replicaset import new_replicaset_controller
from minikube_py.kinds.catalog import CONFIG_MAP, DEPLOYMENT, POD, REPLICA_SET, SECRET
from minikube_py.meta.objects import Object, is_deleting, owner_reference
from minikube_py.resources.options import DeleteOptions, Propagation
from tests.control_loop.harness import ControlPlane, PaperKubelet, workload


@pytest.fixture
def kubelet(plane: ControlPlane) -> PaperKubelet:
    kubelet = PaperKubelet(plane)
    plane.start(kubelet)
    plane.start_controllers(
        new_garbage_collector, new_deployment_controller, new_replicaset_controller
    )
    return kubelet


async def test_what_a_deleted_owner_owned_goes_too(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(DEPLOYMENT, workload("web", 2))
    await plane.eventually(lambda: len(plane.all(POD)) == 2)

    await plane.delete(DEPLOYMENT, "web")

    await plane.eventually(lambda: not plane.all(POD) and not plane.all(REPLICA_SET))


async def test_in_the_foreground_the_owner_stays_until_all_it_owned_is_gone(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    kubelet.lets_go = lambda _pod: False
    await plane.create(DEPLOYMENT, workload("web", 2))
    await plane.eventually(
        lambda: len([pod for pod in plane.all(POD) if pod["spec"].get("nodeName")]) == 2
    )

    await _delete(plane, DEPLOYMENT, "web", "Foreground")
    await plane.eventually(lambda: all(is_deleting(pod) for pod in plane.all(POD)))
    await plane.settled()
    owner_while_pods_end = plane.find(DEPLOYMENT, "web")
    kubelet.lets_go = lambda _pod: True
    kubelet.look_again()

    await plane.eventually(lambda: plane.find(DEPLOYMENT, "web") is None)
    assert owner_while_pods_end is not None
    assert plane.all(POD) == []
    assert plane.all(REPLICA_SET) == []


async def test_orphans_stay_and_lose_their_owner(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(REPLICA_SET, workload("web", 2))
    await plane.eventually(lambda: len(plane.all(POD)) == 2)

    await _delete(plane, REPLICA_SET, "web", "Orphan")

    await plane.eventually(lambda: plane.find(REPLICA_SET, "web") is None)
    await plane.settled()
    assert len(plane.all(POD)) == 2
    assert not any(pod["metadata"].get("ownerReferences") for pod in plane.all(POD))


async def test_an_object_with_another_living_owner_only_loses_the_reference(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    owners = [await plane.create(CONFIG_MAP, {"metadata": {"name": name}}) for name in "ab"]
    await plane.create(SECRET, _owned("shared", owners))

    await plane.delete(CONFIG_MAP, "a")

    await plane.eventually(
        lambda: (
            [each["name"] for each in plane.get(SECRET, "shared")["metadata"]["ownerReferences"]]
            == ["b"]
        )
    )


async def test_an_owner_that_never_was_or_has_another_uid_now_counts_as_gone(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    owner = await plane.create(CONFIG_MAP, {"metadata": {"name": "a"}})
    stranger = {**owner, "metadata": {**owner["metadata"], "uid": "of-an-earlier-one"}}

    await plane.create(SECRET, _owned("lost", [stranger]))

    await plane.eventually(lambda: plane.find(SECRET, "lost") is None)


async def test_an_owner_of_a_kind_nobody_serves_keeps_the_object(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    stranger = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "uid": "w-1"},
    }
    await plane.create(SECRET, _owned("kept", [stranger]))

    await plane.settled()

    assert plane.find(SECRET, "kept") is not None


def _owned(name: str, owners: list[Object]) -> Object:
    references = [owner_reference(owner, controller=False) for owner in owners]
    return {"metadata": {"name": name, "ownerReferences": references}}


async def _delete(plane: ControlPlane, kind: Any, name: str, propagation: Propagation) -> None:
    options = DeleteOptions(propagation=propagation)
    await plane.resources.delete(kind, "default", name, options)
