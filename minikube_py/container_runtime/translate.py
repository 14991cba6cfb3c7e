"""What the kubelet asks, in the Engine API's words (POST /containers/create and /networks/create).
`observe` is the way back.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from minikube_py.container_runtime import labels, sandbox_image
from minikube_py.container_runtime.interface import (
    ContainerSpec,
    Mount,
    PodIdentity,
    Resources,
    SandboxSpec,
    Security,
)
from minikube_py.container_runtime.sandbox_image import SandboxImage

_CAP_SYS_RESOURCE = 1 << 24
CPU_PERIOD_US = 100_000
# kubelet's containerLogMaxSize and containerLogMaxFiles
LOG_CONFIG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "5"}}
_SANDBOX_LOG_CONFIG = {"Type": "none", "Config": {}}
_SANDBOX_OOM_SCORE = -998  # kubelet's for pause: the pod's processes go first


def sandbox_payload(spec: SandboxSpec, image: SandboxImage, cluster: str) -> dict[str, Any]:
    """A sandbox made for one pod."""
    config = _sandbox_config(image, _pod_labels(spec.pod, cluster), spec.sysctls)
    host = config["HostConfig"]
    if spec.host_network:
        host |= {"NetworkMode": "host", "UTSMode": "host"}
    else:
        if image.unshares and not spec.sysctls:  # the engine sets them in what it makes
            _unshare(config)
        config["Hostname"] = spec.hostname
    if spec.host_pid:
        host["PidMode"] = "host"
    if spec.host_ipc:
        host["IpcMode"] = "host"
    if spec.runtime:
        host["Runtime"] = spec.runtime
    return config


def pool_payload(image: SandboxImage, cluster: str) -> dict[str, Any]:
    """A sandbox for whichever pod comes next."""
    config = _sandbox_config(image, {labels.CLUSTER: cluster, labels.POOL: "true"}, {})
    if image.unshares:
        _unshare(config)
    return config


def fits_pool(spec: SandboxSpec) -> bool:
    """Whether a sandbox made before its pod was known can serve it."""
    needs = (spec.host_network, spec.host_pid, spec.host_ipc, spec.sysctls, spec.runtime)
    return not any(needs)


def container_payload(spec: ContainerSpec, cluster: str, *, hostname: str = "") -> dict[str, Any]:
    """`hostname` is set for a container of a warm sandbox: its own label has to keep it."""
    config: dict[str, Any] = {
        "Image": spec.image,
        "Env": [f"{name}={value}" for name, value in spec.env.items()],
        "WorkingDir": spec.working_dir,
        "User": spec.security.user,
        "Tty": spec.tty,
        "OpenStdin": spec.stdin,
        "StdinOnce": spec.stdin_once,
        "Healthcheck": {"Test": ["NONE"]},  # probes are the kubelet's
        "Labels": _container_labels(spec, cluster, hostname),
        "HostConfig": _host_config(spec),
    }
    if spec.command is not None:
        config["Entrypoint"] = list(spec.command)
    if spec.args is not None:
        config["Cmd"] = list(spec.args)
    if spec.stop_signal:
        config["StopSignal"] = spec.stop_signal
    return config


def resources_payload(resources: Resources) -> dict[str, Any]:
    """HostConfig's part, and the whole body of POST /containers/{id}/update."""
    payload: dict[str, Any] = {
        "CpuShares": resources.cpu_shares,
        "CpuPeriod": CPU_PERIOD_US if resources.cpu_quota_us else 0,
        "CpuQuota": resources.cpu_quota_us,
        "Memory": resources.memory_bytes,
        "MemoryReservation": resources.memory_reservation_bytes,
    }
    if resources.memory_bytes:
        payload["MemorySwap"] = resources.memory_bytes  # the sum of both: no swap, as Kubernetes
    return payload


def network_payload(
    cluster: str, *, bridge: str, subnet: str, gateway: str, engine_range: str
) -> dict[str, Any]:
    """Without its name."""
    pool = {"Subnet": subnet, "Gateway": gateway, "IPRange": engine_range}
    return {
        "driver": "bridge",
        "check_duplicate": True,
        "labels": {labels.CLUSTER: cluster},
        "ipam": {"Driver": "default", "Config": [pool]},
        "options": {
            "com.docker.network.bridge.name": bridge,
            "com.docker.network.bridge.enable_icc": "true",
            "com.docker.network.bridge.enable_ip_masquerade": "true",
        },
    }


def network_difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """What an existing network has otherwise, "" when it is the one that is wanted."""
    pools = found.get("IPAM", {}).get("Config") or [{}]
    have = {key: pools[0].get(key, "") for key in ("Subnet", "Gateway", "IPRange")}
    want = wanted["ipam"]["Config"][0]
    name = "com.docker.network.bridge.name"
    have["bridge"] = found.get("Options", {}).get(name, "")
    want = {**want, "bridge": wanted["options"][name]}
    pairs = [f"{key} is {have[key]!r}, not {want[key]!r}" for key in have if have[key] != want[key]]
    return ", ".join(pairs)


