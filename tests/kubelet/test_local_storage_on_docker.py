"""Containers that fill the disk, for real."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from minikube_py.kinds.catalog import EVENT, NODE
from minikube_py.kubelet import pressure_watch
from minikube_py.meta.objects import Object, find_condition
from tests.kubelet.conftest import NODE as NODE_NAME
from tests.kubelet.conftest import World, container, is_ready, world_on_docker

pytestmark = [pytest.mark.docker, pytest.mark.root]

WRITE = "dd if=/dev/zero of={path} bs=64k count=32 2>/dev/null; exec sleep 3600"
LIMIT = {"resources": {"limits": {"ephemeral-storage": "1Mi"}}}


async def evicted(world: World, name: str) -> Object:
    pod = await world.phase(name, "Failed")
    assert pod["status"]["reason"] == "Evicted"
    assert ("Evicted", pod["status"]["message"]) in world.events(name)
    return pod


async def test_what_a_pod_writes_is_held_to_its_ephemeral_storage_limit(
    docker_world: World,
) -> None:
    """Into its own files, its log or its volume; one beside them that may is left alone."""
    mounted = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    script = WRITE.format(path="/file")
    await docker_world.pod("layer", containers=[container("app", "sh", "-c", script, **LIMIT)])
    chatter = "yes 0123456789 | head -c 2097152; exec sleep 3600"
    await docker_world.pod("log", containers=[container("app", "sh", "-c", chatter, **LIMIT)])
    script = WRITE.format(path="/v/file")
    await docker_world.pod(
        "volume",
        volumes=[{"name": "v", "emptyDir": {}}],
        containers=[container("app", "sh", "-c", script, **LIMIT, **mounted)],
    )
    free = container("app", "sh", "-c", WRITE.format(path="/file"))
    await docker_world.pod("free", containers=[free])

    layer, log = await evicted(docker_world, "layer"), await evicted(docker_world, "log")
    volume = await evicted(docker_world, "volume")

    total = "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. "
    assert {pod["status"]["message"] for pod in (layer, log, volume)} == {total}
    assert find_condition(layer, "DisruptionTarget") is None
    assert is_ready(docker_world.get("free"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """No tenth of it may be taken: then a pod has to go."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def greedy(size: str) -> Object:
    """Takes so much of the disk with its pods' files."""
    script = f"head -c {size} /dev/zero > /v/file; exec sleep 3600"
    mounts = [{"name": "v", "mountPath": "/v"}]
    return {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "containers": [container("app", "sh", "-c", script, volumeMounts=mounts)],
    }


async def test_a_scarce_disk_costs_first_the_dead_then_the_pod_that_fills_it(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressure_watch, "LOOK_SECONDS", 0.2)
    async with world_on_docker(small_disk) as world:
        await world.pod("dead", restartPolicy="Never", containers=[container("app", "true")])
        await world.phase("dead", "Succeeded")
        await world.pod("modest", containers=[container("app", "sleep", "3600")])
        await world.ready("modest")
        await world.pod("greedy", **greedy("58m"))

        pod = await evicted(world, "greedy")

        assert pod["status"]["message"].startswith(
            "The node was low on resource: ephemeral-storage. Threshold quantity: 6553Ki, "
        )
        disruption = find_condition(pod, "DisruptionTarget") or {}
        assert disruption["reason"] == "TerminationByKubelet"
        assert is_ready(world.get("modest"))
        assert await world.containers("dead") == []
        assert world.get("dead")["status"]["phase"] == "Succeeded"
        node = world.resources.get(NODE, None, NODE_NAME)
        pressure = find_condition(node, "DiskPressure") or {}
        assert (pressure["status"], pressure["reason"]) == ("True", "KubeletHasDiskPressure")
        attempt = ("EvictionThresholdMet", "Attempting to reclaim ephemeral-storage")
        events = [
            (event["reason"], event["message"])
            for event in world.resources.list(EVENT, None).objects()
        ]
        assert attempt in events


async def test_a_pod_that_took_the_last_byte_makes_the_room_to_write_its_eviction_down(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is on the same disk: nothing can be saved until the pod has gone."""
    monkeypatch.setattr(pressure_watch, "LOOK_SECONDS", 0.2)
    async with world_on_docker(small_disk) as world:
        await world.pod("greedy", **greedy("64m"))

        pod = await world.phase("greedy", "Failed")

        assert pod["status"]["reason"] == "Evicted"
