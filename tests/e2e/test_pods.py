"""Pods as real containers: several in one, init first, configuration, volumes, probes, restarts,
logs, exec.
"""

from typing import Any

import pytest

from tests.e2e.conftest import BUSYBOX, IDLE, RunningCluster, eventually, run_command

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

FULL_POD = f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data: {{colour: green, app.conf: "level=debug"}}
---
apiVersion: v1
kind: Secret
metadata: {{name: credentials}}
stringData: {{password: hunter2}}
---
apiVersion: v1
kind: Pod
metadata: {{name: full, labels: {{app: full}}}}
spec:
  terminationGracePeriodSeconds: 2
  initContainers:
    - name: prepare
      image: {BUSYBOX}
      command: [sh, -c, "echo prepared > /shared/state"]
      volumeMounts: [{{name: shared, mountPath: /shared}}]
  containers:
    - name: web
      image: {BUSYBOX}
      command: [sh, -c, "echo web starts; exec httpd -f -p 8080 -h /shared"]
      ports: [{{name: http, containerPort: 8080}}]
      env:
        - {{name: COLOUR, valueFrom: {{configMapKeyRef: {{name: settings, key: colour}}}}}}
        - {{name: PASSWORD, valueFrom: {{secretKeyRef: {{name: credentials, key: password}}}}}}
        - {{name: POD_IP, valueFrom: {{fieldRef: {{fieldPath: status.podIP}}}}}}
        - {{name: GREETING, value: "$(COLOUR) pod"}}
      volumeMounts:
        - {{name: shared, mountPath: /shared}}
        - {{name: conf, mountPath: /etc/app}}
        - {{name: secret, mountPath: /etc/secret, readOnly: true}}
      readinessProbe: {{httpGet: {{path: /state, port: http}}, periodSeconds: 1}}
      livenessProbe: {{tcpSocket: {{port: http}}, periodSeconds: 2}}
    - name: beside
      image: {BUSYBOX}
      command: [sh, -c, "while true; do cat /shared/state; sleep 1; done"]
      volumeMounts: [{{name: shared, mountPath: /shared}}]
      readinessProbe: {{exec: {{command: [test, -f, /shared/state]}}, periodSeconds: 1}}
  volumes:
    - {{name: shared, emptyDir: {{}}}}
    - {{name: conf, configMap: {{name: settings, items: [{{key: app.conf, path: main.conf}}]}}}}
    - {{name: secret, secret: {{secretName: credentials, defaultMode: 0400}}}}
