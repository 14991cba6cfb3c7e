"""What may be done when the host runs short of something: measure what pods hold of it, remove what
nobody runs any more, and evict.
"""

from collections.abc import Callable

from minikube_py.container_runtime.interface import ContainerRuntime
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import NODE
from minikube_py.kubelet.facts import is_running
from minikube_py.kubelet.local_storage import PodStorage, own_volumes
from minikube_py.kubelet.pod_workers import PodWorkers
from minikube_py.kubelet.storage_meter import StorageMeter
from minikube_py.meta.objects import Object, uid_of
from minikube_py.resources.resources import Resources


class Relief:
    """`pods` gives those of this host."""

    def __init__(
        self,
        workers: PodWorkers,
        meter: StorageMeter,
        runtime: ContainerRuntime,
        pods: Callable[[], list[Object]],
    ) -> None:
        self._workers = workers
        self._meter = meter
        self._runtime = runtime
        self.pods = pods
        self.evict: Callable[[str, str], None] = workers.evict
        self.reclaim = workers.reclaim

    async def storages(self) -> list[tuple[Object, PodStorage]]:
        """Of the pods that run, all that they have on disk. Walks every file of theirs."""
        observed = {found.pod.uid: found for found in await self._runtime.list_pods()}
        result = []
        for pod in self.pods():
            found = observed.get(uid_of(pod))
            if found is not None and any(map(is_running, found.containers)):
                result.append((pod, await self._meter.everything(pod, own_volumes(pod), found)))
        return result


def tell_attempt(
    resources: Resources, recorder: Recorder, nodes: list[str]
) -> Callable[[str], None]:
    """An Event of each node that shares the host, as kubelet records it."""

    def tell(resource: str) -> None:
        for name in nodes:
            node = resources.get_or_none(NODE, None, name)
            if node is not None:
                message = f"Attempting to reclaim {resource}"
                recorder.record(node, "Warning", "EvictionThresholdMet", message)

    return tell
