"""[sig-node] Security Context, Sysctls, RuntimeClass, KubeletManagedEtcHosts, [sig-network]
HostPort.

All pods of the module start together.
"""

import json
import random
import socket

import pytest

from tests.conformance.conftest import BUSYBOX, Group
from tests.e2e.conftest import eventually

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]

STAY = "trap 'exit 0' TERM; sleep 3600 & wait"
UNSAFE = "{sysctls: [{name: kernel.msgmax, value: '10000000'}]}"
IDS = "id -u; id -g"
MANAGED = "# Kubernetes-managed hosts file."
PORT = random.randrange(50_000, 60_000)
"""Several runs may share the host."""
PYTHON = "minikube-py/bookstore:1"
UDP_SERVER = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 8080))
while True:
    s.sendto(b"{name}", s.recvfrom(64)[1])
"""


def pod(name: str, script: str, spec: str = "", container: str = "") -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{name: {name}}}}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  {spec}
  containers:
    - name: app
      image: {BUSYBOX}
      command: [sh, -c, {json.dumps(script)}]
      {container}
"""


def context(of: str) -> str:
    return f"securityContext: {of}"


def runtime_class(name: str, more: str = "") -> str:
    return f"""
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {{name: {name}}}
handler: runc
{more}
"""


def serving(name: str, address: str, protocol: str = "TCP") -> str:
    """Answers with its name on a port of the host."""
    script, image = f"mkdir /w; echo {name} > /w/index.html; httpd -f -p 8080 -h /w", BUSYBOX
    if protocol == "UDP":  # busybox speaks none
        script, image = f"exec python3 -c '{UDP_SERVER.format(name=name)}'", PYTHON
    port = f"{{containerPort: 8080, hostPort: {PORT}, hostIP: {address}, protocol: {protocol}}}"
    return pod(name, script, container=f"ports: [{port}]").replace(BUSYBOX, image)


def etc_hosts_pods() -> list[str]:
    own = f"""volumeMounts: [{{name: hosts, mountPath: /etc/hosts}}]
    - name: managed
      image: {BUSYBOX}
      command: [sh, -c, "{STAY}"]"""
    volume = "volumes: [{name: hosts, hostPath: {path: /etc/hosts, type: File}}]"
    aliases = "hostAliases: [{ip: 192.0.2.7, hostnames: [foo.remote, bar.remote]}]"
    return [
        pod("etc-hosts", STAY, f"{volume}\n  {aliases}", own),
        pod("etc-hosts-of-host", STAY, "hostNetwork: true"),
    ]


