"""What the Engine API says about containers, images and itself, in the kubelet's words. Pure;
`translate` is the way there.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from minikube_py.container_runtime import labels, writable_layers
from minikube_py.container_runtime.interface import (
    ContainerState,
    ImageInfo,
    ObservedContainer,
    ObservedPod,
    PodIdentity,
    Resources,
    RuntimeInfo,
    Sandbox,
)
from minikube_py.container_runtime.names import ContainerName, parse_name
from minikube_py.meta.timestamps import parse_time

_STATES: dict[str, ContainerState] = {
    "created": "created",
    "running": "running",
    "restarting": "running",
    "paused": "paused",
    "removing": "exited",
    "exited": "exited",
    "dead": "exited",
}


def listed_name(entry: Mapping[str, Any]) -> ContainerName | None:
    """Of an entry of GET /containers/json; None for the warm pool and for what isn't mk's."""
    for name in entry.get("Names") or ():
        if (parsed := parse_name(name)) is not None:
            return parsed
    return None


def sandbox_from(name: ContainerName, inspected: Mapping[str, Any]) -> Sandbox:
    state = inspected["State"]
    return Sandbox(
        id=inspected["Id"],
        pod=name.pod,
        attempt=name.attempt,
        running=bool(state["Running"]),
        pid=int(state["Pid"]),
        created_at=parse_time(inspected["Created"]),
        # In the host's network by the engine's lights are also those that leave it by themselves.
        host_network=inspected["HostConfig"]["UTSMode"] == "host",
    )


def container_from(name: ContainerName, inspected: Mapping[str, Any]) -> ObservedContainer:
    state, config = inspected["State"], inspected["Config"]
    own = config.get("Labels") or {}
    prefix = labels.ANNOTATION_PREFIX
    return ObservedContainer(
        id=inspected["Id"],
        pod=name.pod,
        sandbox_id=own.get(labels.SANDBOX_ID, ""),
        name=name.container,
        image=config["Image"],
        image_id=inspected["Image"],
        attempt=name.attempt,
        state=_STATES[state["Status"]],
        created_at=parse_time(inspected["Created"]),
        pid=int(state["Pid"]),
        started_at=moment(state["StartedAt"]),
        finished_at=moment(state["FinishedAt"]),
        exit_code=int(state["ExitCode"]),
        oom_killed=bool(state["OOMKilled"]),
        error=state["Error"],
        spec_hash=own.get(labels.SPEC_HASH, ""),
        annotations={k.removeprefix(prefix): v for k, v in own.items() if k.startswith(prefix)},
        resources=_resources_from(inspected["HostConfig"]),
        writable_dir=writable_layers.of_inspected(inspected),
        log_path=inspected.get("LogPath") or "",
    )


def _resources_from(host_config: Mapping[str, Any]) -> Resources:
    """-1 is the engine's other word for no limit."""

    def amount(name: str) -> int:
        return max(0, int(host_config.get(name) or 0))

    return Resources(
        cpu_shares=amount("CpuShares"),
        cpu_quota_us=amount("CpuQuota"),
        memory_bytes=amount("Memory"),
        memory_reservation_bytes=amount("MemoryReservation"),
    )


def pods_from(found: Sequence[Sandbox | ObservedContainer]) -> list[ObservedPod]:
    """Grouped, each newest first."""
    pods: dict[PodIdentity, tuple[list[Sandbox], list[ObservedContainer]]] = {}
    for item in sorted(found, key=lambda item: (item.created_at, item.attempt), reverse=True):
        sandboxes, containers = pods.setdefault(item.pod, ([], []))
        if isinstance(item, Sandbox):
            sandboxes.append(item)
        else:
            containers.append(item)
    return [ObservedPod(pod, tuple(s), tuple(c)) for pod, (s, c) in pods.items()]


def image_from(inspected: Mapping[str, Any]) -> ImageInfo:
    """From GET /images/{name}/json, or an entry of /images/json (which has no config)."""
    config = inspected.get("Config") or {}
    none = "<none>"
    return ImageInfo(
        id=inspected["Id"],
        tags=tuple(tag for tag in inspected.get("RepoTags") or () if none not in tag),
        digests=tuple(one for one in inspected.get("RepoDigests") or () if none not in one),
        size_bytes=int(inspected.get("Size") or 0),
        user=config.get("User") or "",
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        volumes=tuple(config.get("Volumes") or {}),
    )


def info_from(info: Mapping[str, Any], api_version: str) -> RuntimeInfo:
    """From GET /info."""
    return RuntimeInfo(
        name="docker",
        version=info["ServerVersion"],
        api_version=api_version,
        cgroup_version=int(info.get("CgroupVersion") or 1),
        cgroup_driver=info["CgroupDriver"],
        kernel=info["KernelVersion"],
        operating_system=info["OperatingSystem"],
        architecture=info["Architecture"],
        cpus=int(info["NCPU"]),
        memory_bytes=int(info["MemTotal"]),
        root_dir=info["DockerRootDir"],
    )


def moment(text: str) -> datetime | None:
    """None for Go's zero time, "not yet"."""
    return None if text.startswith("0001-") else parse_time(text)


def engine_time(at: datetime) -> str:
    """Seconds and nanoseconds as the log and event queries take them."""
    at = at.astimezone(UTC)
    return f"{int(at.timestamp())}.{at.microsecond:06d}000"


def parse_answer(body: bytes) -> Any:
    """The JSON of an answer that may be empty."""
    return json.loads(body) if body.strip() else {}
