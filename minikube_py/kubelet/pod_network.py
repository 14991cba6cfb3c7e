"""What the kubelet asks of the network for one pod; `network.pod_network` answers it, the daemon
joins the two.
"""

from typing import Protocol

from minikube_py.meta.pod_address import PodAddress

__all__ = ["PodAddress", "PodNetwork"]


class PodNetwork(Protocol):
    async def attach(self, pod_uid: str, pid: int, node: str = "") -> PodAddress:
        """Wires the network namespace of process `pid` to the pods' bridge, with an address of the
        range of its node; again for a wired one is success.
        """
        ...

    async def release(self, pod_uid: str) -> None:
        """Gives the pod's address back; a missing one is success."""
        ...

    async def drained(self, pod_uid: str) -> None:
        """Until nothing new is sent to a pod that is about to stop; the caller bounds the time."""
        ...

    def address_of(self, pod_uid: str) -> PodAddress | None: ...

    def pod_uids(self) -> set[str]:
        """Pods that hold an address: those nobody knows any more are given back."""
        ...
