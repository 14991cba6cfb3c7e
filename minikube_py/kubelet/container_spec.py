"""Kubernetes' words for one container turned into the runtime's. Pure; refuses by field name what
can't be had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minikube_py.container_runtime.interface import (
    ContainerSpec,
    ImageInfo,
    Mount,
    SandboxSpec,
)
from minikube_py.kubelet.admission import sysctls_of
from minikube_py.kubelet.container_resources import HostFacts, container_resources
from minikube_py.kubelet.expansion import expand, expand_all
from minikube_py.kubelet.podspec import Member, identity, inner_hostname, uses_host_network
from minikube_py.kubelet.security import SpecProblem, security
from minikube_py.meta.objects import Object, get_path

__all__ = ["HostFacts", "SpecProblem", "Surroundings", "container_resources", "container_spec"]

_LONGEST_HOSTNAME = 64


@dataclass(frozen=True)
class Surroundings:
    """All that goes into a container besides its spec."""

    sandbox_id: str
    attempt: int
    image: ImageInfo
    variables: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    target_id: str = ""
    """The container whose processes an ephemeral one wants to see."""
    seccomp: str = ""
    """The text of the profile that `security.seccomp_file` names."""
    runtime: str = ""
    """Which of the engine's runtimes the pod's RuntimeClass names as its handler."""
    cgroup_parent: str = ""
    """The group of all the pod's containers, where it has one."""


def sandbox_spec(
    pod: Object, attempt: int, *, domain: str = "cluster.local", runtime: str = ""
) -> SandboxSpec:
    """`runtime` as in Surroundings. Raises SpecProblem."""
    spec = pod.get("spec") or {}
    if spec.get("hostUsers") is False:
        raise SpecProblem("spec.hostUsers: false is not supported")
    return SandboxSpec(
        pod=identity(pod),
        hostname=_hostname(pod, domain),
        attempt=attempt,
        host_network=uses_host_network(pod),
        host_pid=bool(spec.get("hostPID")),
        host_ipc=bool(spec.get("hostIPC")),
        share_pid=bool(spec.get("shareProcessNamespace")),
        sysctls=sysctls_of(pod),
        runtime=runtime,
    )


def _hostname(pod: Object, domain: str) -> str:
    name = inner_hostname(pod, domain)
    if len(name) > _LONGEST_HOSTNAME:
        raise SpecProblem(
            f"Failed to construct FQDN from Pod hostname and cluster domain, FQDN {name} is too "
            f"long ({_LONGEST_HOSTNAME} characters is the max, {len(name)} characters requested)"
        )
    return name


def container_spec(
    pod: Object, member: Member, around: Surroundings, host: HostFacts
) -> ContainerSpec:
    """Raises SpecProblem for what is not supported or breaks runAsNonRoot."""
    _refuse_unsupported(member.container)
    spec, container = pod.get("spec") or {}, member.container
    return ContainerSpec(
        pod=identity(pod),
        sandbox_id=around.sandbox_id,
        name=member.name,
        image=container["image"],
        attempt=around.attempt,
        hostname=_hostname(pod, host.cluster_domain),
        command=expand_all(container.get("command"), around.variables),
        args=expand_all(container.get("args"), around.variables),
        env=_own_name(pod, host) | dict(around.variables),
        working_dir=expand(container.get("workingDir") or "", around.variables),
        mounts=around.mounts,
        tty=bool(container.get("tty")),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        stop_signal=str(get_path(container, "lifecycle", "stopSignal", default="")),
        resources=container_resources(pod, container, host),
        security=security(
            pod, container, around.image, seccomp=around.seccomp, apparmor=host.apparmor
        ),
        runtime_class=around.runtime,
        host_network=uses_host_network(pod),
        host_pid=bool(spec.get("hostPID")),
        host_ipc=bool(spec.get("hostIPC")),
        share_pid=bool(spec.get("shareProcessNamespace")),
        pid_of=around.target_id,
        cgroup_parent=around.cgroup_parent,
        spec_hash=member.hash,
        annotations=around.annotations,
    )


def _own_name(pod: Object, host: HostFacts) -> dict[str, str]:
    """HOSTNAME as the runtime's shim sets it: the pod's, not the engine's name for the sandbox."""
    if uses_host_network(pod):
        return {}
    return {"HOSTNAME": inner_hostname(pod, host.cluster_domain)}


def _refuse_unsupported(container: Mapping[str, Any]) -> None:
    name = container["name"]
    if container.get("volumeDevices"):
        raise SpecProblem(f"containers[{name}].volumeDevices is not supported: no block volumes")
    if get_path(container, "resources", "claims"):
        raise SpecProblem(f"containers[{name}].resources.claims is not supported")
