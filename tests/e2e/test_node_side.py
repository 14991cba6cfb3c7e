"""What the node does for its pods beside running them, on two nodes of one host: pods of files,
ports of the host, settings of the kernel, Events.
"""

import json
import os
import secrets
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import BUSYBOX, IDLE, RunningCluster, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]


@pytest.fixture(scope="module")
def two(new_cluster: Callable[[], RunningCluster]) -> RunningCluster:
    made = new_cluster()
    made.up("--nodes", "2", "--allowed-unsafe-sysctls", "net.core.*")
    return made


def _pod(name: str, node: str = "", *, ports: Any = (), **spec: Any) -> dict[str, Any]:
    script = "while true; do echo hello | nc -l -p 8080; done"
    command = ["sh", "-c", f"trap 'exit 0' TERM; ({script}) & wait"] if ports else list(IDLE)
    main = {"name": "main", "image": BUSYBOX, "command": command, "ports": list(ports)}
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [main], **spec},
    }


def _nodes(cluster: RunningCluster) -> list[str]:
    return sorted(node["metadata"]["name"] for node in cluster.get("nodes")["items"])


def _asked(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=3) as caller:
        return caller.recv(100).decode()


def test_pods_of_files_and_ports_of_the_host_outlive_the_daemon(two: RunningCluster) -> None:
    first = _nodes(two)[0]
    port = secrets.choice(range(20000, 30000))
    text = json.dumps(_pod("web", ports=[{"containerPort": 8080, "hostPort": port}]))
    folder = two.folder / "state" / two.name / "manifests"
    (folder / "web.json").write_text(text)
    mirror = f"web-{first}"
    eventually("the mirror pod", lambda: two.kubectl("get", "pod", mirror, "--ignore-not-found"))
    two.wait_ready(mirror)
    before = two.get("pod", mirror)
    eventually("the port", lambda: _asked(port) == "hello\n")

    pid = int(two.status()["pid"])
    os.kill(pid, signal.SIGKILL)
    eventually("the daemon's end", lambda: not Path(f"/proc/{pid}").exists(), 10)
    while_gone = eventually("the port without a daemon", lambda: _asked(port))
    two.up()
    after = two.get("pod", mirror)

    assert while_gone == "hello\n"
    assert before["spec"]["nodeName"] == first
    assert before["metadata"]["annotations"]["kubernetes.io/config.source"] == "file"
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert _container(after)["containerID"] == _container(before)["containerID"]
    assert _container(after)["restartCount"] == 0
    eventually("the port again", lambda: _asked(port) == "hello\n")
    (folder / "web.json").unlink()
    two.kubectl("wait", "--for=delete", f"pod/{mirror}", "--timeout=30s")


def _container(pod: dict[str, Any]) -> dict[str, Any]:
    return dict(pod["status"]["containerStatuses"][0])


def test_unsafe_sysctls_are_what_the_flag_allows(two: RunningCluster) -> None:
    def asks(name: str, value: str) -> dict[str, Any]:
        return {"securityContext": {"sysctls": [{"name": name, "value": value}]}}

    two.apply(json.dumps(_pod("allowed", **asks("net.core.somaxconn", "1234"))))
    two.apply(json.dumps(_pod("forbidden", **asks("kernel.msgmax", "65536"))))
    two.wait_ready("allowed")

    found = two.kubectl("exec", "allowed", "--", "cat", "/proc/sys/net/core/somaxconn")

    assert found == "1234\n"
    reason = "--for=jsonpath={.status.reason}=SysctlForbidden"
    two.kubectl("wait", "pod/forbidden", reason, "--timeout=30s")


def test_events_come_from_the_pods_own_node(two: RunningCluster) -> None:
    nodes = _nodes(two)
    for number, node in enumerate(nodes):
        two.apply(json.dumps(_pod(f"on-{number}", node)))
    for number in range(len(nodes)):
        two.wait_ready(f"on-{number}")

    def hosts(pod: str) -> set[tuple[str, str]]:
        events = two.get("events", "--field-selector", f"involvedObject.name={pod}")["items"]
        own = [one for one in events if one["source"].get("component") == "kubelet"]
        return {(one["source"]["host"], one["reportingInstance"]) for one in own}

    eventually("their events", lambda: hosts("on-0") and hosts("on-1"))
    assert [hosts("on-0"), hosts("on-1")] == [{(node, node)} for node in nodes]
