"""Somebody lays hands on what mk made, with `docker` and `ip`: it is noticed, told and repaired."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import BUSYBOX, RunningCluster, eventually, run_command

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

SERVER = f"""
apiVersion: v1
kind: Pod
metadata: {{name: server, annotations: {{mk.dev/restart-backoff: 50ms}}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: {BUSYBOX}
      command: [sh, -c, "echo hi > /tmp/index.html; httpd -f -p 8080 -h /tmp"]
      readinessProbe: {{httpGet: {{path: /, port: 8080}}, periodSeconds: 1}}
"""


@pytest.fixture(scope="module")
def own(new_cluster: Callable[[], RunningCluster]) -> RunningCluster:
    """A cluster of this module's own: the others' bridge stays where it is."""
    cluster = new_cluster()
    cluster.up()
    cluster.apply(SERVER)
    cluster.wait_ready("server")
    return cluster


def status(cluster: RunningCluster) -> Any:
    return cluster.get("pod", "server")["status"]


def container(cluster: RunningCluster) -> str:
    return str(status(cluster)["containerStatuses"][0]["containerID"]).removeprefix("docker://")


def reasons(cluster: RunningCluster) -> set[str]:
    return {event["reason"] for event in cluster.get("events")["items"]}


def is_served(cluster: RunningCluster) -> bool:
    address = status(cluster)["podIP"]
    return run_command("curl", "-sf", "--max-time", "2", f"http://{address}:8080/").code == 0


@pytest.mark.parametrize("how", ["docker network", "ip link"])
def test_the_bridge_was_deleted(own: RunningCluster, how: str) -> None:
    bridge = f"mk-{own.name}"
    before = status(own)
    assert is_served(own)

    command = (
        ["docker", "network", "rm", bridge]
        if how == "docker network"
        else ["ip", "link", "del", bridge]
    )
    assert run_command(*command).code == 0
    eventually("the bridge", lambda: run_command("ip", "link", "show", bridge).code == 0)

    eventually("an answer", lambda: is_served(own))
    eventually("an Event", lambda: "BridgeGone" in reasons(own))
    assert status(own)["podIP"] == before["podIP"]
    own.kubectl("run", "new", f"--image={BUSYBOX}", "--restart=Never", "--", "true")
    eventually("a new Pod", lambda: own.get("pod", "new")["status"]["phase"] == "Succeeded")
    own.kubectl("delete", "pod", "new")


def test_a_container_was_paused(own: RunningCluster) -> None:
    before = container(own)

    assert run_command("docker", "pause", before).code == 0

    eventually("an answer", lambda: is_served(own))
    eventually("an Event", lambda: "Unpaused" in reasons(own))
    assert container(own) == before


@pytest.mark.parametrize("how", ["stop", "kill", "rm"])
def test_a_container_was_ended(own: RunningCluster, how: str) -> None:
    eventually("the server", lambda: is_served(own))
    before, count = container(own), status(own)["containerStatuses"][0]["restartCount"]
    flag = {"stop": ["-t", "1"], "kill": [], "rm": ["-f"]}[how]

    run_command("docker", how, *flag, before)

    def is_back() -> bool:
        found = status(own)["containerStatuses"][0]
        return bool(found["ready"] and found["restartCount"] == count + 1)

    eventually("the container", is_back, 45)
    assert container(own) != before
    assert len(own.containers()) == 2


def test_the_sandbox_was_removed(own: RunningCluster) -> None:
    before = container(own)
    name = next(name for name in own.containers().values() if name.startswith("k8s_POD_server"))

    run_command("docker", "rm", "-f", name)

    eventually("the pod", lambda: container(own) != before and is_served(own), 60)
    assert "SandboxChanged" in reasons(own)
    assert len(own.containers()) == 2
