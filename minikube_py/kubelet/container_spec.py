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
    Resources,
    SandboxSpec,
    Security,
)
from minikube_py.kubelet.expansion import expand, expand_all
from minikube_py.kubelet.podspec import (
    Member,
    hostname_of,
    identity,
    qos_class,
    uses_host_network,
)
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import parse_quantity, to_bytes, to_milli

_MIN_SHARES = 2
_MIN_QUOTA_US = 1000
_PERIOD_US = 100_000
_MAX_SCORE = 1000


class SpecProblem(Exception):
    """The container can't be created as written; the message names the field."""


@dataclass(frozen=True)
class HostFacts:
    """`may_lower_oom_score`: the engine has CAP_SYS_RESOURCE, else scores below 0 can't be set."""

    memory_bytes: int
    may_lower_oom_score: bool = True


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
    runtime: str = ""
    """Which of the engine's runtimes the pod's RuntimeClass names as its handler."""


def sandbox_spec(pod: Object, attempt: int) -> SandboxSpec:
    spec = pod.get("spec") or {}
    if spec.get("hostUsers") is False:
        raise SpecProblem("spec.hostUsers: false is not supported")
    sysctls = get_path(spec, "securityContext", "sysctls", default=[])
    return SandboxSpec(
        pod=identity(pod),
        hostname=hostname_of(pod),
        attempt=attempt,
        host_network=uses_host_network(pod),
        host_pid=bool(spec.get("hostPID")),
        host_ipc=bool(spec.get("hostIPC")),
        share_pid=bool(spec.get("shareProcessNamespace")),
        sysctls={entry["name"]: str(entry["value"]) for entry in sysctls},
    )


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
        hostname=hostname_of(pod),
        command=expand_all(container.get("command"), around.variables),
        args=expand_all(container.get("args"), around.variables),
        env=_own_name(pod) | dict(around.variables),
        working_dir=expand(container.get("workingDir") or "", around.variables),
        mounts=around.mounts,
        tty=bool(container.get("tty")),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        stop_signal=str(get_path(container, "lifecycle", "stopSignal", default="")),
        resources=container_resources(pod, container, host),
        security=_security(pod, container, around.image),
        runtime_class=around.runtime,
        host_network=uses_host_network(pod),
        host_pid=bool(spec.get("hostPID")),
        host_ipc=bool(spec.get("hostIPC")),
        share_pid=bool(spec.get("shareProcessNamespace")),
        pid_of=around.target_id,
        spec_hash=member.hash,
        annotations=around.annotations,
    )


def _own_name(pod: Object) -> dict[str, str]:
    """HOSTNAME as the runtime's shim sets it: the pod's, not the engine's name for the sandbox."""
    return {} if uses_host_network(pod) else {"HOSTNAME": hostname_of(pod)}


def container_resources(pod: Object, container: Mapping[str, Any], host: HostFacts) -> Resources:
    """cgroup values as kubelet computes them (`MilliCPUToShares`, `GetContainerOOMScoreAdjust`)."""
    requests = get_path(container, "resources", "requests", default={})
    limits = get_path(container, "resources", "limits", default={})
    cpu_limit = to_milli(parse_quantity(limits.get("cpu") or "0"))
    cpu = to_milli(parse_quantity(requests.get("cpu") or "0")) or cpu_limit
    memory_limit = to_bytes(parse_quantity(limits.get("memory") or "0"))
    memory = to_bytes(parse_quantity(requests.get("memory") or "0")) or memory_limit
    quota = max(_MIN_QUOTA_US, cpu_limit * _PERIOD_US // 1000) if cpu_limit else 0
    score = _oom_score(qos_class(pod), memory, host.memory_bytes)
    return Resources(
        cpu_shares=max(_MIN_SHARES, cpu * 1024 // 1000),
        cpu_quota_us=quota,
        memory_bytes=memory_limit,
        oom_score_adj=score if host.may_lower_oom_score else max(0, score),
    )


def _oom_score(qos: str, memory_request: int, capacity: int) -> int:
    if qos == "Guaranteed":
        return -997
    if qos == "BestEffort":
        return _MAX_SCORE
    score = _MAX_SCORE - _MAX_SCORE * memory_request // max(capacity, 1)
    return min(max(2, score), _MAX_SCORE - 1)


def _refuse_unsupported(container: Mapping[str, Any]) -> None:
    name = container["name"]
    if container.get("volumeDevices"):
        raise SpecProblem(f"containers[{name}].volumeDevices is not supported: no block volumes")
    if get_path(container, "resources", "claims"):
        raise SpecProblem(f"containers[{name}].resources.claims is not supported")
    if get_path(container, "securityContext", "procMount", default="Default") != "Default":
        raise SpecProblem(f"containers[{name}].securityContext.procMount is not supported")


# -- security ------------------------------------------------------------------------------------


def _security(pod: Object, container: Mapping[str, Any], image: ImageInfo) -> Security:
    of_pod = get_path(pod, "spec", "securityContext", default={})
    own = container.get("securityContext") or {}

    def effective(name: str) -> Any:
        return own[name] if own.get(name) is not None else of_pod.get(name)

    user, group = effective("runAsUser"), effective("runAsGroup")
    if effective("runAsNonRoot"):
        _verify_non_root(user, image)
    groups = [str(g) for g in of_pod.get("supplementalGroups") or []]
    if of_pod.get("fsGroup") is not None:
        groups.append(str(of_pod["fsGroup"]))
    capabilities = own.get("capabilities") or {}
    return Security(
        user=_user(user, group, image),
        groups=tuple(dict.fromkeys(groups)),
        privileged=bool(own.get("privileged")),
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        add_capabilities=tuple(capabilities.get("add") or ()),
        drop_capabilities=tuple(capabilities.get("drop") or ()),
        no_new_privileges=own.get("allowPrivilegeEscalation") is False,
        seccomp=_seccomp(effective("seccompProfile")),
        apparmor=_apparmor(effective("appArmorProfile")),
    )


def _user(user: int | None, group: int | None, image: ImageInfo) -> str:
    if user is None and group is None:
        return ""
    name = str(user) if user is not None else (image.user.partition(":")[0] or "0")
    return name if group is None else f"{name}:{group}"


def _verify_non_root(user: int | None, image: ImageInfo) -> None:
    if user is not None:
        if user == 0:
            raise SpecProblem("container's runAsUser breaks non-root policy")
        return
    name = image.user.partition(":")[0]
    if name in ("", "0", "root"):
        raise SpecProblem(
            "container has runAsNonRoot and image will run as root; set runAsUser to another user"
        )
    if not name.isdigit():
        raise SpecProblem(
            f"container has runAsNonRoot and image has non-numeric user ({name}), cannot verify "
            "user is non-root; set runAsUser"
        )


def _seccomp(profile: Mapping[str, Any] | None) -> str:
    type_ = (profile or {}).get("type", "RuntimeDefault")
    if type_ == "Localhost":
        raise SpecProblem("securityContext.seccompProfile.type Localhost is not supported")
    return "unconfined" if type_ == "Unconfined" else ""


def _apparmor(profile: Mapping[str, Any] | None) -> str:
    type_ = (profile or {}).get("type", "RuntimeDefault")
    if type_ == "Localhost":
        return str((profile or {}).get("localhostProfile", ""))
    return "unconfined" if type_ == "Unconfined" else ""
