"""What the API server asks of the node's side beyond streams: how much is used, what a kubelet's
own port would say, and where the addresses of pods can be reached. All of it may be missing.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from minikube_py.container_runtime.usage import NodeUsage
from minikube_py.meta.objects import Object


class UsageSource(Protocol):
    async def read(self) -> NodeUsage:
        """Raises RuntimeFailure."""
        ...


class NodeEndpoints(Protocol):
    """One of the nodes that the kubelet of this process serves; calls may raise RuntimeFailure."""

    async def usage(self) -> NodeUsage: ...
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
    """`endpoints` by the node's name. `identify` gives a TLS context the certificate with which
    this server shows aggregated ones that it is who it says.
    """

    usage: UsageSource | None = None
    endpoints: Mapping[str, NodeEndpoints] = field(default_factory=dict)
    reach: Reach = direct
    identify: Callable[[ssl.SSLContext], None] = anonymously
