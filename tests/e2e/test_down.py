"""`mk down` is the shutdown of a node: pods are asked to stop, their logs are kept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import BUSYBOX, RunningCluster, eventually

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]

PODS = """
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  terminationGracePeriodSeconds: 20
  volumes: [{{name: notes, hostPath: {{path: {folder}}}}}]
  containers:
    - name: app
      image: {image}
      command:
        - sh
        - -c
        - >-
          echo a life begins; trap 'echo signal >> /notes/all; exit 0' TERM;
          while :; do sleep 60 & wait $!; done
      lifecycle: {{preStop: {{exec: {{command: [sh, -c, "echo hook >> /notes/all; sleep 1"]}}}}}}
      volumeMounts: [{{name: notes, mountPath: /notes}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: done}}
spec:
  restartPolicy: Never
  containers: [{{name: app, image: {image}, command: [echo, all done]}}]
"""


def test_down_stops_pods_as_a_shutdown_does_and_keeps_their_logs(
    new_cluster: Callable[[], RunningCluster], tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    cluster = new_cluster()
    cluster.up()
    cluster.apply(PODS.format(folder=tmp_path, image=BUSYBOX))
    cluster.wait_ready("web")
    eventually("done", lambda: cluster.kubectl("logs", "done") == "all done\n")
    first = cluster.get("pod", "web")

    cluster.down()
    stopped = (tmp_path / "all").read_text().split()
    running = cluster.containers()
    cluster.up()
    cluster.wait_ready("web")

    assert stopped == ["hook", "signal"]
    assert running == {}
    second = cluster.get("pod", "web")
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert second["status"]["containerStatuses"][0]["restartCount"] == 1
    assert cluster.kubectl("logs", "web", "--previous") == "a life begins\n"
    assert cluster.kubectl("logs", "done") == "all done\n"
    assert cluster.get("pod", "done")["status"]["phase"] == "Succeeded"
