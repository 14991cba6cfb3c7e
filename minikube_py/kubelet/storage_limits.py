"""Pods that take more of the disk than they may are evicted, as kubelet's eviction manager does.

Only pods with such a limit are measured, each by its own worker's next look: one without costs
nothing. Memory volumes need no measuring, the kernel holds them to their size.
"""

from datetime import datetime, timedelta

from minikube_py.container_runtime.interface import RuntimeFailure
from minikube_py.kubelet.facts import is_running
from minikube_py.kubelet.host_files import FileProblem
from minikube_py.kubelet.local_storage import (
    PodStorage,
    has_storage_limit,
    measured_volumes,
    over_limit,
)
from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.pressure import is_critical
from minikube_py.kubelet.storage_meter import StorageMeter
from minikube_py.kubelet.tools import Tools
from minikube_py.meta.objects import Object

_EVERY = timedelta(seconds=5)


class StorageLimits:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._clock = tools.clock
        self._meter = StorageMeter(tools.settings.pods_dir, tools.files, tools.runtime)

    def watch(self, state: PodState, pod: Object) -> datetime | None:
        """When the pod's worker has to look again; None when there is nothing to measure. What is
        found is `state.evicted`.
        """
        if not (measured_volumes(pod) or self._measures_containers(pod)) or is_critical(pod):
            return None
        if not any(map(is_running, state.observed.containers)):
            return None
        now = self._clock()
        if state.measure_at is None:
            state.measure_at = now + _EVERY
        elif state.measure_at <= now:
            state.measure_at = now + _EVERY
            state.spawn(self._measure(state, pod), "measure local storage")
        return state.measure_at

    def _measures_containers(self, pod: Object) -> bool:
        """Those on paper write nothing."""
        return has_storage_limit(pod) and not self._tools.settings.on_paper

    async def _measure(self, state: PodState, pod: Object) -> None:
        try:
            found = await self._storage(state, pod)
        except (FileProblem, RuntimeFailure):
            return
        # Once said, it holds: what its end frees does not call it back.
        state.evicted = state.evicted or over_limit(pod, found)
        # What takes long to measure is measured less often.
        began = (state.measure_at or self._clock()) - _EVERY
        state.measure_at = self._clock() + max(_EVERY, (self._clock() - began) * 10)

    async def _storage(self, state: PodState, pod: Object) -> PodStorage:
        names = measured_volumes(pod)
        if not self._measures_containers(pod):
            return await self._meter.volumes(pod, names)
        running = [one for one in state.observed.containers if is_running(one)]
        told = all(one.log_path for one in running)
        found = await self._meter.everything(pod, names, state.observed if told else None)
        if not told:
            state.look()  # so that the next time the engine need not be asked
        if found.unknown and not state.unmeasured:
            self._tell_unmeasured(pod, found)
        state.unmeasured = found.unknown
        return found

    def _tell_unmeasured(self, pod: Object, found: PodStorage) -> None:
        message = (
            f"What {', '.join(sorted(found.unknown))} writes into its own file system is not held "
            "to its ephemeral-storage limit, only logs and volumes are: the engine's storage "
            "driver does not say where those files are. Use overlay2, or write to an emptyDir."
        )
        self._tools.recorder.record(pod, "Warning", "EphemeralStorageNotMeasured", message)
