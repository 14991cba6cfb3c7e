"""What a container may do and use, for real: read from inside it."""

import contextlib
import copy
import json
import re

import pytest

from minikube_py.kinds.catalog import POD, RUNTIME_CLASS
from minikube_py.meta.errors import Conflict
from minikube_py.meta.objects import Object, find_condition, get_path
from tests.kubelet.conftest import BUSYBOX, World, container, sleeper, state_of

pytestmark = [pytest.mark.docker, pytest.mark.root]

NO_MKDIR = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
}
SMALL = {"cpu": "100m", "memory": "32Mi"}


def _progress(pod: Object) -> Object:
    return find_condition(pod, "PodResizeInProgress") or {}


async def resize(world: World, name: str, requests: Object, limits: Object) -> None:
    """As a client does it: against the state it has read."""
    while True:
        pod = copy.deepcopy(world.get(name))
        pod["spec"]["containers"][0]["resources"] = {"requests": requests, "limits": limits}
        with contextlib.suppress(Conflict):
            await world.resources.update(POD, "default", name, pod, subresource="resize")
            return


async def test_a_running_container_is_given_more_and_restarted_only_where_asked(
    docker_world: World,
) -> None:
    world = docker_world
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    amounts = {"requests": SMALL, "limits": {"cpu": "200m", "memory": "64Mi"}}
    await world.pod("web", containers=[sleeper(resources=amounts, resizePolicy=policy)])
    first = await world.ready("web")

    await resize(world, "web", SMALL, {"cpu": "400m", "memory": "64Mi"})
    await world.until("web", lambda pod: _limit(pod, "cpu") == "400m", "given more cpu")
    (before,) = await world.containers("web")
    assert before.resources is not None
    assert before.resources.cpu_quota_us == 40_000
    assert state_of(world.get("web"))["restartCount"] == 0

    await resize(world, "web", SMALL, {"cpu": "400m", "memory": "96Mi"})
    pod = await world.until(
        "web", lambda pod: state_of(pod)["restartCount"] == 1 and _limit(pod, "memory") == "96Mi",
        "restarted with more memory",
    )  # fmt: skip
    after = (await world.containers("web"))[0]
    assert after.resources is not None
    assert after.resources.memory_bytes == 96 << 20
    assert state_of(pod)["containerID"] != state_of(first)["containerID"]
    assert "ResizeCompleted" in await world.told("web", "ResizeCompleted")


async def test_what_the_node_does_not_have_is_infeasible_and_changes_nothing(
    docker_world: World,
) -> None:
    amounts = {"requests": SMALL, "limits": {"cpu": "200m", "memory": "64Mi"}}
    await docker_world.pod("web", containers=[sleeper(resources=amounts)])
    await docker_world.ready("web")

    large = {"cpu": "5000", "memory": "32Mi"}
    await resize(docker_world, "web", large, {"cpu": "6000", "memory": "64Mi"})
    pod = await docker_world.until(
        "web", lambda pod: find_condition(pod, "PodResizePending"), "told to wait"
    )

    assert (find_condition(pod, "PodResizePending") or {})["reason"] == "Infeasible"
    assert _limit(pod, "cpu") == "200m"


async def test_memory_that_is_in_use_is_not_taken_away(docker_world: World) -> None:
    world = docker_world
    amounts = {"requests": SMALL, "limits": {"cpu": "200m", "memory": "96Mi"}}
    fill = "dd if=/dev/zero of=/m/full bs=1M count=48 && touch /m/done && sleep 600"
    await world.pod(
        "web",
        volumes=[{"name": "m", "emptyDir": {"medium": "Memory"}}],
        containers=[
            container(
                "app", "sh", "-c", fill,
                resources=amounts,
                volumeMounts=[{"name": "m", "mountPath": "/m"}],
                readinessProbe={"exec": {"command": ["test", "-f", "/m/done"]}, "periodSeconds": 1},
            )
        ],
    )  # fmt: skip
    await world.ready("web")

    await resize(world, "web", SMALL, {"cpu": "200m", "memory": "32Mi"})
    pod = await world.until("web", lambda pod: _progress(pod).get("reason"), "refused")

    assert _progress(pod)["reason"] == "Error"
    assert re.fullmatch(
        r'cannot decrease memory limits: attempting to set container "app" memory limit '
        r"\(33554432\) below current usage \(\d{8}\)",
        _progress(pod)["message"],
    )
    assert "ResizeError" in await world.told("web", "ResizeError")
    (found,) = await world.containers("web")
    assert found.resources is not None
    assert (found.resources.memory_bytes, found.state) == (96 << 20, "running")
    assert _limit(pod, "memory") == "96Mi"


async def test_rights_are_those_of_the_manifest(docker_world: World) -> None:
    world = docker_world
    profiles = world.data_dir / "seccomp"
    profiles.mkdir(parents=True)
    (profiles / "own.json").write_text(json.dumps(NO_MKDIR))
    local = {"type": "Localhost", "localhostProfile": "own.json"}
    lost = {"type": "Localhost", "localhostProfile": "lost.json"}
    class_ = {"handler": "nobody-has-it"}
    await world.resources.create(RUNTIME_CLASS, None, _runtime_class("odd", **class_))

    await world.pod("local", containers=[_with(seccompProfile=local)])
    await world.pod("lost", containers=[_with(seccompProfile=lost)])
    await world.pod("root", containers=[_with(runAsNonRoot=True)])
    await world.pod("strict", containers=[sleeper()], securityContext={
        "runAsUser": 7, "runAsGroup": 8, "supplementalGroups": [9],
        "supplementalGroupsPolicy": "Strict",
    })  # fmt: skip
    await world.pod(
        "named", containers=[sleeper()], hostname="db-0", subdomain="db", setHostnameAsFQDN=True
    )
    await world.pod("unsafe", containers=[sleeper()], securityContext={
        "sysctls": [{"name": "net.core.somaxconn", "value": "99"}],
    })  # fmt: skip
    await world.pod("odd", containers=[sleeper()], runtimeClassName="odd")

    await world.ready("local")
    assert "not permitted" in await world.exec("local", "app", "mkdir", "/new")
    refused = await world.waiting("lost", "CreateContainerConfigError")
    assert "lost.json" in refused["state"]["waiting"]["message"]
    refused = await world.waiting("root", "CreateContainerConfigError")
    assert "image will run as root (pod:" in refused["state"]["waiting"]["message"]
    await world.ready("strict")
    groups = await world.exec("strict", "app", "id", "-G")
    assert set(groups.split()) == {"8", "9"}
    await world.ready("named")
    assert await world.exec("named", "app", "hostname") == "db-0.db.default.svc.cluster.local\n"
    rejected = await world.phase("unsafe", "Failed")
    assert rejected["status"]["reason"] == "SysctlForbidden"
    await world.told("odd", "FailedCreatePodSandBox")


def _with(**rights: object) -> Object:
    return container("app", "sh", "-c", "sleep 3600", image=BUSYBOX, securityContext=rights)


def _limit(pod: Object, resource: str) -> str:
    return str(get_path(state_of(pod), "resources", "limits", resource, default=""))


def _runtime_class(name: str, **fields: str) -> Object:
    metadata = {"name": name}
    return {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": metadata, **fields}
