"""Pods come and go in waves on Docker: nothing of them is left, and the daemon stays as it was.

A short run by default; the long one is by hand, on a quiet machine:
    MK_SOAK_PODS=1000 scripts/test tests/e2e/test_soak.py
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import BUSYBOX, RunningCluster, eventually, run_command

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

PODS = int(os.environ.get("MK_SOAK_PODS", "24"))
WAVE = 8 if PODS < 100 else 50
SETTLED = 2
"""Waves after which caches, pools and arenas have the size they keep."""
GROWTH_MB = 16
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: wave}
spec: {selector: {soak: "yes"}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue}
"""
POD = f"""
apiVersion: v1
kind: Pod
metadata: {{{{name: {{name}}, labels: {{{{soak: "yes"}}}}}}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: {BUSYBOX}
      command: [sh, -c, "trap 'exit 0' TERM; sleep 3600 & wait"]
      volumeMounts: [{{{{name: memory, mountPath: /memory}}}}, {{{{name: map, mountPath: /map}}}}]
  volumes:
    - {{{{name: memory, emptyDir: {{{{medium: Memory}}}}}}}}
    - {{{{name: map, configMap: {{{{name: settings}}}}}}}}
"""


@dataclass(frozen=True)
class Size:
    """What the daemon takes of its host."""

    resident_mb: float
    descriptors: int
    threads: int


def size_of(pid: int) -> Size:
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Size(int(fields["VmRSS"].split()[0]) / 1024, descriptors, int(fields["Threads"]))


def wave(cluster: RunningCluster, number: int, ids: set[str]) -> None:
    names = [f"soak-{number}-{one}" for one in range(WAVE)]
    cluster.apply("---".join(POD.format(name=name) for name in names))
    wait = ("wait", "pods", "-l", "soak=yes", "--timeout=90s")
    cluster.kubectl(*wait, "--for=condition=Ready")
    ids.update(cluster.containers())
    cluster.kubectl("delete", "pods", "-l", "soak=yes", "--wait=true")


def left(cluster: RunningCluster, ids: set[str]) -> list[str]:
    """Of any pod that was here."""
    label = f"label=io.minikube-py.cluster={cluster.name}"
    names = run_command("docker", "ps", "-a", "--format", "{{.Names}}", "--filter", label).out
    found = [name for name in names.split() if name.startswith("k8s_")]
    pods = Path(cluster.status()["dataDir"]) / "pods"
    found += [str(path) for path in pods.iterdir()]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    found += [line for line in mounts if str(pods) in line]
    found += run_command(
        "ip", "-o", "link", "show", "master", f"mk-{cluster.name}"
    ).out.splitlines()
    groups = {path.name for path in Path("/sys/fs/cgroup").glob("**/docker/*")}
    found += sorted(groups & ids)
    found += elements(cluster)
    return found


def elements(cluster: RunningCluster) -> list[str]:
    """Addresses of pods that the kernel's rules still send to."""
    table = run_command("nft", "list", "ruleset").out
    prefix = cluster.get("nodes")["items"][0]["spec"]["podCIDR"].rsplit(".", 2)[0]
    own = table.partition(f"table ip {cluster.name}")[2] or table
    # The first address is the gateway's, behind which the API is.
    sent = [line for line in own.splitlines() if f"dnat to {prefix}." in line]
    return [line for line in sent if f"{prefix}.0.1:" not in line]


@pytest.mark.timeout(120 + 2 * PODS)
def test_waves_of_pods_leave_nothing_behind(new_cluster: Callable[[], RunningCluster]) -> None:
    cluster, ids = new_cluster(), set[str]()
    cluster.up()
    cluster.apply(SERVICE)
    pid = int(cluster.status()["pid"])
    sizes: list[Size] = []
    for number in range(max(SETTLED + 1, PODS // WAVE)):
        wave(cluster, number, ids)
        sizes.append(size_of(pid))

    eventually("nothing to be left", lambda: not left(cluster, ids), 20)
    print(*sizes, sep="\n")
    settled, last = sizes[SETTLED - 1], size_of(pid)
    assert last.resident_mb <= settled.resident_mb + GROWTH_MB + PODS * 0.03
    assert last.descriptors <= settled.descriptors + 8
    assert last.threads <= settled.threads + 4
