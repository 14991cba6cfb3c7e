"""Measures what a pod keeps on this host's disk, in the threads of `HostFiles`: the engine is not
asked, it would walk the same files and hold up others meanwhile.
"""

import asyncio
from collections.abc import Collection
from pathlib import Path

from minikube_py.container_runtime.interface import ContainerRuntime, ObservedContainer, ObservedPod
from minikube_py.kubelet.facts import is_running
from minikube_py.kubelet.host_files import HostFiles
from minikube_py.kubelet.local_storage import PodStorage, Taken
from minikube_py.meta.objects import Object, uid_of


class StorageMeter:
    def __init__(self, pods_dir: Path, files: HostFiles, runtime: ContainerRuntime) -> None:
        self._pods_dir = pods_dir
        self._files = files
        self._runtime = runtime

    async def volumes(self, pod: Object, names: Collection[str]) -> PodStorage:
        """Only these volumes. Raises FileProblem."""
        folder = self._pods_dir / uid_of(pod) / "volumes"
        sizes = await asyncio.gather(*(self._files.taken(folder / name) for name in names))
        return PodStorage(volumes=dict(zip(names, sizes, strict=True)))

    async def everything(
        self, pod: Object, names: Collection[str], observed: ObservedPod | None = None
    ) -> PodStorage:
        """These volumes and all containers that run. Raises FileProblem, RuntimeFailure."""
        if observed is None:
            observed = await self._runtime.observe_pod(uid_of(pod))
        running = [c for c in observed.containers if is_running(c)] if observed else []
        sizes = await asyncio.gather(*(self._container(one) for one in running))
        of_volumes = await self.volumes(pod, names)
        return PodStorage(
            containers={one.name: size for one, size in zip(running, sizes, strict=True)},
            volumes=of_volumes.volumes,
            unknown=frozenset(one.name for one in running if not one.writable_dir),
        )

    async def _container(self, container: ObservedContainer) -> Taken:
        found = Taken()
        if container.writable_dir:
            found += await self._files.taken(Path(container.writable_dir))
        if container.log_path:
            found += await self._files.taken_by_log(Path(container.log_path))
        return found
