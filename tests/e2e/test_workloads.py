"""Deployment, StatefulSet, garbage collection and namespaces, driven by kubectl."""

import pytest

from tests.e2e.conftest import BUSYBOX, IDLE, RunningCluster, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

STATEFUL = f"""
apiVersion: v1
kind: Service
metadata: {{name: db}}
spec: {{clusterIP: None, selector: {{app: db}}, ports: [{{name: tcp, port: 8080}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: db}}
spec:
  serviceName: db
  replicas: 2
  selector: {{matchLabels: {{app: db}}}}
  template:
    metadata: {{labels: {{app: db}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: db
          image: {BUSYBOX}
          command: [sh, -c, "date >> /data/starts; exec httpd -f -p 8080 -h /data"]
          volumeMounts: [{{name: data, mountPath: /data}}]
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 10Mi}}}}}}
"""


def test_a_deployment_rolls_out_scales_and_rolls_back(
    cluster: RunningCluster, namespace: str
) -> None:
    def kubectl(*words: str) -> str:
        return cluster.kubectl(words[0], "-n", namespace, *words[1:])

    def template_env() -> str:
        return kubectl("get", "deployment", "web", "-o", "jsonpath={..env[0].value}")

    kubectl("create", "deployment", "web", f"--image={BUSYBOX}", "--", *IDLE)
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    kubectl("set", "env", "deployment/web", "STEP=one")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    kubectl("set", "env", "deployment/web", "STEP=two")
    kubectl("scale", "deployment/web", "--replicas=3")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert template_env() == "two"

    kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")

    assert template_env() == "one"
    history = kubectl("rollout", "history", "deployment/web")
    assert len([line for line in history.splitlines() if line[:1].isdigit()]) == 3
    assert len(cluster.get("replicasets", "-n", namespace)["items"]) == 3
    kubectl("rollout", "restart", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert kubectl("get", "deployment", "web").splitlines()[1].split()[1] == "3/3"


def test_a_statefulset_keeps_names_order_and_data(cluster: RunningCluster, namespace: str) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=STATEFUL)
    cluster.kubectl("rollout", "status", "-n", namespace, "statefulset/db", "--timeout=90s")
    pods = {p["metadata"]["name"]: p for p in cluster.get("pods", "-n", namespace)["items"]}
    assert set(pods) == {"db-0", "db-1"}
    created = [pods[name]["metadata"]["creationTimestamp"] for name in ("db-0", "db-1")]
    assert created == sorted(created)
    claims = cluster.get("pvc", "-n", namespace)["items"]
    assert {c["metadata"]["name"] for c in claims} == {"data-db-0", "data-db-1"}
    assert {c["status"]["phase"] for c in claims} == {"Bound"}

    cluster.kubectl("delete", "pod", "db-1", "-n", namespace)
    eventually(
        "the Pod with the same name and its data",
        lambda: (
            len(
                cluster.kubectl(
                    "exec", "-n", namespace, "db-1", "--", "cat", "/data/starts"
                ).splitlines()
            )
            == 2
        ),
    )

    name = f"db-0.db.{namespace}.svc.cluster.local"
    found = cluster.kubectl("exec", "-n", namespace, "db-1", "--", "nslookup", name)
    assert cluster.get("pod", "db-0", "-n", namespace)["status"]["podIP"] in found


def test_deleting_an_owner_deletes_its_pods_and_their_containers(
    cluster: RunningCluster, namespace: str
) -> None:
    cluster.kubectl(
        "create", "deployment", "gone", "-n", namespace, f"--image={BUSYBOX}", "--replicas=2",
        "--", *IDLE,
    )  # fmt: skip
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/gone", "--timeout=60s")
    assert any(f"_{namespace}_" in name for name in cluster.containers().values())

    cluster.kubectl("delete", "deployment", "gone", "-n", namespace)

    eventually(
        "Pods and containers to be gone",
        lambda: (
            not cluster.get("pods,replicasets", "-n", namespace)["items"]
            and not any(f"_{namespace}_" in name for name in cluster.containers().values())
        ),
        60,
    )


def test_deleting_a_namespace_deletes_all_in_it(cluster: RunningCluster) -> None:
    cluster.kubectl("create", "namespace", "short-lived")
    cluster.kubectl("create", "configmap", "settings", "-n", "short-lived", "--from-literal=a=b")
    cluster.kubectl("run", "pod", "-n", "short-lived", f"--image={BUSYBOX}", "--", *IDLE)
    cluster.wait_ready("pod", "short-lived")

    cluster.kubectl("delete", "namespace", "short-lived", "--timeout=60s")

    assert "NotFound" in cluster.kubectl("get", "namespace", "short-lived", code=1)
    assert not any("_short-lived_" in name for name in cluster.containers().values())
