"""Pods that have resources of their own, for real."""

import asyncio
import contextlib
import copy
import os
from pathlib import Path

import pytest

from minikube_py.container_runtime.cgroups import CGROUP_ROOT
from minikube_py.kinds.catalog import POD
from minikube_py.kubelet.pod_groups import remove_groups
from minikube_py.meta.errors import Conflict
from minikube_py.meta.objects import Object
from minikube_py.resources.options import DeleteOptions
from tests.kubelet.conftest import World, container, is_ready, sleeper, state_of

pytestmark = [pytest.mark.docker, pytest.mark.root]

MIB = 1 << 20


def groups_left(world: World) -> list[Path]:
    prefix = f"mk-{world.cluster.name}-pod"
    # Others' groups come and go meanwhile: os.walk does not mind.
    return [
        Path(folder) / name
        for folder, names, _ in os.walk(CGROUP_ROOT)
        for name in names
        if name.startswith(prefix)
    ]


def memory_limit(world: World) -> int:
    """Of the group around the containers of the only pod that has one."""
    files = [
        folder / name
        for folder in groups_left(world)
        for name in ("memory.limit_in_bytes", "memory.max")
    ]
    [file] = [file for file in files if file.exists()]
    return int(file.read_text())


def limits(memory: str) -> Object:
    return {"limits": {"cpu": "500m", "memory": memory}, "requests": {"cpu": "100m"}}


async def test_containers_share_what_their_pod_may_use(docker_world: World) -> None:
    """Each fills 40 MiB of memory: two of them don't have that together, one would."""
    script = "dd if=/dev/zero of=/memory/$HOSTNAME-{} bs=1M count=40 || exit 7; exec sleep 3600"
    mounts = [{"name": "memory", "mountPath": "/memory"}]
    await docker_world.pod(
        "web",
        restartPolicy="Never",
        resources=limits("64Mi"),
        volumes=[{"name": "memory", "emptyDir": {"medium": "Memory"}}],
        containers=[
            container(name, "sh", "-c", script.format(name), volumeMounts=mounts) for name in "ab"
        ],
    )

    def has_ended(pod: Object) -> bool:
        return any("terminated" in state_of(pod, name).get("state", {}) for name in "ab")

    await docker_world.until("web", has_ended, "out of memory")

    assert memory_limit(docker_world) == 64 * MIB


async def test_a_pod_s_group_goes_with_it_and_is_made_again_after_a_crash(
    docker_world: World,
) -> None:
    await docker_world.pod("web", resources=limits("64Mi"), containers=[sleeper("a")])
    pod = await docker_world.ready("web")
    observed = await docker_world.runtime.observe_pod(pod["metadata"]["uid"])
    assert observed is not None

    await docker_world.stop_kubelet()
    ids = [one.id for one in observed.containers] + [one.id for one in observed.sandboxes]
    for container_id in ids:
        await docker_world.runtime.stop_container(container_id, grace_seconds=0)
    await remove_groups(docker_world.cluster.name, docker_world.runtime)
    assert groups_left(docker_world) == []
    docker_world.start_kubelet()
    await docker_world.until(
        "web", lambda pod: state_of(pod, "a").get("restartCount") == 1 and is_ready(pod), "back"
    )
    assert memory_limit(docker_world) == 64 * MIB

    await docker_world.delete("web")
    await docker_world.gone("web")
    assert groups_left(docker_world) == []


async def test_the_group_of_a_pod_that_went_unseen_is_found_by_its_name(
    docker_world: World,
) -> None:
    await docker_world.pod("web", resources=limits("64Mi"), containers=[sleeper("a")])
    await docker_world.ready("web")
    assert groups_left(docker_world) != []

    await docker_world.stop_kubelet()
    await docker_world.resources.delete(
        POD, "default", "web", DeleteOptions(grace_period_seconds=0)
    )
    docker_world.start_kubelet()

    await docker_world.nothing_left()
    assert groups_left(docker_world) == []


async def test_other_pods_have_no_group(docker_world: World) -> None:
    resources = {"limits": {"memory": "64Mi"}}
    await docker_world.pod("web", containers=[sleeper("a", resources=resources)])
    await docker_world.ready("web")

    assert groups_left(docker_world) == []


async def test_a_group_follows_the_resize_of_its_pod(docker_world: World) -> None:
    """Up and down again, with no container started anew."""
    world = docker_world
    await world.pod("web", resources=limits("64Mi"), containers=[sleeper("a"), sleeper("b")])
    await world.ready("web")
    before = {one.id for one in await world.containers("web")}

    for memory, size in (("96Mi", 96 * MIB), ("48Mi", 48 * MIB)):
        await resize(world, limits(memory))
        async with asyncio.timeout(10):
            while await all_limits(world) != {size}:  # noqa: ASYNC110 - no watch tells of it
                await asyncio.sleep(0.05)

    assert {one.id for one in await world.containers("web")} == before


async def test_a_group_is_not_made_smaller_than_what_its_pod_uses(docker_world: World) -> None:
    """Two containers with 20 MiB each: less than what each may have, more than 32 together."""
    world = docker_world
    script = "dd if=/dev/zero of=/memory/{} bs=1M count=20; touch /tmp/done; exec sleep 3600"
    parts: Object = {
        "resources": {"limits": {"memory": "30Mi"}, "requests": {"memory": "1Mi"}},
        "volumeMounts": [{"name": "memory", "mountPath": "/memory"}],
        "readinessProbe": {"exec": {"command": ["test", "-e", "/tmp/done"]}, "periodSeconds": 1},
    }
    await world.pod(
        "web",
        resources=limits("64Mi"),
        volumes=[{"name": "memory", "emptyDir": {"medium": "Memory"}}],
        containers=[container(name, "sh", "-c", script.format(name), **parts) for name in "ab"],
    )
    await world.ready("web")

    await resize(world, limits("32Mi"))

    assert "ResizeError" in await world.told("web", "ResizeError")
    assert memory_limit(world) == 64 * MIB


async def all_limits(world: World) -> set[int]:
    """Of the group and of the containers, which have their pod's."""
    each = {one.resources.memory_bytes for one in await world.containers("web") if one.resources}
    return each | {memory_limit(world)}


async def resize(world: World, resources: Object) -> None:
    """As a client does it: against the state it has read."""
    while True:
        pod = copy.deepcopy(world.get("web"))
        pod["spec"]["resources"] = resources
        with contextlib.suppress(Conflict):
            await world.resources.update(POD, "default", "web", pod, subresource="resize")
            return
        await asyncio.sleep(0.01)  # what it conflicts with may not be shown yet
