"""SIGKILL at random moments of pods' lives on Docker: nothing is doubled, lost or left behind, and
what was healthy is left alone. tests/kubelet/test_crash.py does it at every single act, on paper.

`MK_POD_KILLS` sets the rounds for a longer run by hand, `MK_POD_KILLS_SEED` repeats one.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import BUSYBOX, RunningCluster, eventually, run_command
from tests.machines import killed_daemon

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

ROUNDS = int(os.environ.get("MK_POD_KILLS", "4"))
SEED = int(os.environ.get("MK_POD_KILLS_SEED", "0")) or random.randrange(1 << 32)
IDLE = "[sh, -c, \"trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done\"]"
STEADY = f"""
apiVersion: v1
kind: Pod
metadata: {{name: steady, annotations: {{mk.dev/restart-backoff: 50ms}}}}
spec:
  containers:
    - {{name: main, image: {BUSYBOX}, command: {IDLE}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data: {{colour: blue}}
"""
POD = f"""
apiVersion: v1
kind: Pod
metadata: {{{{name: {{name}}}}}}
spec:
  terminationGracePeriodSeconds: 1
  initContainers:
    - {{{{name: proxy, image: {BUSYBOX}, restartPolicy: Always, command: {IDLE}}}}}
    - {{{{name: prepare, image: {BUSYBOX}, command: ["true"]}}}}
  containers:
    - name: app
      image: {BUSYBOX}
      command: {IDLE}
      lifecycle:
        postStart: {{{{exec: {{{{command: ["true"]}}}}}}}}
        preStop: {{{{exec: {{{{command: ["true"]}}}}}}}}
      volumeMounts: [{{{{name: disk, mountPath: /disk}}}}, {{{{name: memory, mountPath: /memory}}}}]
  volumes:
    - {{{{name: disk, emptyDir: {{{{}}}}}}}}
    - {{{{name: memory, emptyDir: {{{{medium: Memory}}}}}}}}
    - {{{{name: map, configMap: {{{{name: settings}}}}}}}}
"""


@dataclass
class Mortal:
    """The daemon of a cluster on Docker, forked by a parent that has its code in memory."""

    cluster: RunningCluster
    parent: "subprocess.Popen[bytes]"
    log: Path
    pid: int = 0

    def start(self) -> None:
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        self.parent.stdin.write(b"go\n")
        words = self.parent.stdout.readline().split()
        assert words[:1] == [b"pid"], self.log.read_text()[-3000:]
        self.pid = int(words[1])
        eventually("the daemon to be ready", self._is_ready, 60)
        # Its port may be another's by now, and then it has chosen a new one.
        own = Path(self.cluster.status()["dataDir"]) / "kubeconfig"
        shutil.copyfile(own, self.cluster.env["KUBECONFIG"])

    def _is_ready(self) -> bool:
        status = self.cluster.status()
        return bool(status.get("ready") and status.get("pid") == self.pid)

    def kill(self) -> None:
        assert self.parent.stdout is not None
        os.kill(self.pid, signal.SIGKILL)
        assert self.parent.stdout.readline() == b"dead\n"


@pytest.fixture
def mortal(new_cluster: Callable[[], RunningCluster]) -> Iterator[Mortal]:
    cluster = new_cluster()
    cluster.up()
    cluster.apply(STEADY)
    cluster.wait_ready("steady")
    cluster.down("--keep-pods")
    log = cluster.folder / "killed.log"
    command = [sys.executable, killed_daemon.__file__, "--cluster", cluster.name, str(log)]
    environment = {**os.environ, **cluster.env, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment
    ) as parent:
        mortal = Mortal(cluster, parent, log)
        mortal.start()
        yield mortal
        mortal.kill()
        assert parent.stdin is not None
        parent.stdin.close()


def main_of(cluster: RunningCluster, name: str) -> Any:
    return cluster.get("pod", name)["status"]["containerStatuses"][0]


def check_came_up_once(cluster: RunningCluster, name: str) -> None:
    """Every container exists once and was started once; one sandbox."""
    cluster.wait_ready(name, seconds=40)
    status = cluster.get("pod", name)["status"]
    entries = [*status["initContainerStatuses"], *status["containerStatuses"]]
    assert {entry["name"]: entry["restartCount"] for entry in entries} == {
        "proxy": 0,
        "prepare": 0,
        "app": 0,
    }
    names = [one.split("_")[1] for one in cluster.containers().values() if f"_{name}_" in one]
    assert Counter(names) == {"POD": 1, "proxy": 1, "app": 1}


def left_of_pods(cluster: RunningCluster) -> list[str]:
    """Containers, wires, files and mounts of any pod but the steady one."""
    uid = cluster.get("pod", "steady")["metadata"]["uid"]
    label = f"label=io.minikube-py.cluster={cluster.name}"
    names = run_command("docker", "ps", "-a", "--format", "{{.Names}}", "--filter", label).out
    found = [n for n in names.split() if n.startswith("k8s_") and uid not in n]
    pods = Path(cluster.status()["dataDir"]) / "pods"
    found += [str(path) for path in pods.iterdir() if path.name != uid]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    found += [line for line in mounts if str(pods) in line]
    links = run_command("ip", "-o", "link", "show", "master", f"mk-{cluster.name}").out
    found += links.splitlines()[1:]
    return found


@pytest.mark.timeout(120 + 12 * ROUNDS)
def test_pods_outlive_kills_at_random_moments(mortal: Mortal) -> None:
    cluster, chance = mortal.cluster, random.Random(SEED)
    print(f"MK_POD_KILLS_SEED={SEED}")
    steady, crashes, old = main_of(cluster, "steady")["containerID"], 0, list[str]()
    for number in range(ROUNDS):
        names = [f"pod-{number}-{letter}" for letter in "abc"]
        if old:
            cluster.kubectl("delete", "pod", *old, "--wait=false")
        cluster.apply("---".join(POD.format(name=name) for name in names))
        if number % 4 == 3:
            run_command("docker", "kill", steady.removeprefix("docker://"))
            crashes += 1
        time.sleep(chance.uniform(0, 1.5))
        mortal.kill()
        mortal.start()

        for name in names:
            check_came_up_once(cluster, name)
        now = restarted(cluster, crashes)
        assert now == steady or number % 4 == 3
        steady = now
        for name in old:
            cluster.kubectl("wait", "--for=delete", f"pod/{name}", "--timeout=30s")
        old = names

    cluster.kubectl("delete", "pod", *old)
    eventually("nothing to be left", lambda: not left_of_pods(cluster), 10)


def restarted(cluster: RunningCluster, times: int) -> str:
    """The steady container, once it has been restarted so many times, never more."""
    eventually("the restart", lambda: main_of(cluster, "steady")["restartCount"] >= times)
    cluster.wait_ready("steady")
    found = main_of(cluster, "steady")
    assert found["restartCount"] == times
    return str(found["containerID"])
