"""The life of a pod with everything in it, in scenes, and what can be seen of it at their ends: for
tests in which something goes wrong meanwhile and the end must be the same.
"""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from minikube_py.container_runtime.interface import ObservedPod, PodIdentity
from minikube_py.meta.objects import Object, uid_of
from tests.kubelet.conftest import World, container, sleeper, state_of

_GENERATED = re.compile("(?<=kube-api-access-)[^/]+")

Scene = Callable[[World, str], Awaitable[None]]


async def nothing(world: World, name: str) -> None:
    """Before a creation there is nothing."""


async def create(world: World, name: str) -> None:
    hook = {"exec": {"command": ["true"]}}
    token = {"serviceAccountToken": {"path": "token"}}
    mounts = [{"name": one, "mountPath": f"/{one}"} for one in ("disk", "memory", "map", "token")]
    await world.pod(
        name,
        volumes=[
            {"name": "disk", "emptyDir": {}},
            {"name": "memory", "emptyDir": {"medium": "Memory"}},
            {"name": "map", "configMap": {"name": "settings"}},
            {"name": "token", "projected": {"sources": [token]}},
        ],
        initContainers=[
            sleeper("proxy", restartPolicy="Always"),
            container("prepare", "true", volumeMounts=mounts),
        ],
        containers=[
            sleeper(
                volumeMounts=mounts,
                lifecycle={"postStart": hook, "preStop": hook},
                readinessProbe={"exec": {"command": ["true"]}},
            ),
            sleeper("other"),
        ],
    )


async def created(world: World, name: str) -> None:
    await create(world, name)
    await world.ready(name)


async def crash(world: World, name: str) -> None:
    """One of its containers ends by itself."""
    found = next(c for c in await world.containers(name) if c.name == "app")
    await world.runtime.stop_container(found.id, grace_seconds=0)


async def crashed(world: World, name: str) -> None:
    await created(world, name)
    await crash(world, name)
    await world.until(name, lambda pod: state_of(pod).get("restartCount") == 1, "restarted")
    await world.ready(name)


async def lose_sandbox(world: World, name: str) -> None:
    observed = await _observed(world, name)
    for found in observed.containers:
        await world.runtime.stop_container(found.id, grace_seconds=0)
    await world.runtime.remove_sandbox(observed.sandboxes[0].id)


async def delete(world: World, name: str) -> None:
    await world.delete(name)


async def _observed(world: World, name: str) -> ObservedPod:
    uid = uid_of(world.get(name))
    return await world.runtime.observe_pod(uid) or ObservedPod(PodIdentity("default", name, uid))


async def running(world: World) -> set[str]:
    return {c.id for p in await world.runtime.list_pods() for c in p.containers if _runs(c)}


def _runs(found: Any) -> bool:
    return bool(found.state == "running")


async def portrait(world: World, name: str) -> Any:
    """All that users and the host can see of the pod, without what differs from run to run."""
    if not world.has(name):
        left = [pod.pod.uid for pod in await world.runtime.list_pods()]
        files = sorted(path.name for path in (world.data_dir / "pods").glob("*"))
        return {"left": left, "files": files, "addresses": sorted(world.network.pod_uids())}
    pod, observed = world.get(name), await _observed(world, name)
    status = pod.get("status") or {}
    pod_dir = world.data_dir / "pods" / uid_of(pod)
    return {
        "phase": status.get("phase"),
        "conditions": {c["type"]: c["status"] for c in status.get("conditions") or []},
        "containers": [_of_status(entry) for entry in _entries(status)],
        "running": sorted((c.name, c.attempt) for c in observed.containers if _runs(c)),
        "created": [c.name for c in observed.containers if c.state == "created"],
        "sandboxes": len(observed.sandboxes),
        "has address": status.get("podIP") == getattr(_address(world, pod), "ip", None),
        "files": sorted(_GENERATED.sub("", path) for path in _files(pod_dir) if "/.." not in path),
    }


def _files(folder: Path) -> Iterator[str]:
    """Also of one that is being removed."""
    for where, folders, files in os.walk(folder):
        yield from (os.path.relpath(Path(where) / name, folder) for name in (*folders, *files))


def _entries(status: Object) -> list[Object]:
    kinds = ("initContainerStatuses", "containerStatuses")
    return [entry for kind in kinds for entry in status.get(kind) or []]


def _of_status(entry: Object) -> Any:
    states = sorted(entry.get("state") or {})
    return (entry["name"], states, entry["ready"], entry["restartCount"])


def _address(world: World, pod: Object) -> Any:
    return world.network.address_of(uid_of(pod))


async def becomes(world: World, name: str, wanted: Any, told: str) -> None:
    found: Any = None
    try:
        async with asyncio.timeout(8):
            while (found := await portrait(world, name)) != wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{told}:\n{found}\ninstead of\n{wanted}") from None
