"""Names of containers: those of kubelet's Docker runtime, so tools that parse them keep working,
and the only thing about a container that can still be changed once it exists.

A warm sandbox becomes a pod's by being renamed; what its labels cannot say any more, its name does.
The cluster's name comes last, so clusters side by side never clash.
"""

import secrets
from dataclasses import dataclass

from minikube_py.container_runtime.interface import PodIdentity

_PREFIX = "k8s"
_SANDBOX = "POD"
_POOL_PREFIX = "mk-pool"


@dataclass(frozen=True)
class ContainerName:
    """`container` is "" for a sandbox."""

    container: str
    pod: PodIdentity
    attempt: int
    cluster: str

    @property
    def is_sandbox(self) -> bool:
        return not self.container

    def __str__(self) -> str:
        pod = self.pod
        container = self.container or _SANDBOX
        parts = [_PREFIX, container, pod.name, pod.namespace, pod.uid, str(self.attempt)]
        return "_".join([*parts, self.cluster])


def parse_name(text: str) -> ContainerName | None:
    """None for a name of another making (Kubernetes names hold no `_`)."""
    parts = text.removeprefix("/").split("_")
    if len(parts) != 7 or parts[0] != _PREFIX or not parts[5].isdigit():
        return None
    container = "" if parts[1] == _SANDBOX else parts[1]
    pod = PodIdentity(namespace=parts[3], name=parts[2], uid=parts[4])
    return ContainerName(container, pod, int(parts[5]), parts[6])


def pool_name(cluster: str) -> str:
    """A fresh name for a sandbox no pod has taken yet."""
    return f"{_POOL_PREFIX}_{cluster}_{secrets.token_hex(6)}"


def is_pool_name(text: str) -> bool:
    return text.removeprefix("/").startswith(f"{_POOL_PREFIX}_")


def pod_name_filter(pod_uid: str) -> str:
    """Matches the names of all that belongs to a pod, in the engine's `name` filter."""
    return f"_{pod_uid}_"
