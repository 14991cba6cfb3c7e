"""Pods for real: Docker, a bridge, files and probes."""

import asyncio

import pytest

from minikube_py.kinds.catalog import CONFIG_MAP
from tests.kubelet.conftest import World, container, is_ready, sleeper, state_of

pytestmark = [pytest.mark.docker, pytest.mark.root]


async def test_a_pod_runs_with_all_its_parts(docker_world: World) -> None:
    await docker_world.create(CONFIG_MAP, "settings", data={"COLOUR": "blue", "motto": "hi there"})

    await docker_world.pod(
        "web",
        volumes=[
            {"name": "shared", "emptyDir": {}},
            {"name": "settings", "configMap": {"name": "settings"}},
        ],
        initContainers=[
            container(
                "prepare",
                "sh",
                "-c",
                "echo prepared > /shared/file",
                volumeMounts=[{"name": "shared", "mountPath": "/shared"}],
            )
        ],
        containers=[
            container(
                "app",
                "sh",
                "-c",
                "trap 'exit 0' TERM; httpd -f -p 8080 -h /shared & wait $!",
                env=[
                    {
                        "name": "COLOUR",
                        "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "COLOUR"}},
                    },
                    {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                ],
                volumeMounts=[
                    {"name": "shared", "mountPath": "/shared"},
                    {"name": "settings", "mountPath": "/settings"},
                ],
                readinessProbe={"httpGet": {"path": "/file", "port": 8080}},
            ),
            sleeper("second", volumeMounts=[{"name": "shared", "mountPath": "/data"}]),
        ],
    )
    pod = await docker_world.ready("web")

    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    assert await docker_world.exec("web", "app", "cat", "/settings/motto") == "hi there"
    assert await docker_world.exec("web", "second", "cat", "/data/file") == "prepared\n"
    environment = await docker_world.exec("web", "app", "env")
    assert "COLOUR=blue" in environment
    assert f"IP={pod['status']['podIP']}" in environment
    assert f"{pod['status']['podIP']}\tweb" in await docker_world.exec(
        "web", "app", "cat", "/etc/hosts"
    )
    assert [reason for reason, _ in docker_world.events("web")][:3] == [
        "Pulled",
        "Created",
        "Started",
    ]


async def test_a_killed_container_is_back_at_once(docker_world: World) -> None:
    await docker_world.pod("web", containers=[sleeper()])
    await docker_world.ready("web")
    first = (await docker_world.containers("web"))[0]

    await docker_world.runtime.stop_container(first.id, grace_seconds=0)
    pod = await docker_world.until(
        "web", lambda pod: state_of(pod).get("restartCount") == 1 and is_ready(pod), "restarted"
    )

    assert state_of(pod)["lastState"]["terminated"]["containerID"].endswith(first.id)


async def test_a_restarted_daemon_keeps_every_container(docker_world: World) -> None:
    probe = {"exec": {"command": ["true"]}, "periodSeconds": 60}
    await docker_world.pod("web", containers=[sleeper(readinessProbe=probe), sleeper("b")])
    before = await docker_world.ready("web")
    ids = {c.id for c in await docker_world.containers("web")}

    await docker_world.stop_kubelet()
    docker_world.start_kubelet()
    await docker_world.pod("other", containers=[sleeper()])
    await docker_world.ready("other")

    assert {c.id for c in await docker_world.containers("web")} == ids
    assert docker_world.get("web")["status"] == before["status"]


async def test_a_deleted_pod_leaves_nothing(docker_world: World) -> None:
    pod = await docker_world.pod(
        "web",
        volumes=[{"name": "memory", "emptyDir": {"medium": "Memory"}}],
        containers=[sleeper(volumeMounts=[{"name": "memory", "mountPath": "/memory"}])],
    )
    await docker_world.ready("web")

    await docker_world.delete("web")
    await docker_world.gone("web")

    uid = pod["metadata"]["uid"]
    assert await docker_world.runtime.observe_pod(uid) is None
    assert docker_world.network.address_of(uid) is None
    assert not (docker_world.data_dir / "pods" / uid).exists()


async def test_a_changed_config_map_reaches_the_mounted_file(docker_world: World) -> None:
    await docker_world.create(CONFIG_MAP, "settings", data={"motto": "old"})
    await docker_world.pod(
        "web",
        volumes=[{"name": "settings", "configMap": {"name": "settings"}}],
        containers=[sleeper(volumeMounts=[{"name": "settings", "mountPath": "/settings"}])],
    )
    await docker_world.ready("web")

    def change(obj: dict[str, object]) -> None:
        obj["data"] = {"motto": "new"}

    await docker_world.resources.modify(CONFIG_MAP, "default", "settings", change)
    shows = "until grep -q new /settings/motto; do sleep 0.05; done; cat /settings/motto"
    async with asyncio.timeout(1):
        assert await docker_world.exec("web", "app", "sh", "-c", shows) == "new"


async def test_a_dead_sandbox_gets_the_pod_a_new_address(docker_world: World) -> None:
    pod = await docker_world.pod("web", containers=[sleeper()])
    old = (await docker_world.ready("web"))["status"]["podIP"]
    observed = await docker_world.runtime.observe_pod(pod["metadata"]["uid"])
    assert observed is not None

    await docker_world.runtime.stop_container(observed.sandboxes[0].id, grace_seconds=0)
    pod = await docker_world.until(
        "web", lambda pod: pod["status"].get("podIP") != old and is_ready(pod), "moved"
    )

    assert state_of(pod)["restartCount"] == 1
