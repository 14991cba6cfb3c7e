"""What every step for a pod works with: made once by the agent, shared by all pod workers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from minikube_py.container_runtime.interface import ContainerRuntime
from minikube_py.control_loop.recorder import EventType, Recorder
from minikube_py.kubelet.cluster_reader import ClusterReader
from minikube_py.kubelet.container_spec import HostFacts
from minikube_py.kubelet.field_refs import PodPlace
from minikube_py.kubelet.host_files import HostFiles
from minikube_py.kubelet.images import Images
from minikube_py.kubelet.pod_groups import PodGroups
from minikube_py.kubelet.pod_network import PodNetwork
from minikube_py.kubelet.pod_tokens import PodTokens
from minikube_py.kubelet.podspec import Role, member
from minikube_py.kubelet.probe_actions import ProbeActions
from minikube_py.kubelet.projections import Projector
from minikube_py.kubelet.volumes import Volumes
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.resources import Resources

_FIELDS: Mapping[Role, str] = {
    "init": "initContainers",
    "sidecar": "initContainers",
    "main": "containers",
    "ephemeral": "ephemeralContainers",
}


@dataclass(frozen=True)
class LogicalNode:
    """`address` "" is the host's."""

    name: str
    pod_cidr: str
    address: str = ""
    zone: str = ""


@dataclass(frozen=True)
class KubeletSettings:
    """One kubelet serves `node_name` and `more_nodes`. `data_dir`: pods' files are under its
    `pods/<uid>`. `on_paper`: the runtime is simulated, its containers answer every network probe.
    """

    node_name: str
    cluster: Cluster
    data_dir: Path
    cluster_dns: str
    host_ip: str
    cluster_domain: str = "cluster.local"
    max_pods: int = 110
    pod_cidr: str = ""
    zone: str = ""
    more_nodes: tuple[LogicalNode, ...] = ()
    on_paper: bool = False
    unsafe_sysctls: tuple[str, ...] = ()
    static_pods_dir: Path | None = None
    """Where files of static pods are looked for, None = nowhere."""

    @property
    def pods_dir(self) -> Path:
        return self.data_dir / "pods"

    @property
    def nodes(self) -> tuple[LogicalNode, ...]:
        first = LogicalNode(self.node_name, self.pod_cidr, self.host_ip, self.zone)
        return (first, *self.more_nodes)

    def address_of(self, pod: Object) -> str:
        """The address of the node that the pod is on."""
        name = get_path(pod, "spec", "nodeName")
        return next((n.address for n in self.more_nodes if n.name == name), "") or self.host_ip


@dataclass(frozen=True)
class Tools:
    settings: KubeletSettings
    resources: Resources
    runtime: ContainerRuntime
    network: PodNetwork
    volumes: Volumes
    images: Images
    actions: ProbeActions
    files: HostFiles
    reader: ClusterReader
    recorder: Recorder
    clock: Clock
    host: HostFacts
    runtime_name: str
    allocatable: Mapping[str, str]
    tokens: PodTokens | None = None
    groups: PodGroups | None = None

    def place(self, pod: Object, pod_ip: str = "") -> PodPlace:
        return PodPlace(self.settings.address_of(pod), pod_ip, self.allocatable)

    def projector(self, pod: Object) -> Projector:
        token = self.tokens.token if self.tokens is not None else None
        return Projector(self.reader.look_up, self.place(pod), token)

    def tell(
        self, pod: Object, container: str, type_: EventType, reason: str, message: str
    ) -> None:
        """An Event about one container of the pod."""
        found = member(pod, container)
        path = "" if found is None else f"spec.{_FIELDS[found.role]}{{{container}}}"
        self.recorder.record(pod, type_, reason, message, field_path=path)

    def pod_dir(self, uid: str) -> Path:
        return self.settings.pods_dir / uid
