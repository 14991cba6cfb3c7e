"""The daemon dies and comes back; what ran keeps running, what was promised is there."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import BUSYBOX, IDLE, RunningCluster, eventually, run_command
from tests.e2e.test_network import ECHO, fetch

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

TIDY_POD = f"""
apiVersion: v1
kind: Pod
metadata: {{{{name: tidy}}}}
spec:
  containers:
    - name: main
      image: {BUSYBOX}
      command: [sh, -c, "trap 'echo up > /out/tidied; exit 0' TERM; while true; do sleep 0.1; done"]
      volumeMounts: [{{{{name: out, mountPath: /out}}}}]
  volumes: [{{{{name: out, hostPath: {{{{path: {{folder}}}}}}}}}}]
"""


@pytest.fixture(scope="module")
def serving(new_cluster: Callable[[], RunningCluster]) -> RunningCluster:
    """A cluster of this module's own, with three Pods behind a kernel-path Service."""
    cluster = new_cluster()
    cluster.up()
    cluster.apply(ECHO)
    cluster.kubectl("rollout", "status", "deployment/echo", "--timeout=90s")
    cluster.wait_ready("client")
    return cluster


def kill(cluster: RunningCluster) -> None:
    pid = int(cluster.status()["pid"])
    os.kill(pid, signal.SIGKILL)
    eventually("the daemon's end", lambda: not Path(f"/proc/{pid}").exists(), 10)


def restart_counts(cluster: RunningCluster) -> dict[str, int]:
    return {
        pod["metadata"]["name"]: sum(s["restartCount"] for s in pod["status"]["containerStatuses"])
        for pod in cluster.get("pods")["items"]
    }


def test_a_killed_daemon_adopts_every_container_and_the_service_never_stops(
    serving: RunningCluster,
) -> None:
    address = serving.get("service", "echo-kernel")["spec"]["clusterIP"]
    before, restarts = serving.containers(), restart_counts(serving)

    kill(serving)
    while_down = [fetch(address, 80) for _ in range(30)]
    serving.up()

    assert len(set(while_down)) > 1
    assert serving.containers() == before
    assert restart_counts(serving) == restarts


def test_what_happened_while_the_daemon_was_down_is_repaired(serving: RunningCluster) -> None:
    pod = serving.get("pods", "-l", "app=echo")["items"][0]
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("docker://")

    kill(serving)
    run_command("docker", "rm", "-f", container)
    serving.up()

    def again() -> bool:
        status = serving.get("pod", pod["metadata"]["name"])["status"]["containerStatuses"][0]
        return bool(status["ready"] and status["containerID"] != f"docker://{container}")

    eventually("the container to be back", again, 60)


def test_a_pod_deleted_just_before_the_kill_leaves_no_container(serving: RunningCluster) -> None:
    serving.kubectl("run", "doomed", f"--image={BUSYBOX}", "--", *IDLE)
    serving.wait_ready("doomed")
    serving.kubectl("delete", "pod", "doomed", "--wait=false", "--grace-period=1")

    kill(serving)
    serving.up()

    eventually(
        "the Pod's containers to be gone",
        lambda: not any("doomed" in name for name in serving.containers().values()),
        60,
    )
    assert "NotFound" in serving.kubectl("get", "pod", "doomed", code=1)


def test_down_keeps_state_and_up_brings_everything_back(serving: RunningCluster) -> None:
    address = serving.get("service", "echo-kernel")["spec"]["clusterIP"]
    serving.apply(TIDY_POD.format(folder=serving.folder))
    serving.wait_ready("tidy")

    serving.down()
    assert serving.containers() == {}
    assert (serving.folder / "tidied").read_text() == "up\n"
    serving.up()
    serving.kubectl("rollout", "status", "deployment/echo", "--timeout=90s")

    assert serving.get("service", "echo-kernel")["spec"]["clusterIP"] == address
    eventually("an answer", lambda: fetch(address, 80), 30)
    serving.kubectl("delete", "pod", "tidy")


def test_down_with_keep_pods_stops_only_the_daemon(serving: RunningCluster) -> None:
    serving.kubectl("rollout", "status", "deployment/echo", "--timeout=90s")
    before = serving.containers()
    address = serving.get("service", "echo-kernel")["spec"]["clusterIP"]

    serving.down("--keep-pods")
    kept, answer = serving.containers(), fetch(address, 80)
    serving.up()

    assert kept == before
    assert answer.startswith("echo-")
    assert serving.containers() == before
