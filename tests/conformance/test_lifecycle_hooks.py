"""[sig-node] Container Lifecycle Hook, and [sig-node] PreStop.

One pod answers the hooks' requests and keeps what it was asked; hooks by exec ask it too.
"""

import pytest

from tests.conformance.conftest import BUSYBOX, Group
from tests.e2e.conftest import eventually

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]

STAY = "trap 'exit 0' TERM; sleep 3600 & wait"

HANDLER = """
apiVersion: v1
kind: Pod
metadata: {name: handler}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: app
      image: minikube-py/bookstore:1
      command: [python3, -m, http.server, "8080"]
      readinessProbe: {tcpSocket: {port: 8080}}
"""


def pod(name: str, lifecycle: str) -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 10
  containers:
    - name: app
      image: {BUSYBOX}
      command: [sh, -c, {STAY!r}]
      lifecycle: {lifecycle}
"""


@pytest.fixture(scope="module")
def hooked(group: Group) -> Group:
    group.apply(HANDLER)
    host = group.ready("handler")["status"]["podIP"]

    def http(path: str) -> str:
        return f'{{httpGet: {{host: {host}, port: 8080, path: "/{path}"}}}}'

    def exec_(path: str) -> str:
        ask = f"printf 'GET /{path} HTTP/1.0\\\\r\\\\n\\\\r\\\\n' | nc {host} 8080"
        return f'{{exec: {{command: [sh, -c, "{ask}"]}}}}'

    group.apply(
        pod("start-http", f"{{postStart: {http('poststart?http')}}}"),
        pod("start-exec", f"{{postStart: {exec_('poststart?exec')}}}"),
        pod("stop-http", f"{{preStop: {http('prestop?http')}}}"),
        pod("stop-exec", f"{{preStop: {exec_('prestop?exec')}}}"),
        pod("stop-both", f"{{preStop: {exec_('prestop?conformance')}}}"),
    )
    for name in ("stop-http", "stop-exec", "stop-both"):
        group.ready(name)
    group.kubectl("delete", "pod", "stop-http", "stop-exec", "stop-both", "--wait=false")
    return group


def asked(group: Group, path: str) -> None:
    """The server tells on stderr what it was asked; that it knows no such page is no failure of a
    hook."""
    eventually(path, lambda: path in group.logs("handler"))


def test_when_create_a_pod_with_lifecycle_hook_should_execute_poststart_exec_hook_properly(
    hooked: Group,
) -> None:
    hooked.ready("start-exec")
    asked(hooked, "/poststart?exec")


def test_when_create_a_pod_with_lifecycle_hook_should_execute_poststart_http_hook_properly(
    hooked: Group,
) -> None:
    hooked.ready("start-http")
    asked(hooked, "/poststart?http")


def test_when_create_a_pod_with_lifecycle_hook_should_execute_prestop_exec_hook_properly(
    hooked: Group,
) -> None:
    asked(hooked, "/prestop?exec")


def test_when_create_a_pod_with_lifecycle_hook_should_execute_prestop_http_hook_properly(
    hooked: Group,
) -> None:
    asked(hooked, "/prestop?http")


def test_prestop_should_call_prestop_when_killing_a_pod(hooked: Group) -> None:
    asked(hooked, "/prestop?conformance")
    eventually(
        "the pod to be gone",
        lambda: "stop-both" not in hooked.kubectl("get", "pods", "-o", "name"),
    )
