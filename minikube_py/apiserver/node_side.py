"""What the API server asks of the node's side beyond streams: how much is used, what a kubelet's
own port would say, and where the addresses of pods can be reached. All of it may be missing.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from minikube_py.container_runtime.usage import NodeUsage
from minikube_py.meta.objects import Object


class UsageSource(Protocol):
    async def read(self) -> NodeUsage:
        """Raises RuntimeFailure."""
        ...


class NodeEndpoints(Protocol):
    """The kubelet of this process; its calls may raise RuntimeFailure."""

    @property
    def node_name(self) -> str: ...
    def configuration(self) -> Object: ...
    async def running_pods(self) -> Object: ...
    async def summary(self) -> Object: ...
    async def metrics(self) -> str: ...
    async def resource_metrics(self) -> str: ...


class Reach(Protocol):
    """Where this process finds an address of the cluster: a host and a port to connect to. Raises
    ServiceUnavailable when it can't.
    """

    def __call__(self, host: str, port: int) -> tuple[str, int]: ...


def direct(host: str, port: int) -> tuple[str, int]:
    return host, port


def anonymously(_context: ssl.SSLContext) -> None: ...


@dataclass(frozen=True)
class NodeSide:
    """`identify` gives a TLS context the certificate with which this server shows aggregated ones
    that it is who it says.
    """

    usage: UsageSource | None = None
    endpoints: NodeEndpoints | None = None
    reach: Reach = direct
    identify: Callable[[ssl.SSLContext], None] = anonymously