"""


@pytest.fixture
def full_pod(cluster: RunningCluster, namespace: str) -> str:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=FULL_POD)
    cluster.wait_ready("full", namespace)
    return namespace


def test_a_pod_with_init_container_two_containers_and_volumes_gets_ready(
    cluster: RunningCluster, full_pod: str
) -> None:
    def inside(*command: str, container: str = "web") -> str:
        return cluster.kubectl("exec", "-n", full_pod, "full", "-c", container, "--", *command)

    assert inside("cat", "/shared/state", container="beside") == "prepared\n"
    assert inside("sh", "-c", "echo $COLOUR,$PASSWORD,$GREETING") == "green,hunter2,green pod\n"
    assert inside("cat", "/etc/app/main.conf") == "level=debug"
    assert inside("cat", "/etc/secret/password") == "hunter2"
    assert inside("hostname") == "full\n"

    pod = cluster.get("pod", "full", "-n", full_pod)
    assert inside("sh", "-c", "echo $POD_IP").strip() == pod["status"]["podIP"]
    assert inside("cat", "/etc/hosts").count(pod["status"]["podIP"]) == 1
    assert pod["status"]["qosClass"] == "BestEffort"
    assert pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0


def test_logs_are_kept_by_container_and_followed(cluster: RunningCluster, full_pod: str) -> None:
    assert "web starts" in cluster.kubectl("logs", "-n", full_pod, "full", "-c", "web")
    assert "prepared" in cluster.kubectl("logs", "-n", full_pod, "full", "-c", "beside", "--tail=1")
    refused = cluster.kubectl("logs", "-n", full_pod, "full", "-c", "nobody", code=1)
    assert "nobody" in refused


def test_exec_gives_back_the_exit_code(cluster: RunningCluster, full_pod: str) -> None:
    cluster.kubectl("exec", "-n", full_pod, "full", "-c", "web", "--", "sh", "-c", "exit 7", code=7)
    echoed = cluster.kubectl(
        "exec", "-i", "-n", full_pod, "full", "-c", "web", "--", "cat", stdin="through stdin\n"
    )
    assert echoed == "through stdin\n"


def test_a_killed_container_is_started_again_and_counted(
    cluster: RunningCluster, full_pod: str
) -> None:
    def status() -> dict[str, Any]:
        pod = cluster.get("pod", "full", "-n", full_pod)
        return next(dict(s) for s in pod["status"]["containerStatuses"] if s["name"] == "beside")

    before = str(status()["containerID"]).removeprefix("docker://")
    run_command("docker", "kill", before)

    after = eventually(
        "the container to run again",
        lambda: (s := status())["restartCount"] == 1 and s["ready"] and s,
    )
    assert after["containerID"] != f"docker://{before}"
    assert "terminated" in str(after["lastState"])


def test_a_changed_configmap_reaches_the_mounted_file(
    cluster: RunningCluster, full_pod: str
) -> None:
    patch = '{"data": {"app.conf": "level=info"}}'
    cluster.kubectl("patch", "configmap", "settings", "-n", full_pod, "--type=merge", "-p", patch)

    eventually(
        "the new content",
        lambda: (
            cluster.kubectl(
                "exec", "-n", full_pod, "full", "-c", "web", "--", "cat", "/etc/app/main.conf"
            )
            == "level=info"
        ),
        5,
    )


def test_a_pod_of_a_replicaset_that_dies_comes_back_with_another_ip(
    cluster: RunningCluster, namespace: str
) -> None:
    cluster.kubectl(
        "create", "deployment", "web", "-n", namespace, f"--image={BUSYBOX}", "--", *IDLE
    )
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    before = cluster.get("pods", "-n", namespace)["items"][0]

    name = before["metadata"]["name"]
    cluster.kubectl("delete", "pod", "-n", namespace, name, "--grace-period=1", "--wait=false")

    def successor() -> dict[str, dict[str, str]] | None:
        for pod in cluster.get("pods", "-n", namespace)["items"]:
            if pod["metadata"]["name"] != name and pod["status"].get("phase") == "Running":
                return dict(pod)
        return None

    after = eventually("a successor", successor)
    assert after["status"]["podIP"] != before["status"]["podIP"]


def test_an_image_that_is_not_there_says_so(cluster: RunningCluster, namespace: str) -> None:
    cluster.kubectl(
        "run", "lost", "-n", namespace, "--image=minikube-py/nowhere:1", "--image-pull-policy=Never"
    )

    def reason() -> bool:
        pod = cluster.get("pod", "lost", "-n", namespace)
        statuses = pod["status"].get("containerStatuses") or [{}]
        waiting = statuses[0].get("state", {}).get("waiting", {})
        return bool(waiting.get("reason") == "ErrImageNeverPull")

    eventually("ErrImageNeverPull", reason)
    described = cluster.kubectl("describe", "pod", "lost", "-n", namespace)
    assert "minikube-py/nowhere:1" in described


def test_a_crashing_container_backs_off(cluster: RunningCluster, namespace: str) -> None:
    cluster.kubectl(
        "run",
        "crash",
        "-n",
        namespace,
        f"--image={BUSYBOX}",
        "--command",
        "--",
        "sh",
        "-c",
        "exit 3",
    )

    def backing_off() -> bool:
        status = cluster.get("pod", "crash", "-n", namespace)["status"]["containerStatuses"][0]
        return bool(status["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff")

    eventually("CrashLoopBackOff", backing_off)
    status = cluster.get("pod", "crash", "-n", namespace)["status"]["containerStatuses"][0]
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert status["restartCount"] >= 1


def test_a_debugger_joins_a_pod_and_sees_its_processes(
    cluster: RunningCluster, full_pod: str
) -> None:
    cluster.kubectl(
        "debug", "-n", full_pod, "full", f"--image={BUSYBOX}", "--target=web", "-c", "debugger",
        "--", "cat", "/proc/1/cmdline",
    )  # fmt: skip

    eventually(
        "the debugger to have seen httpd",
        lambda: "httpd" in cluster.kubectl("logs", "-n", full_pod, "full", "-c", "debugger"),
    )


def test_a_pod_run_for_its_output_gives_its_exit_code_however_short_it_is(
    cluster: RunningCluster, namespace: str
) -> None:
    for seconds in ("0", "0.1"):
        cluster.kubectl(
            "run", "brief", "-n", namespace, f"--image={BUSYBOX}", "--rm", "--attach",
            "--restart=Never", "--", "sh", "-c", f"sleep {seconds}; exit 3", code=3,
        )  # fmt: skip


def test_an_ephemeral_volume_lives_as_long_as_its_pod(
    cluster: RunningCluster, namespace: str
) -> None:
    pod = f"""
apiVersion: v1
kind: Pod
metadata: {{name: cache}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: {BUSYBOX}
      command: [sh, -c, "echo $HOSTNAME > /cache/name; sleep 1000"]
      volumeMounts: [{{name: scratch, mountPath: /cache}}]
  volumes:
    - name: scratch
      ephemeral:
        volumeClaimTemplate:
          spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
"""
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=pod)
    cluster.wait_ready("cache", namespace)
    assert cluster.kubectl("exec", "-n", namespace, "cache", "--", "cat", "/cache/name") == (
        "cache\n"
    )

    cluster.kubectl("delete", "pod", "cache", "-n", namespace)

    eventually("its claim to be gone", lambda: not cluster.get("pvc", "-n", namespace)["items"])
