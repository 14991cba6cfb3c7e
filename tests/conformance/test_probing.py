"""[sig-node] Probing container: what probes do and what they must not do.

All pods start together; the tests share the seconds in which nothing may happen.
"""

import json
import time
from typing import Any

import pytest

from tests.conformance.conftest import BUSYBOX, Group, condition, is_ready, restarts

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]

CALM_SECONDS = 6.0
"""Three periods and more of every probe that must not fail."""

GRPC_SERVER = r"""
import socket, sys
STATUS = bytes([0, 0, 0, 0, 2, 8, int(sys.argv[1])])
def frame(kind, flags, stream, payload=b""):
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    return head + payload
server = socket.create_server(("", 5000))
while True:
    client, _ = server.accept()
    with client:
        client.recv(4096)
        client.sendall(
            frame(4, 0, 0) + frame(1, 4, 1, b"\x88") + frame(0, 0, 1, STATUS)
            + frame(1, 5, 1, b"\x88")
        )
"""


def pod(name: str, script: str, probes: str, image: str = BUSYBOX) -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  annotations: {{mk.dev/restart-backoff: 1s}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: app
      image: {image}
      command: [sh, -c, {script!r}]
      {probes}
"""


SERVE = "mkdir /www; echo ok > /www/healthz; httpd -p 8080 -h /www"
STAY = "trap 'exit 0' TERM; sleep 3600 & wait"
OFTEN = "periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 5"
LATER = f"{OFTEN}, initialDelaySeconds: 1"
HTTP = f"livenessProbe: {{httpGet: {{path: /healthz, port: 8080}}, {LATER}}}"
EXEC = f"livenessProbe: {{exec: {{command: [cat, /tmp/health]}}, {LATER}}}"
TCP = f"livenessProbe: {{tcpSocket: {{port: 8080}}, {LATER}}}"
DELAYED = f"readinessProbe: {{exec: {{command: ['true']}}, {OFTEN}, initialDelaySeconds: 4}}"
NEVER = f"readinessProbe: {{exec: {{command: ['false']}}, {OFTEN}}}"


def grpc_pod(name: str, status: int) -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: app
      image: minikube-py/bookstore:1
      command: [python3, -c, {json.dumps(GRPC_SERVER)}, "{status}"]
      livenessProbe: {{grpc: {{port: 5000}}, {OFTEN}, initialDelaySeconds: 3}}
"""


@pytest.fixture(scope="module")
def probed(group: Group) -> Group:
    group.apply(
        pod("http-fails", f"{SERVE}; sleep 3; rm /www/healthz; {STAY}", HTTP),
        pod("http-serves", f"{SERVE}; {STAY}", HTTP),
        pod("exec-fails", f"echo ok > /tmp/health; sleep 2; rm /tmp/health; {STAY}", EXEC),
        pod("exec-works", f"echo ok > /tmp/health; {STAY}", EXEC),
        pod("tcp-answers", f"{SERVE}; {STAY}", TCP),
        pod("delayed", STAY, DELAYED),
        pod("never", STAY, NEVER),
        pod("again-and-again", f"{SERVE}; sleep 1; rm /www/healthz; {STAY}", HTTP),
        grpc_pod("grpc-serves", 1),
        grpc_pod("grpc-fails", 2),
    )
    return group


@pytest.fixture(scope="module")
def calm(probed: Group) -> Group:
    """Some time after all of them have started."""
    for name in ("http-serves", "exec-works", "tcp-answers", "grpc-serves"):
        probed.ready(name)
    time.sleep(CALM_SECONDS)
    return probed


def seconds(moment: str) -> float:
    return time.mktime(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))


def told(group: Group, name: str, reason: str) -> list[str]:
    return [one["message"] for one in group.events(name) if one["reason"] == reason]


def started_at(found: dict[str, Any]) -> str:
    return str(found["status"]["containerStatuses"][0]["state"]["running"]["startedAt"])


def test_with_readiness_probe_should_not_be_ready_before_initial_delay_and_never_restart(
    calm: Group,
) -> None:
    found = calm.ready("delayed")

    ready_at = condition(found, "Ready")["lastTransitionTime"]
    assert seconds(ready_at) - seconds(started_at(found)) >= 3
    assert restarts(found) == 0


def test_with_readiness_probe_that_fails_should_never_be_ready_and_never_restart(
    calm: Group,
) -> None:
    found = calm.pod("never")

    assert not is_ready(found)
    assert restarts(found) == 0
    assert any(
        text.startswith("Readiness probe failed") for text in told(calm, "never", "Unhealthy")
    )


def test_should_be_restarted_with_a_exec_cat_tmp_health_liveness_probe(probed: Group) -> None:
    probed.until("exec-fails", lambda found: restarts(found) >= 1, "restarted")

    [unhealthy, *_] = told(probed, "exec-fails", "Unhealthy")
    assert unhealthy.startswith("Liveness probe failed: cat: can't open '/tmp/health'")
    killing = told(probed, "exec-fails", "Killing")
    assert killing == ["Container app failed liveness probe, will be restarted"]


def test_should_not_be_restarted_with_a_exec_cat_tmp_health_liveness_probe(calm: Group) -> None:
    assert restarts(calm.pod("exec-works")) == 0


def test_should_be_restarted_with_a_healthz_http_liveness_probe(probed: Group) -> None:
    probed.until("http-fails", lambda found: restarts(found) >= 1, "restarted")

    text = "Liveness probe failed: HTTP probe failed with statuscode: 404"
    assert text in told(probed, "http-fails", "Unhealthy")


def test_should_not_be_restarted_with_a_healthz_http_liveness_probe(calm: Group) -> None:
    assert restarts(calm.pod("http-serves")) == 0


def test_should_not_be_restarted_with_a_tcp_8080_liveness_probe(calm: Group) -> None:
    assert restarts(calm.pod("tcp-answers")) == 0


def test_should_have_monotonically_increasing_restart_count(probed: Group) -> None:
    counts: list[int] = []

    def enough(found: dict[str, Any]) -> bool:
        counts.append(restarts(found))
        return counts[-1] >= 4

    probed.until("again-and-again", enough, "restarted four times", 40)

    assert counts == sorted(counts)


def test_should_be_restarted_with_a_grpc_liveness_probe(probed: Group) -> None:
    probed.until("grpc-fails", lambda found: restarts(found) >= 1, "restarted")

    [unhealthy, *_] = told(probed, "grpc-fails", "Unhealthy")
    assert "service unhealthy" in unhealthy
    assert "NOT_SERVING" in unhealthy


def test_should_not_be_restarted_with_a_grpc_liveness_probe(calm: Group) -> None:
    assert restarts(calm.pod("grpc-serves")) == 0
