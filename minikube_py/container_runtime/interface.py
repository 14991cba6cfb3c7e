"""What the kubelet asks of a container runtime. Two implementations pass tests/contract: Docker
and the simulated one.

The runtime knows pods only as labels on containers. It decides nothing: no restart, no back-off,
no order.
Times are aware UTC datetimes, sizes bytes, durations seconds. Every call may raise RuntimeFailure.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from minikube_py.container_runtime.usage import Stats

ContainerState = Literal["created", "running", "paused", "exited"]


class RuntimeFailure(Exception):
    """The runtime could not do it; the message is fit for an Event."""


class RuntimeUnavailable(RuntimeFailure):
    """The engine does not answer; the same call may work later."""


class NoSuchContainer(RuntimeFailure):
    """Gone, perhaps removed by hand."""


class ImageNotFound(RuntimeFailure):
    """Not on this host, or (from pull) not in its registry."""


class StartFailed(RuntimeFailure):
    """Created, but its process could not run (no such executable, bad mount, …)."""


@dataclass(frozen=True)
class PodIdentity:
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True)
class SandboxSpec:
    """Holds the pod's network namespace (and, where shared, IPC and PID). `attempt` counts
    sandboxes of one pod.
    """

    pod: PodIdentity
    hostname: str
    attempt: int = 0
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_pid: bool = False
    sysctls: Mapping[str, str] = field(default_factory=dict)
    runtime: str = ""
    """Which of the engine's runtimes; "" = its default."""


@dataclass(frozen=True)
class Sandbox:
    """`pid` is a process inside the sandbox's network namespace, 0 when it does not run."""

    id: str
    pod: PodIdentity
    attempt: int
    running: bool
    pid: int
    created_at: datetime
    host_network: bool = False


@dataclass(frozen=True)
class Mount:
    """`source` is an absolute host path, or a volume's name when `is_volume`."""

    source: str
    target: str
    read_only: bool = False
    propagation: Literal["rprivate", "rslave", "rshared"] = "rprivate"
    is_volume: bool = False


@dataclass(frozen=True)
class Resources:
    """0 means unlimited. `cpu_shares` and `cpu_quota_us` (per 100 ms) are cgroup v1's words;
    Docker maps them for v2.
    """

    cpu_shares: int = 0
    cpu_quota_us: int = 0
    memory_bytes: int = 0
    memory_reservation_bytes: int = 0
    oom_score_adj: int = 0


@dataclass(frozen=True)
class Security:
    user: str = ""
    """`uid[:gid]` or a name; "" is the image's own."""
    groups: Sequence[str] = ()
    privileged: bool = False
    read_only_root: bool = False
    add_capabilities: Sequence[str] = ()
    drop_capabilities: Sequence[str] = ()
    no_new_privileges: bool = False
    seccomp: str = ""
    """"" is the engine's default, `unconfined`, or a profile's JSON."""
    apparmor: str = ""


@dataclass(frozen=True)
class ContainerSpec:
    """One container to create in `sandbox_id`'s namespaces.

    `command` replaces the image's entrypoint, `args` its command; None keeps the image's own.
    `attempt` counts the creations of this container in its pod; `spec_hash` finds containers made
    from an old spec.
    `annotations` become labels, kept as they are: what kubelet must know again after a restart.
    """

    pod: PodIdentity
    sandbox_id: str
    name: str
    image: str
    attempt: int
    hostname: str
    command: Sequence[str] | None = None
    args: Sequence[str] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    mounts: Sequence[Mount] = ()
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    """Target path → mount options, e.g. `/cache` → `size=64m,mode=1777`."""
    devices: Sequence[str] = ()
    tty: bool = False
    stdin: bool = False
    stdin_once: bool = False
    stop_signal: str = ""
    resources: Resources = Resources()
    security: Security = Security()
    runtime_class: str = ""
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_pid: bool = False
    pid_of: str = ""
    """Container whose processes this one shares, unless all of the pod's or the host's are."""
    cgroup_parent: str = ""
    """The control group, or systemd's slice, that its own is made in; "" = the engine's choice."""
    spec_hash: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ObservedContainer:
    """A container as it stands. `exit_code`, `finished_at` are meaningful once it has exited."""

    id: str
    pod: PodIdentity
    sandbox_id: str
    name: str
    image: str
    image_id: str
    attempt: int
    state: ContainerState
    created_at: datetime
    pid: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    spec_hash: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    resources: Resources | None = None
    """What it may use now, its OOM score left out; None where the runtime does not say."""
    writable_dir: str = ""
    """On the host: what it wrote over its image; "" where the runtime does not say."""
    log_path: str = ""
    """On the host; the rotated ones lie beside it, as `<path>.1` and so on."""


@dataclass(frozen=True)
class ObservedPod:
    """All that the runtime has of one pod, sandboxes and containers newest first."""

    pod: PodIdentity
    sandboxes: Sequence[Sandbox] = ()
    containers: Sequence[ObservedContainer] = ()


@dataclass(frozen=True)
class RuntimeEvent:
    """Something happened to a container of this cluster: a hint to look, not a state. `pod_uid` ""
    = look at all.
    """

    pod_uid: str
    container_id: str
    action: str


@dataclass(frozen=True)
class ImageInfo:
    """`id` is `sha256:…`; `digests` are `name@sha256:…` where the image has any."""

    id: str
    tags: Sequence[str] = ()
    digests: Sequence[str] = ()
    size_bytes: int = 0
    user: str = ""
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    volumes: Sequence[str] = ()


