"""Files of a pod that mk itself keeps: /etc/hosts, /etc/hostname, /etc/resolv.conf and termination
messages. Written in the pod's directory and mounted into its containers.
"""

import platform
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from minikube_py.container_runtime.interface import (
    LogOptions,
    Mount,
    ObservedContainer,
    RuntimeFailure,
)
from minikube_py.kubelet.facts import exit_code
from minikube_py.kubelet.pod_files import etc_hostname, etc_hosts, resolver
from minikube_py.kubelet.podspec import Member
from minikube_py.kubelet.tools import Tools
from minikube_py.meta.objects import Object, uid_of

_MANAGED = {
    "/etc/hosts": "etc-hosts",
    "/etc/hostname": "hostname",
    "/etc/resolv.conf": "resolv.conf",
}
_MESSAGE_BYTES = 4096
_KEPT_MESSAGES = 3  # as many attempts of a container as are kept, and the new one
_LOG_LINES = 80
_LOG_BYTES = 2048
_HOST_HOSTS = Path("/etc/hosts")
_HOST_RESOLV = Path("/etc/resolv.conf")
_HOST_FILE_BYTES = 65536


class OwnFiles:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def write(self, pod: Object, pod_ip: str) -> None:
        """Raises FileProblem."""
        settings, files = self._tools.settings, self._tools.files
        directory = self._tools.pod_dir(uid_of(pod))
        host_hosts = files.read(_HOST_HOSTS, _HOST_FILE_BYTES).decode(errors="replace")
        host_resolv = files.read(_HOST_RESOLV, _HOST_FILE_BYTES).decode(errors="replace")
        files.write(
            directory / "etc-hosts", etc_hosts(pod, pod_ip, settings.cluster_domain, host_hosts)
        )
        name = etc_hostname(pod, settings.cluster_domain, platform.node())
        files.write(directory / "hostname", name)
        found = resolver(
            pod,
            cluster_dns=settings.cluster_dns,
            cluster_domain=settings.cluster_domain,
            host_file=host_resolv,
        )
        files.write(directory / "resolv.conf", found.text())
        for message in found.omitted if pod_ip else ():
            self._tools.recorder.record(pod, "Warning", "DNSConfigForming", message)

    def mounts(self, pod: Object, member: Member, attempt: int) -> tuple[Mount, ...]:
        """Those the container does not mount itself."""
        taken = {m.get("mountPath") for m in member.container.get("volumeMounts") or []}
        directory = self._tools.pod_dir(uid_of(pod))
        found = [
            Mount(str(directory / name), target)
            for target, name in _MANAGED.items()
            if target not in taken
        ]
        target = member.container.get("terminationMessagePath") or "/dev/termination-log"
        if target not in taken:
            path = self._message_path(uid_of(pod), member.name, attempt)
            self._tools.files.write(path, b"", 0o666)
            with suppress(OSError):
                self._message_path(uid_of(pod), member.name, attempt - _KEPT_MESSAGES).unlink()
            found.append(Mount(str(path), target))
        return tuple(found)

    async def message(self, member: Member, container: ObservedContainer) -> str:
        """What the container left to say, "" when nothing; from its log where asked for."""
        path = self._message_path(container.pod.uid, container.name, container.attempt)
        data = self._tools.files.read(path, _MESSAGE_BYTES)
        policy = member.container.get("terminationMessagePolicy") or "File"
        if not data and policy == "FallbackToLogsOnError" and exit_code(container) != 0:
            data = await self._log_end(container.id)
        return data.decode(errors="replace")

    async def _log_end(self, container_id: str) -> bytes:
        lines: AsyncIterator[tuple[str, bytes]] = self._tools.runtime.logs(
            container_id, LogOptions(tail=_LOG_LINES)
        )
        try:
            return b"".join([line async for _, line in lines])[-_LOG_BYTES:]
        except RuntimeFailure:
            return b""

    def _message_path(self, uid: str, name: str, attempt: int) -> Path:
        return self._tools.pod_dir(uid) / "containers" / name / f"{attempt}.message"
