"""Pods reach the API with what is mounted into them, and may do what roles allow; quotas and limits
hold what is written through it.
"""

import json
from typing import Any

import pytest

from tests.e2e.conftest import BUSYBOX, IDLE, RunningCluster, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

BOOKSTORE = "minikube-py/bookstore:1"
"""An image with Python."""
FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
ASK = f"""
import ssl, sys, urllib.request, urllib.error
context = ssl.create_default_context(cafile="{FOLDER}/ca.crt")
token = open("{FOLDER}/token").read()
for url in sys.argv[1:]:
    asked = urllib.request.Request(url, headers={{"Authorization": "Bearer " + token}})
    try:
        print(urllib.request.urlopen(asked, context=context, timeout=10).status)
    except urllib.error.HTTPError as error:
        print(error.code)
"""


def pod(name: str, image: str = BUSYBOX, **spec: Any) -> str:
    container = {"name": "main", "image": image, "command": list(IDLE)}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1, **spec},
    }
    return json.dumps(body)


def ask(cluster: RunningCluster, namespace: str, *urls: str) -> list[int]:
    command = ("exec", "-n", namespace, "asker", "--", "python3", "-c", ASK, *urls)
    return [int(code) for code in cluster.kubectl(*command).split()]


def test_a_pod_asks_the_api_as_its_account(cluster: RunningCluster, namespace: str) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=pod("asker", image=BOOKSTORE))
    cluster.wait_ready("asker", namespace)
    api = "https://kubernetes.default.svc"
    own, other = (f"{api}/api/v1/namespaces/{name}/pods" for name in (namespace, "kube-system"))
    assert ask(cluster, namespace, f"{api}/version", own, other) == [200, 403, 403]

    cluster.kubectl("create", "role", "reader", "-n", namespace, "--verb=list", "--resource=pods")
    account = f"{namespace}:default"
    cluster.kubectl(
        "create", "rolebinding", "reader", "-n", namespace, "--role=reader",
        f"--serviceaccount={account}",
    )  # fmt: skip

    eventually("the role counts", lambda: ask(cluster, namespace, own, other) == [200, 403])


def test_the_environment_leads_to_the_api_too(cluster: RunningCluster, namespace: str) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=pod("asker", image=BOOKSTORE))
    cluster.wait_ready("asker", namespace)
    script = ASK.replace(
        "sys.argv[1:]",
        '["https://{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}/api".format(**os.environ)]',
    )

    told = cluster.kubectl(
        "exec", "-n", namespace, "asker", "--", "python3", "-c", f"import os\n{script}"
    )

    assert told.split() == ["200"]


def test_a_namespace_and_its_pod_may_be_written_together(cluster: RunningCluster) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "together"}}
    body = json.loads(pod("first"))
    body["metadata"]["namespace"] = "together"
    both = {"apiVersion": "v1", "kind": "List", "items": [namespace, body]}

    try:
        cluster.apply(json.dumps(both))
        cluster.wait_ready("first", "together")
        shown = cluster.kubectl("exec", "-n", "together", "first", "--", "ls", FOLDER)
        assert shown.split() == ["ca.crt", "namespace", "token"]
    finally:
        cluster.kubectl("delete", "namespace", "together", "--ignore-not-found")


def test_a_user_that_is_not_root_reads_its_token(cluster: RunningCluster, namespace: str) -> None:
    security = {"runAsUser": 1234, "fsGroup": 4321}
    cluster.kubectl(
        "apply", "-n", namespace, "-f", "-", stdin=pod("plain", securityContext=security)
    )
    cluster.wait_ready("plain", namespace)

    shown = cluster.kubectl(
        "exec", "-n", namespace, "plain", "--", "stat", "-L", "-c", "%u %g %a", f"{FOLDER}/token"
    )

    assert shown.split() == ["1234", "4321", "640"]
    cluster.kubectl("exec", "-n", namespace, "plain", "--", "cat", f"{FOLDER}/token")


def test_a_quota_holds_a_deployment_back(cluster: RunningCluster, namespace: str) -> None:
    cluster.kubectl("create", "quota", "small", "-n", namespace, "--hard=pods=2")
    cluster.kubectl(
        "create", "deployment", "web", "-n", namespace, f"--image={BUSYBOX}", "--replicas=4",
        "--", *IDLE,
    )  # fmt: skip

    def refused() -> bool:
        events = cluster.kubectl("get", "events", "-n", namespace)
        return "exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2" in events

    eventually("the quota is told in an event", refused)
    assert len(cluster.get("pods", "-n", namespace)["items"]) == 2
    status = cluster.get("quota", "small", "-n", namespace)["status"]
    assert status == {"hard": {"pods": "2"}, "used": {"pods": "2"}}

    cluster.kubectl(
        "patch", "quota", "small", "-n", namespace, "-p", '{"spec":{"hard":{"pods":"4"}}}'
    )

    eventually(
        "more room, more pods",
        lambda: len(cluster.get("pods", "-n", namespace)["items"]) == 4,
        seconds=60,
    )
