"""What a node says of a pod before it starts anything: a refusal that ends the pod, as kubelet's
admission handlers give it, and remarks on what it will not get. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from minikube_py.kubelet.container_resources import HostFacts
from minikube_py.kubelet.podspec import members
from minikube_py.kubelet.security import apparmor_profile
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.sysctls import NAMESPACED

_SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
"""Of a namespace of their own, and harmless to everybody else."""


def rejection(pod: Object, host: HostFacts) -> tuple[str, str] | None:
    """Reason and message of why this node does not run the pod; None = it does."""
    for sysctl in sysctls_of(pod):
        if not _is_allowed(sysctl, host.unsafe_sysctls):
            message = f'forbidden sysctl: "{sysctl}" not allowlisted'
            return "SysctlForbidden", f"Pod was rejected: {message}"
    if not host.apparmor and any(_wants_apparmor(pod)):
        message = "Cannot enforce AppArmor: AppArmor is not enabled on the host"
        return "AppArmor", f"Pod was rejected: {message}"
    return None


def sysctls_of(pod: Object) -> Mapping[str, str]:
    """By name as the kernel's documents write it: Pods may write slashes."""
    listed = get_path(pod, "spec", "securityContext", "sysctls", default=[])
    return {entry["name"].replace("/", "."): str(entry["value"]) for entry in listed}


def _is_allowed(sysctl: str, patterns: tuple[str, ...]) -> bool:
    if sysctl in _SAFE_SYSCTLS:
        return True
    return sysctl.startswith(NAMESPACED) and any(
        sysctl.startswith(pattern[:-1]) if pattern.endswith("*") else sysctl == pattern
        for pattern in patterns
    )


def _wants_apparmor(pod: Object) -> Iterator[bool]:
    for found in members(pod):
        yield apparmor_profile(pod, found.container).get("type", "Unconfined") != "Unconfined"


def remarks(pod: Object) -> list[tuple[str, str]]:
    """(reason, message) of what the pod asks for and this node leaves out."""
    contexts: list[tuple[str, Any]] = [
        ("spec.securityContext", get_path(pod, "spec", "securityContext", default={}))
    ]
    contexts += [
        (f"containers[{one.name}].securityContext", one.container.get("securityContext") or {})
        for one in members(pod)
    ]
    named = [where for where, context in contexts if context.get("seLinuxOptions")]
    if not named:
        return []
    message = f"{', '.join(named)}: seLinuxOptions have no effect, SELinux is not used on this host"
    return [("SELinuxIgnored", message)]
