"""Pods whose emptyDir on disk has grown beyond its sizeLimit are evicted, as kubelet's eviction
manager does.

Only such pods are measured, each by its own worker's next look: one without a limit costs nothing.
Memory volumes need no measuring, the kernel holds them to their size.
"""

from datetime import datetime, timedelta

from minikube_py.kubelet.empty_dirs import disk_limits
from minikube_py.kubelet.facts import is_running
from minikube_py.kubelet.host_files import FileProblem
from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.volumes import Volumes
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import Clock

_EVERY = timedelta(seconds=5)


class VolumeLimits:
    def __init__(self, volumes: Volumes, clock: Clock) -> None:
        self._volumes = volumes
        self._clock = clock

    def watch(self, state: PodState, pod: Object) -> datetime | None:
        """When the pod's worker has to look again; None when there is nothing to measure. What is
        found is `state.evicted`.
        """
        if not disk_limits(pod) or not any(map(is_running, state.observed.containers)):
            return None
        now = self._clock()
        if state.measure_at is None:
            state.measure_at = now + _EVERY
        elif state.measure_at <= now:
            state.measure_at = now + _EVERY
            state.spawn(self._measure(state, pod), "measure volumes")
        return state.measure_at

    async def _measure(self, state: PodState, pod: Object) -> None:
        try:
            # Once said, it holds: what its end frees does not call it back.
            state.evicted = state.evicted or await self._volumes.over_limit(pod)
        except FileProblem:
            return
        # A tree that takes long to measure is measured less often.
        began = (state.measure_at or self._clock()) - _EVERY
        state.measure_at = self._clock() + max(_EVERY, (self._clock() - began) * 10)
