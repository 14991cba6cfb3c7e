"""The pods' network as the kubelet of a real cluster sees it: wires, and Services that send there.

A pod is stopped only when no Service picks it for anything new, so a rollout costs no request.
"""

from minikube_py.kubelet.pod_network import PodAddress, PodNetwork
from minikube_py.network.service_proxy.proxy import ServiceProxy


class ServedPodNetwork:
    """Satisfies PodNetwork."""

    def __init__(self, wires: PodNetwork, proxy: ServiceProxy) -> None:
        self._wires = wires
        self._proxy = proxy

    async def attach(self, pod_uid: str, pid: int, node: str = "") -> PodAddress:
        return await self._wires.attach(pod_uid, pid, node)

    async def release(self, pod_uid: str) -> None:
        await self._wires.release(pod_uid)

    async def drained(self, pod_uid: str) -> None:
        address = self._wires.address_of(pod_uid)
        if address is not None:
            await self._proxy.wait_forgotten(pod_uid, address.ip)

    def address_of(self, pod_uid: str) -> PodAddress | None:
        return self._wires.address_of(pod_uid)

    def pod_uids(self) -> set[str]:
        return self._wires.pod_uids()
