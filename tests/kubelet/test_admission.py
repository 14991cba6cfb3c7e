from typing import Any

import pytest

from minikube_py.kubelet.admission import rejection, remarks
from minikube_py.kubelet.container_resources import HostFacts
from minikube_py.meta.objects import Object

HOST = HostFacts(memory_bytes=8 << 30, unsafe_sysctls=("net.core.somaxconn", "kernel.msg*"))


def pod(container: dict[str, Any] | None = None, **context: Any) -> Object:
    entry = {"name": "app", "image": "app:1", "securityContext": container or {}}
    return {
        "metadata": {"name": "web", "namespace": "default", "uid": "u1"},
        "spec": {"containers": [entry], "securityContext": context},
    }


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        pytest.param("kernel.shm_rmid_forced", True, id="safe"),
        pytest.param("net/ipv4/tcp_syncookies", True, id="safe-with-slashes"),
        pytest.param("net.core.somaxconn", True, id="allowed-by-name"),
        pytest.param("kernel.msgmax", True, id="allowed-by-pattern"),
        pytest.param("net.ipv4.tcp_max_syn_backlog", False, id="unsafe"),
        pytest.param("vm.max_map_count", False, id="of-the-host"),
    ],
)
def test_unsafe_sysctls_reject_the_pod(name: str, allowed: bool) -> None:
    found = rejection(pod(sysctls=[{"name": name, "value": "1"}]), HOST)

    forbidden = f'Pod was rejected: forbidden sysctl: "{name}" not allowlisted'
    assert found == (None if allowed else ("SysctlForbidden", forbidden))


def test_a_setting_of_the_host_is_no_pods_even_if_a_pattern_names_it() -> None:
    host = HostFacts(1, unsafe_sysctls=("vm.*",))

    assert rejection(pod(sysctls=[{"name": "vm.swappiness", "value": "1"}]), host) is not None


@pytest.mark.parametrize("type_", ["RuntimeDefault", "Localhost"])
def test_apparmor_that_the_host_lacks_rejects_the_pod(type_: str) -> None:
    wanted = pod({"appArmorProfile": {"type": type_, "localhostProfile": "p"}})

    message = "Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host"
    assert rejection(wanted, HOST) == ("AppArmor", message)
    assert rejection(wanted, HostFacts(1, apparmor=True)) is None
    assert rejection(pod({"appArmorProfile": {"type": "Unconfined"}}), HOST) is None


def test_selinux_options_are_remarked_upon() -> None:
    reason, message = remarks(pod({"seLinuxOptions": {"level": "s0"}}))[0]

    assert reason == "SELinuxIgnored"
    assert "containers[app].securityContext" in message
    assert remarks(pod()) == []
