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


async def test_a_command_that_does_not_exist_is_a_start_error(docker_world: World) -> None:
    await docker_world.pod("web", containers=[container("app", "nope"), sleeper("good")])

    entry = await docker_world.waiting("web", "CrashLoopBackOff")

    ended = entry["lastState"]["terminated"]
    assert ended["reason"] == "StartError"
    assert ended["exitCode"] in (127, 128)
    assert "nope" in ended["message"]
    assert "running" in state_of(docker_world.get("web"), "good")["state"]


async def test_a_container_that_takes_too_much_memory_is_oom_killed(docker_world: World) -> None:
    greedy = "x=a; while :; do x=$x$x$x; done"
    await docker_world.pod(
        "web",
        restartPolicy="Never",
        containers=[
            container("app", "sh", "-c", greedy, resources={"limits": {"memory": "16Mi"}}),
        ],
    )

    pod = await docker_world.phase("web", "Failed")

    assert state_of(pod)["state"]["terminated"]["reason"] == "OOMKilled"


async def test_security_is_what_the_pod_asks_for(docker_world: World) -> None:
    await docker_world.pod(
        "web",
        securityContext={"runAsUser": 1000, "runAsGroup": 2000, "fsGroup": 3000},
        hostAliases=[{"ip": "192.0.2.7", "hostnames": ["friend"]}],
        volumes=[
            {"name": "data", "emptyDir": {}},
            {"name": "memory", "emptyDir": {"medium": "Memory"}},
        ],
        containers=[
            sleeper(
                securityContext={"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
                volumeMounts=[
                    {"name": "data", "mountPath": "/data", "subPath": "deep/er"},
                    {"name": "memory", "mountPath": "/memory"},
                ],
            )
        ],
    )
    await docker_world.ready("web")

    async def says(script: str) -> str:
        return (await docker_world.exec("web", "app", "sh", "-c", script)).strip()

    assert await says("id -u; id -g; id -G") == "1000\n2000\n2000 3000"
    assert "Read-only file system" in await says("touch /file")
    assert await says("echo x > /data/f && echo y > /memory/f && cat /data/f /memory/f") == "x\ny"
    assert await says("grep CapEff /proc/self/status") == "CapEff:\t0000000000000000"
    assert "192.0.2.7\tfriend" in await says("cat /etc/hosts")
    assert await says("hostname; cat /etc/hostname") == "web\nweb"
    assert "nameserver 10.96.0.10" in await says("cat /etc/resolv.conf")


async def test_the_hosts_network_is_the_hosts(docker_world: World) -> None:
    await docker_world.pod(
        "web",
        hostNetwork=True,
        containers=[
            container(
                "app",
                "sh",
                "-c",
                "trap 'exit 0' TERM; httpd -f -p 127.0.0.1:39999 & wait $!",
                readinessProbe={"tcpSocket": {"port": 39999}},
            )
        ],
    )

    pod = await docker_world.ready("web")

    assert pod["status"]["podIP"] == pod["status"]["hostIP"]


async def test_messages_are_read_from_the_file_the_container_left(docker_world: World) -> None:
    script = "echo -n no database > /dev/termination-log; exit 3"
    await docker_world.pod(
        "job", restartPolicy="Never", containers=[container("app", "sh", "-c", script)]
    )

    pod = await docker_world.phase("job", "Failed")

    ended = state_of(pod)["state"]["terminated"]
    assert (ended["exitCode"], ended["message"]) == (3, "no database")
