"""Claims and volumes on a real store; the engine's volumes are kept in a dict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from minikube_py.controllers.claim_binder import new_claim_binder_controller
from minikube_py.controllers.volume_protection import new_volume_protection_controller
from minikube_py.kinds.catalog import (
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    STORAGE_CLASS,
)
from minikube_py.meta.objects import Object, annotations_of, get_path, is_deleting, name_of
from minikube_py.scheduler.scheduler import Scheduler
from tests.control_loop.harness import ControlPlane, PaperKubelet, add_node, node, pod


@dataclass
class FakeVolumes:
    """Satisfies VolumeProvisioner."""

    made: dict[str, Mapping[str, str]] = field(default_factory=dict)
    failure: str = ""

    async def create_volume(self, name: str, labels: Mapping[str, str]) -> str:
        if self.failure:
            raise RuntimeError(self.failure)
        self.made[name] = labels
        return f"/volumes/{name}/_data"

    async def remove_volume(self, name: str) -> None:
        self.made.pop(name, None)


@pytest.fixture
def volumes(plane: ControlPlane) -> FakeVolumes:
    volumes = FakeVolumes()
    binder = new_claim_binder_controller(
        plane.resources,
        plane.informers,
        plane.recorder,
        provisioner=volumes,
        volume_name=lambda name: f"mk-test-{name}",
    )
    plane.start(binder)
    plane.start_controllers(new_volume_protection_controller)
    return volumes


async def test_a_claim_gets_a_volume_made_for_it(plane: ControlPlane, volumes: FakeVolumes) -> None:
    await add_node(plane, node("node-1"))
    await plane.create(STORAGE_CLASS, _class())
    claim = await plane.create(PERSISTENT_VOLUME_CLAIM, _claim("data"))

    await plane.eventually(lambda: _phase(plane, "data") == "Bound")

    name = f"pvc-{claim['metadata']['uid']}"
    volume = plane.get(PERSISTENT_VOLUME, name)
    claim = plane.get(PERSISTENT_VOLUME_CLAIM, "data")
    assert list(volumes.made) == [f"mk-test-{name}"]
    assert claim["spec"]["volumeName"] == name
    assert claim["status"]["capacity"] == {"storage": "1Gi"}
    assert claim["status"]["accessModes"] == ["ReadWriteOnce"]
    assert volume["status"]["phase"] == "Bound"
    assert volume["spec"]["hostPath"]["path"] == f"/volumes/mk-test-{name}/_data"
    assert volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
    assert annotations_of(volume)["mk.dev/docker-volume"] == f"mk-test-{name}"
    await plane.eventually(lambda: plane.events("ProvisioningSucceeded"))


async def test_a_deleted_claim_takes_its_volume_with_it(
    plane: ControlPlane, volumes: FakeVolumes
) -> None:
    await plane.create(STORAGE_CLASS, _class())
    await plane.create(PERSISTENT_VOLUME_CLAIM, _claim("data"))
    await plane.eventually(lambda: _phase(plane, "data") == "Bound")

    await plane.delete(PERSISTENT_VOLUME_CLAIM, "data")

    await plane.eventually(lambda: not plane.all(PERSISTENT_VOLUME))
    assert plane.find(PERSISTENT_VOLUME_CLAIM, "data") is None
    assert volumes.made == {}


async def test_a_retained_volume_stays_released_with_its_data(
    plane: ControlPlane, volumes: FakeVolumes
) -> None:
    await plane.create(STORAGE_CLASS, _class(reclaimPolicy="Retain"))
    await plane.create(PERSISTENT_VOLUME_CLAIM, _claim("data"))
    await plane.eventually(lambda: _phase(plane, "data") == "Bound")

    await plane.delete(PERSISTENT_VOLUME_CLAIM, "data")

    await plane.eventually(
        lambda: [each["status"]["phase"] for each in plane.all(PERSISTENT_VOLUME)] == ["Released"]
    )
    assert len(volumes.made) == 1


async def test_a_claim_in_use_goes_only_after_its_pod(
    plane: ControlPlane, volumes: FakeVolumes
) -> None:
    plane.start(PaperKubelet(plane))
    await plane.create(STORAGE_CLASS, _class())
    await plane.create(PERSISTENT_VOLUME_CLAIM, _claim("data"))
    await plane.create(POD, _user("db", "data"))
    await plane.eventually(lambda: get_path(plane.get(POD, "db"), "status", "phase") == "Running")

    await plane.delete(PERSISTENT_VOLUME_CLAIM, "data")
    await plane.settled()
    while_in_use = plane.find(PERSISTENT_VOLUME_CLAIM, "data")
    await plane.delete(POD, "db")

    await plane.eventually(lambda: plane.find(PERSISTENT_VOLUME_CLAIM, "data") is None)
    assert while_in_use is not None
    assert is_deleting(while_in_use)


async def test_the_smallest_volume_that_fits_is_taken(
    plane: ControlPlane, volumes: FakeVolumes
) -> None:
    for name, size in (("small", "500Mi"), ("right", "2Gi"), ("large", "10Gi")):
        await plane.create(PERSISTENT_VOLUME, _volume(name, size))

    await plane.create(PERSISTENT_VOLUME_CLAIM, _claim("data", storageClassName="manual"))

    await plane.eventually(lambda: _phase(plane, "data") == "Bound")
    await plane.eventually(
        lambda: (
            {name_of(each): each["status"]["phase"] for each in plane.all(PERSISTENT_VOLUME)}
            == {"small": "Available", "right": "Bound", "large": "Available"}
        )
    )


async def test_two_claims_never_share_a_volume(plane: ControlPlane, volumes: FakeVolumes) -> None:
    await plane.create(PERSISTENT_VOLUME, _volume("only", "2Gi"))
    for name in ("first", "second"):
        await plane.create(PERSISTENT_VOLUME_CLAIM, _claim(name, storageClassName="manual"))

    await plane.eventually(lambda: "Bound" in {_phase(plane, "first"), _phase(plane, "second")})
    await plane.settled()

    assert sorted([_phase(plane, "first"), _phase(plane, "second")]) == ["Bound", "Pending"]


async def test_a_claim_without_class_waits_for_a_volume_and_says_so(
    plane: ControlPlane, volumes: FakeVolumes
) -> None:
    await plane.create(PERSISTENT_VOLUME_CLAIM, _claim("data", storageClassName=""))
    await plane.eventually(lambda: plane.events("FailedBinding"))
    phase_before = _phase(plane, "data")

    await plane.create(PERSISTENT_VOLUME, _volume("late", "1Gi", storageClassName=""))

    await plane.eventually(lambda: _phase(plane, "data") == "Bound")
    assert phase_before == "Pending"


async def test_a_claim_can_name_its_volume(plane: ControlPlane, volumes: FakeVolumes) -> None:
    await plane.create(PERSISTENT_VOLUME, _volume("mine", "5Gi"))
    await plane.create(PERSISTENT_VOLUME, _volume("other", "1Gi"))

    await plane.create(
        PERSISTENT_VOLUME_CLAIM, _claim("data", storageClassName="manual", volumeName="mine")
    )

    await plane.eventually(lambda: _phase(plane, "data") == "Bound")
    await plane.eventually(
        lambda: plane.get(PERSISTENT_VOLUME, "mine")["status"]["phase"] == "Bound"
    )


async def test_the_first_consumer_decides_where_a_waiting_claim_is_bound(
    plane: ControlPlane, volumes: FakeVolumes
) -> None:
    plane.start(Scheduler(plane.resources, plane.informers, plane.recorder, plane.clock))
    await plane.create(STORAGE_CLASS, _class(volumeBindingMode="WaitForFirstConsumer"))
    await plane.create(PERSISTENT_VOLUME_CLAIM, _claim("data"))
    for name in ("node-1", "node-2"):
        await add_node(plane, node(name))
    await plane.eventually(lambda: plane.events("WaitForFirstConsumer"))
    assert _phase(plane, "data") == "Pending"

    await plane.create(POD, {**_user("db", "data"), "spec": _on("node-2", "data")})

    await plane.eventually(lambda: plane.get(POD, "db")["spec"].get("nodeName") == "node-2")
    assert _phase(plane, "data") == "Bound"
    [volume] = plane.all(PERSISTENT_VOLUME)
    [term] = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["node-2"]


async def test_a_volume_that_cannot_be_made_is_told_and_tried_again(
    plane: ControlPlane, volumes: FakeVolumes
) -> None:
    volumes.failure = "no space left on device"
    await plane.create(STORAGE_CLASS, _class())
    await plane.create(PERSISTENT_VOLUME_CLAIM, _claim("data"))
    [message, *_] = await plane.eventually(lambda: plane.events("ProvisioningFailed"))

    volumes.failure = ""

    await plane.eventually(lambda: _phase(plane, "data") == "Bound")
    assert "no space left on device" in message


async def test_a_claim_whose_volume_is_gone_is_lost(
    plane: ControlPlane, volumes: FakeVolumes
) -> None:
    await plane.create(PERSISTENT_VOLUME, _volume("mine", "1Gi"))
    await plane.create(PERSISTENT_VOLUME_CLAIM, _claim("data", storageClassName="manual"))
    await plane.eventually(lambda: _phase(plane, "data") == "Bound")

    await plane.change(
        PERSISTENT_VOLUME, "mine", lambda volume: volume["metadata"].update(finalizers=[])
    )
    await plane.delete(PERSISTENT_VOLUME, "mine")

    await plane.eventually(lambda: _phase(plane, "data") == "Lost")


async def test_a_claim_that_asks_for_more_gets_it(
    plane: ControlPlane, volumes: FakeVolumes
) -> None:
    await plane.create(STORAGE_CLASS, _class(allowVolumeExpansion=True))
    await plane.create(PERSISTENT_VOLUME_CLAIM, _claim("data"))
    await plane.eventually(lambda: _phase(plane, "data") == "Bound")

    await plane.change(
        PERSISTENT_VOLUME_CLAIM,
        "data",
        lambda claim: claim["spec"]["resources"]["requests"].update(storage="3Gi"),
    )

    await plane.eventually(
        lambda: (
            plane.get(PERSISTENT_VOLUME_CLAIM, "data")["status"]["capacity"] == {"storage": "3Gi"}
        )
    )


def _phase(plane: ControlPlane, claim: str) -> Any:
    return get_path(plane.get(PERSISTENT_VOLUME_CLAIM, claim), "status", "phase")


def _claim(name: str, size: str = "1Gi", **spec: Any) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "resources": {"requests": {"storage": size}},
            **spec,
        },
    }


def _class(**fields: Any) -> Object:
    return {"metadata": {"name": "standard"}, "provisioner": "mk.dev/docker-volume", **fields}


def _volume(name: str, size: str, **spec: Any) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": size},
            "storageClassName": "manual",
            "hostPath": {"path": f"/srv/{name}"},
            **spec,
        },
    }


def _user(name: str, claim: str) -> Object:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": claim}}
    return pod(name, volumes=[volume])


def _on(node_name: str, claim: str) -> Object:
    spec: Object = _user("db", claim)["spec"]
    return {**spec, "nodeSelector": {"kubernetes.io/hostname": node_name}}