@pytest.fixture(scope="module")
def host_ip(group: Group) -> str:
    node = group.cluster.get("nodes")["items"][0]
    found = [a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"]
    return str(found[0])


@pytest.fixture(scope="module")
def made(group: Group, host_ip: str) -> Group:
    prefix = group.namespace
    group.apply(
        runtime_class(f"{prefix}-plain"),
        runtime_class(f"{prefix}-heavy", "overhead: {podFixed: {cpu: 10m, memory: 5Mi}}"),
        runtime_class(f"{prefix}-gone"),
    )
    group.kubectl("delete", "runtimeclass", f"{prefix}-gone")
    group.apply(
        pod("no-escalation", "grep NoNewPrivs /proc/self/status", container=context(
            "{runAsUser: 1000, allowPrivilegeEscalation: false}")),
        pod("unprivileged", "ip link add d1 type dummy 2>&- || echo refused", container=context(
            "{privileged: false}")),
        pod("writable", "echo hi > /file && cat /file", container=context(
            "{readOnlyRootFilesystem: false}")),
        pod("user", "id -u", container=context("{runAsUser: 65534}")),
        pod("user-and-group", IDS, context("{runAsUser: 1001, runAsGroup: 2002}")),
        pod("containers-own", IDS, context("{runAsUser: 1, runAsGroup: 2}"), context(
            "{runAsUser: 1001, runAsGroup: 2002}")),
        pod("sysctl", "cat /proc/sys/kernel/shm_rmid_forced", context(
            "{sysctls: [{name: kernel.shm_rmid_forced, value: '1'}]}")),
        pod("unsafe-sysctl", STAY, context(UNSAFE)),
        pod("classy", "true", f"runtimeClassName: {prefix}-plain"),
        pod("heavy", "true", f"runtimeClassName: {prefix}-heavy"),
        serving("first", "127.0.0.1"),
        serving("second", host_ip),
        serving("third", host_ip, "UDP"),
        *etc_hosts_pods(),
    )  # fmt: skip
    return group


# -- Security Context ----------------------------------------------------------------------------


def output(group: Group, name: str) -> list[str]:
    group.phase(name, "Succeeded")
    return group.logs(name).split()


def test_security_context_should_not_allow_privilege_escalation_when_false(made: Group) -> None:
    assert output(made, "no-escalation") == ["NoNewPrivs:", "1"]


def test_security_context_should_run_the_container_as_unprivileged_when_false(
    made: Group,
) -> None:
    assert output(made, "unprivileged")[-1] == "refused"


def test_security_context_should_run_the_container_with_writable_rootfs_when_read_only_is_false(
    made: Group,
) -> None:
    assert output(made, "writable") == ["hi"]


def test_security_context_should_run_the_container_with_uid_65534(made: Group) -> None:
    assert output(made, "user") == ["65534"]


def test_security_context_should_support_user_and_group_of_the_pod(made: Group) -> None:
    assert output(made, "user-and-group") == ["1001", "2002"]


def test_security_context_should_support_user_and_group_of_the_container(made: Group) -> None:
    assert output(made, "containers-own") == ["1001", "2002"]


# -- Sysctls -------------------------------------------------------------------------------------


def test_sysctls_should_support_sysctls(made: Group) -> None:
    assert output(made, "sysctl") == ["1"]


def test_sysctls_should_reject_invalid_sysctls(made: Group) -> None:
    names = ("foo-", "kernel.shmmax;", "foo.bar..baz")
    sysctls = ", ".join(f"{{name: '{name}', value: bar}}" for name in names)
    wrong = pod("wrong", "true", context(f"{{sysctls: [{sysctls}]}}"))

    refused = made.kubectl("apply", "-f", "-", stdin=wrong, code=1)

    assert all(name in refused for name in names)
    forbidden = made.phase("unsafe-sysctl", "Failed")["status"]
    assert forbidden["reason"] == "SysctlForbidden"
    assert 'forbidden sysctl: "kernel.msgmax" not allowlisted' in forbidden["message"]


# -- RuntimeClass --------------------------------------------------------------------------------


def test_runtime_class_should_reject_a_pod_requesting_a_non_existent_runtime_class(
    made: Group,
) -> None:
    asking = pod("nobody", "true", "runtimeClassName: nobody-has-it")

    assert 'RuntimeClass "nobody-has-it" not found' in made.kubectl(
        "apply", "-f", "-", stdin=asking, code=1
    )


def test_runtime_class_should_reject_a_pod_requesting_a_deleted_runtime_class(
    made: Group,
) -> None:
    asking = pod("late", "true", f"runtimeClassName: {made.namespace}-gone")

    assert "not found" in made.kubectl("apply", "-f", "-", stdin=asking, code=1)


def test_runtime_class_should_schedule_a_pod_without_overhead(made: Group) -> None:
    assert "overhead" not in made.phase("classy", "Succeeded")["spec"]


def test_runtime_class_should_schedule_a_pod_and_initialize_its_overhead(made: Group) -> None:
    assert made.phase("heavy", "Succeeded")["spec"]["overhead"] == {"cpu": "10m", "memory": "5Mi"}


def test_runtime_class_should_support_runtime_classes_api_operations(made: Group) -> None:
    name = f"{made.namespace}-plain"
    listed = made.cluster.get("runtimeclasses")["items"]

    made.kubectl("patch", "runtimeclass", name, "-p", '{"metadata":{"labels":{"a":"b"}}}')

    assert name in [one["metadata"]["name"] for one in listed]
    assert made.cluster.get("runtimeclass", name)["metadata"]["labels"] == {"a": "b"}
    for suffix in ("plain", "heavy"):
        made.phase("classy" if suffix == "plain" else "heavy", "Succeeded")
        made.kubectl("delete", "runtimeclass", f"{made.namespace}-{suffix}")
    assert name not in made.kubectl("get", "runtimeclasses", "-o", "name")


# -- KubeletManagedEtcHosts ----------------------------------------------------------------------


def hosts(group: Group, name: str, container: str) -> str:
    group.ready(name)
    return group.kubectl("exec", name, "-c", container, "--", "cat", "/etc/hosts")


def test_kubelet_managed_etc_hosts_should_test_kubelet_managed_file(made: Group) -> None:
    managed = hosts(made, "etc-hosts", "managed")

    assert managed.startswith(MANAGED)
    assert "192.0.2.7\tfoo.remote\tbar.remote" in managed
    assert not hosts(made, "etc-hosts", "app").startswith("# Kubernetes-managed")
    assert MANAGED not in hosts(made, "etc-hosts-of-host", "app")


# -- HostPort ------------------------------------------------------------------------------------


def http(address: str) -> str:
    with socket.create_connection((address, PORT), timeout=2) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    return answer.decode().split()[-1]


def refuses(address: str) -> bool:
    try:
        http(address)
    except ConnectionRefusedError:
        return True
    return False


def datagram(address: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.settimeout(1)
        sending.sendto(b"hi\n", (address, PORT))
        return sending.recv(64).decode().strip()


def test_host_port_validates_that_there_is_no_conflict_between_pods_with_same_port_but_other_ip(
    made: Group, host_ip: str
) -> None:
    for name in ("first", "second", "third"):
        made.ready(name)
    eventually("first answers", lambda: http("127.0.0.1") == "first", 10)
    eventually("second answers", lambda: http(host_ip) == "second", 10)
    eventually("third answers", lambda: datagram(host_ip) == "third", 10)
    script = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {host_ip} {PORT}"
    for caller in ("first", "second"):  # another pod, and itself
        assert made.kubectl("exec", caller, "--", "sh", "-c", script).split()[-1] == "second"

    made.kubectl("delete", "pod", "second", "--now")
    eventually("the port goes with its pod", lambda: refuses(host_ip), 10)
    assert http("127.0.0.1") == "first"
