"""Containers that fill the disk, for real."""

import pytest

from minikube_py.meta.objects import Object, find_condition
from tests.kubelet.conftest import World, container, is_ready

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