@dataclass(frozen=True)
class LogOptions:
    """`tail` None = all; `since` and `until` bound by time; `timestamps` prefixes each line with
    RFC 3339 nano.
    """

    follow: bool = False
    tail: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    timestamps: bool = False


LogStream = Literal["stdout", "stderr"]


@dataclass(frozen=True)
class RuntimeInfo:
    name: str
    version: str
    api_version: str
    cgroup_version: int
    cgroup_driver: str
    kernel: str
    operating_system: str
    architecture: str
    cpus: int
    memory_bytes: int
    root_dir: str


class ExecSession(Protocol):
    """A process started in a container, or its main process attached to."""

    async def read(self) -> tuple[LogStream, bytes] | None:
        """The next output, None at the end. With a tty everything is stdout."""
        ...

    async def write(self, data: bytes) -> None: ...

    async def close_stdin(self) -> None: ...

    async def resize(self, width: int, height: int) -> None: ...

    async def exit_code(self) -> int:
        """Waits for the end."""
        ...

    async def close(self) -> None: ...


class ContainerRuntime(Protocol):
    async def info(self) -> RuntimeInfo: ...

    async def ping(self) -> None:
        """Raises RuntimeUnavailable with what to do about it."""
        ...

    # -- sandboxes -----------------------------------------------------------------------------

    async def run_sandbox(self, spec: SandboxSpec) -> Sandbox:
        """A running sandbox for the pod, from the warm pool when one fits."""
        ...

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Kills and removes; a missing one is success."""
        ...

    # -- containers ----------------------------------------------------------------------------

    async def create_container(self, spec: ContainerSpec) -> str:
        """The new container's id. Raises ImageNotFound."""
        ...

    async def start_container(self, container_id: str) -> None:
        """Raises StartFailed, NoSuchContainer."""
        ...

    async def stop_container(
        self, container_id: str, *, grace_seconds: float, signal: str = ""
    ) -> None:
        """Signal, wait up to the grace, kill, until it has exited; a missing one is success."""
        ...

    async def remove_container(self, container_id: str) -> None:
        """Kills and removes; a missing one is success."""
        ...

    async def unpause_container(self, container_id: str) -> None: ...

    async def update_resources(self, container_id: str, resources: Resources) -> None: ...

    # -- looking -------------------------------------------------------------------------------

    async def list_pods(self) -> Sequence[ObservedPod]:
        """Everything of this cluster, warm pool left out."""
        ...

    async def observe_pod(self, pod_uid: str) -> ObservedPod | None: ...

    def events(self) -> AsyncIterator[RuntimeEvent]:
        """Endless; reconnects by itself and then yields an event with pod_uid ""."""
        ...

    def logs(
        self, container_id: str, options: LogOptions
    ) -> AsyncIterator[tuple[LogStream, bytes]]:
        """Whole lines, each with its newline but for a last one that was left without. Raises
        NoSuchContainer at the first step.
        """
        ...

    async def stats(self) -> Sequence[Stats]: ...

    # -- streams -------------------------------------------------------------------------------

    async def exec(
        self, container_id: str, command: Sequence[str], *, stdin: bool = False, tty: bool = False
    ) -> ExecSession: ...

    async def attach(self, container_id: str, *, stdin: bool, tty: bool) -> ExecSession: ...

    async def exec_sync(
        self, container_id: str, command: Sequence[str], *, timeout_seconds: float
    ) -> tuple[int, bytes]:
        """Exit code and combined output (first 10 KiB). Raises TimeoutError."""
        ...

    async def read_file(self, container_id: str, path: str, *, limit_bytes: int) -> bytes:
        """A file of the container's file system, also of an exited one; b"" when missing."""
        ...

    # -- images --------------------------------------------------------------------------------

    async def image(self, reference: str) -> ImageInfo | None: ...

    async def images(self) -> Sequence[ImageInfo]: ...

    async def pull_image(self, reference: str, *, auth: Mapping[str, str] | None = None) -> None:
        """Raises ImageNotFound or RuntimeFailure with the registry's own words."""
        ...

    def image_files(self, image_id: str) -> AsyncGenerator[bytes, None]:
        """The image's root file system as a tar in pieces, perhaps with empty files that the engine
        adds (/etc/hosts, …). Raises ImageNotFound at the first step; the caller closes it.
        """
        ...

    # -- volumes -------------------------------------------------------------------------------

    async def create_volume(self, name: str, labels: Mapping[str, str]) -> str:
        """The directory on the host behind the volume; creating it twice is success."""
        ...

    async def remove_volume(self, name: str) -> None: ...

    # -- the cluster ---------------------------------------------------------------------------

    async def ensure_network(
        self, name: str, *, bridge: str, subnet: str, gateway: str, engine_range: str
    ) -> None:
        """A bridge network whose addresses the engine itself takes only from `engine_range`."""
        ...

    async def remove_everything(self, *, volumes: bool, keep_ended: bool = False) -> None:
        """Containers, warm pool, network, and volumes if told, of this cluster and no other.
        `keep_ended` leaves containers of pods that do not run, for their logs.
        """
        ...

    async def run(self) -> None:
        """Background work (the warm pool); ends by cancellation."""
        ...

    async def close(self) -> None: ...