def _sandbox_config(
    image: SandboxImage, own_labels: Mapping[str, str], sysctls: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "Image": image.tag,
        "Entrypoint": [sandbox_image.PROGRAM],
        "Labels": {labels.TYPE: labels.TYPE_SANDBOX, **own_labels},
        "HostConfig": {
            "NetworkMode": "none",
            "IpcMode": "shareable",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "OomScoreAdj": _oom_score(_SANDBOX_OOM_SCORE),
            "LogConfig": _SANDBOX_LOG_CONFIG,
            "Sysctls": dict(sysctls),
        },
    }


def _unshare(config: dict[str, Any]) -> None:
    """Its program makes the network namespace, for which it needs one right, and gives that away.
    No filter of system calls: it makes none but its own few, and nothing can be run in there.
    """
    config["Cmd"] = [sandbox_image.UNSHARE]
    config["HostConfig"] |= {
        "NetworkMode": "host",
        "CapAdd": ["SYS_ADMIN"],
        "SecurityOpt": ["no-new-privileges", "seccomp=unconfined"],
    }


def _host_config(spec: ContainerSpec) -> dict[str, Any]:
    sandbox = f"container:{spec.sandbox_id}"
    config: dict[str, Any] = {
        "NetworkMode": sandbox,
        "IpcMode": "host" if spec.host_ipc else sandbox,
        "PidMode": _pid_mode(spec),
        "UTSMode": "host" if spec.host_network else "",
        "Mounts": [_mount(mount) for mount in spec.mounts],
        "Tmpfs": dict(spec.tmpfs),
        "Devices": [_device(device) for device in spec.devices],
        "OomScoreAdj": _oom_score(spec.resources.oom_score_adj),
        "LogConfig": LOG_CONFIG,
        **resources_payload(spec.resources),
        **_security(spec.security),
    }
    if spec.runtime_class:
        config["Runtime"] = spec.runtime_class
    if spec.cgroup_parent:
        config["CgroupParent"] = spec.cgroup_parent
    return config


def _pid_mode(spec: ContainerSpec) -> str:
    if spec.host_pid:
        return "host"
    if spec.share_pid:
        return f"container:{spec.sandbox_id}"
    return f"container:{spec.pid_of}" if spec.pid_of else ""


def _oom_score(wanted: int) -> int:
    """Without CAP_SYS_RESOURCE (a nested host) runc cannot lower a score and starts nothing."""
    return wanted if _may_lower_oom_score() else max(0, wanted)


@cache
def _may_lower_oom_score() -> bool:
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) & _CAP_SYS_RESOURCE)


def _security(security: Security) -> dict[str, Any]:
    options = [f"seccomp={security.seccomp}"] if security.seccomp else []
    options += [f"apparmor={security.apparmor}"] if security.apparmor else []
    options += ["no-new-privileges"] if security.no_new_privileges else []
    return {
        "Privileged": security.privileged,
        "ReadonlyRootfs": security.read_only_root,
        "CapAdd": list(security.add_capabilities),
        "CapDrop": list(security.drop_capabilities),
        "GroupAdd": list(security.groups),
        "SecurityOpt": options,
    }


def _mount(mount: Mount) -> dict[str, Any]:
    common = {"Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only}
    if mount.is_volume:
        # Kubernetes never copies the image's files into a volume.
        return {**common, "Type": "volume", "VolumeOptions": {"NoCopy": True}}
    # Unsaid, the engine takes rprivate; it refuses to be told so within its own folder, where its
    # volumes are, and takes rslave there.
    said = "" if mount.propagation == "rprivate" else mount.propagation
    return {**common, "Type": "bind", "BindOptions": {"Propagation": said}}


def _device(device: str) -> dict[str, str]:
    """`/dev/fuse` or `/dev/from:/dev/to:rwm`."""
    source, _, rest = device.partition(":")
    target, _, permissions = rest.partition(":")
    return {
        "PathOnHost": source,
        "PathInContainer": target or source,
        "CgroupPermissions": permissions or "rwm",
    }


def _pod_labels(pod: PodIdentity, cluster: str) -> dict[str, str]:
    return {
        labels.CLUSTER: cluster,
        labels.POD_NAME: pod.name,
        labels.POD_NAMESPACE: pod.namespace,
        labels.POD_UID: pod.uid,
    }


def _container_labels(spec: ContainerSpec, cluster: str, hostname: str) -> dict[str, str]:
    own = {
        **_pod_labels(spec.pod, cluster),
        labels.TYPE: labels.TYPE_CONTAINER,
        labels.CONTAINER_NAME: spec.name,
        labels.SANDBOX_ID: spec.sandbox_id,
        labels.SPEC_HASH: spec.spec_hash,
        labels.ATTEMPT: str(spec.attempt),
    }
    if hostname:
        own[labels.HOSTNAME] = hostname
    own |= {labels.ANNOTATION_PREFIX + key: value for key, value in spec.annotations.items()}
    return own


def registry_auth(auth: Mapping[str, str]) -> str:
    """The JSON behind the X-Registry-Auth header, from a dockerconfigjson entry's fields."""
    known = {"username", "password", "auth", "serveraddress", "identitytoken", "registrytoken"}
    return json.dumps({key: value for key, value in auth.items() if key in known})
