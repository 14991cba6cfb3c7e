"""What the kubelet asks of the network for one pod; `network.pod_network` answers it, the daemon
joins the two.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class PodAddress:
    ip: str
    gateway: str


class PodNetwork(Protocol):
    async def attach(self, pod_uid: str, pid: int) -> PodAddress:
        """Wires the network namespace of process `pid` to the pods' bridge; again for a wired one
        is success.
        """
        ...

    async def release(self, pod_uid: str) -> None:
        """Gives the pod's address back; a missing one is success."""
        ...

    def address_of(self, pod_uid: str) -> PodAddress | None: ...
