"""Kernel switches the pods' network depends on, set through /proc/sys."""

import logging
import subprocess
from pathlib import Path

_ROOT = Path("/proc/sys")
_log = logging.getLogger(__name__)


class SysctlMissing(OSError):
    """The kernel lacks a switch, or forbids to set it."""


def enable_forwarding() -> None:
    """Packets pass between interfaces, and between ports of one bridge through nftables.

    Without the second, the answer of a pod to a pod on its own bridge skips the address
    translation of the Service it was called by.
    """
    write("net/ipv4/ip_forward", "1")
    if not (_ROOT / "net/bridge").exists():
        subprocess.run(["modprobe", "br_netfilter"], check=False, capture_output=True, timeout=10)
    if not (_ROOT / "net/bridge").exists():
        raise SysctlMissing(
            "the kernel module br_netfilter is not loaded and could not be: Services would not "
            "work between pods; run `modprobe br_netfilter`, or build it into the kernel"
        )
    write("net/bridge/bridge-nf-call-iptables", "1")


def allow_loopback_node_ports(device: str) -> None:
    """Answers to a NodePort that was called on 127.0.0.1 come back by `device`."""
    write(f"net/ipv4/conf/{device}/route_localnet", "1")


def write(name: str, value: str) -> None:
    """Sets a switch, without a write when it is set already; raises SysctlMissing."""
    path = _ROOT / name
    try:
        if path.read_text().strip() == value:
            return
        path.write_text(value)
    except OSError as error:
        key = name.replace("/", ".")
        raise SysctlMissing(
            f"cannot set {key}={value}: {error.strerror}; the daemon needs root, and {key} "
            "must not be locked by a container's read-only /proc/sys"
        ) from error
    _log.info("sysctl set name=%s value=%s", name, value)
