"""Gives running containers the resources their pod asks for by now, without a restart where its
resizePolicy allows that. What has to be restarted is stopped by the plan.
"""

from dataclasses import replace

from minikube_py.container_runtime.interface import RuntimeFailure, RuntimeUnavailable
from minikube_py.kinds.catalog import POD
from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.resize import (
    IN_PROGRESS,
    PENDING,
    UNCHANGED,
    Resize,
    ResizeState,
    obstacle,
    wanted_resizes,
    was_ever_changed,
)
from minikube_py.kubelet.tools import Tools
from minikube_py.meta.objects import Object, get_path

_HOLD = "(resize)"


class Resizer:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def look(self, state: PodState, pod: Object) -> ResizeState:
        if not was_ever_changed(pod) or state.gone:
            return UNCHANGED
        resizes = wanted_resizes(pod, state.observed, self._tools.host)
        if not resizes:
            self._tell_completed(state, pod)
            return UNCHANGED
        behind = frozenset(one.name for one in resizes)
        why = obstacle(pod, self._others(pod), self._tools.allocatable)
        if why is None:
            failure = state.resize.condition if state.is_held(_HOLD, self._tools.clock()) else None
            return ResizeState(behind, failure or (IN_PROGRESS, "", ""), resizes)
        if state.resize.condition != (PENDING, *why):
            self._tools.recorder.record(pod, "Warning", f"Resize{why[0]}", why[1])
        state.hold(_HOLD, self._tools.clock())
        return ResizeState(behind, (PENDING, *why))

    def _tell_completed(self, state: PodState, pod: Object) -> None:
        if state.resize.behind:
            state.succeeded(_HOLD)
            names = ", ".join(sorted(state.resize.behind))
            message = f"Pod resize completed: {names}"
            self._tools.recorder.record(pod, "Normal", "ResizeCompleted", message)

    def _others(self, pod: Object) -> list[Object]:
        node = get_path(pod, "spec", "nodeName")
        listed = self._tools.resources.list(POD, None).objects()
        return [one for one in listed if get_path(one, "spec", "nodeName") == node]

    async def carry_out(self, state: PodState, pod: Object) -> None:
        """Those that need no restart. A failure is told and tried again later."""
        if state.is_held(_HOLD, self._tools.clock()):
            return
        for resize in state.resize.resizes:
            if resize.restart:
                continue
            try:
                await self._refuse_too_little_memory(resize)
                await self._tools.runtime.update_resources(resize.container_id, resize.resources)
            except RuntimeUnavailable:
                raise
            except RuntimeFailure as error:
                state.resize = replace(state.resize, condition=(IN_PROGRESS, "Error", str(error)))
                state.hold(_HOLD, self._tools.clock())
                self._tools.tell(pod, resize.name, "Warning", "ResizeError", str(error))
                return
            state.look()

    async def _refuse_too_little_memory(self, resize: Resize) -> None:
        """The kernel would kill the container for it, or refuse."""
        if not resize.shrinks_memory:
            return
        for stats in await self._tools.runtime.stats():
            used, limit = stats.memory_working_set_bytes, resize.resources.memory_bytes
            if stats.container_id == resize.container_id and used > limit:
                raise RuntimeFailure(
                    f'cannot decrease memory limits: attempting to set container "{resize.name}" '
                    f"memory limit ({limit}) below current usage ({used})"
                )
