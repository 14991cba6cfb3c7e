"""The controllers are stopped at any moment and started again on the same store: same end state."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from minikube_py.control_loop.informer import Informers
from minikube_py.controllers.claim_binder import new_claim_binder_controller
from minikube_py.controllers.deployment import new_deployment_controller
from minikube_py.controllers.replicaset import new_replicaset_controller
from minikube_py.controllers.statefulset import new_statefulset_controller
from minikube_py.kinds.catalog import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    REPLICA_SET,
    STATEFUL_SET,
    STORAGE_CLASS,
)
from minikube_py.meta.objects import is_condition_true
from minikube_py.scheduler.scheduler import Scheduler
from tests.control_loop.harness import ControlPlane, PaperKubelet, add_node, node, workload

CLAIM = {
    "metadata": {"name": "data"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "standard",
        "resources": {"requests": {"storage": "1Gi"}},
    },
}


class PaperVolumes:
    """Satisfies VolumeProvisioner."""

    async def create_volume(self, name: str, _labels: Mapping[str, str]) -> str:
        return f"/volumes/{name}"

    async def remove_volume(self, name: str) -> None: ...


@pytest.mark.parametrize("writes", [1, 3, 6, 10, 15, 25, 40])
async def test_a_restart_in_the_middle_makes_nothing_twice(
    plane: ControlPlane, writes: int
) -> None:
    await add_node(plane, node("node-1"))
    storage_class = {"metadata": {"name": "standard"}, "provisioner": "mk.dev/docker-volume"}
    await plane.create(STORAGE_CLASS, storage_class)
    await plane.create(DEPLOYMENT, workload("web", 5))
    await plane.create(STATEFUL_SET, workload("db", 2, volumeClaimTemplates=[CLAIM]))
    stop_at = plane.resources.store.revision + writes
    async with _brain(plane):
        await plane.eventually(lambda: plane.resources.store.revision >= stop_at)

    async with _brain(plane):
        await plane.eventually(lambda: _has_all(plane, "web", 5) and _has_all(plane, "db", 2))
        await plane.settled()

    assert len(plane.all(POD)) == 7
    assert len(plane.all(REPLICA_SET)) == 1
    assert len(plane.all(CONTROLLER_REVISION)) == 1
    assert len(plane.all(PERSISTENT_VOLUME_CLAIM)) == len(plane.all(PERSISTENT_VOLUME)) == 2


@asynccontextmanager
async def _brain(plane: ControlPlane) -> AsyncIterator[None]:
    """Everything that has memory, new with every start and cancelled at the end."""
    informers = Informers(plane.resources)
    known = (plane.resources, informers, plane.recorder, plane.clock)
    parts: list[Any] = [
        new(*known)
        for new in (
            new_deployment_controller,
            new_replicaset_controller,
            new_statefulset_controller,
            Scheduler,
        )
    ]
    parts.append(new_claim_binder_controller(*known[:3], provisioner=PaperVolumes()))
    parts += [PaperKubelet(plane, binds=False), informers]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part.run()) for part in parts]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def _has_all(plane: ControlPlane, app: str, count: int) -> bool:
    pods = [pod for pod in plane.all(POD) if pod["metadata"]["labels"]["app"] == app]
    return len([pod for pod in pods if is_condition_true(pod, "Ready")]) == count
