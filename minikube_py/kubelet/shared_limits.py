"""What the containers of a pod may use together, while it runs: its control group is made before
its first container, follows a resize and goes with the pod.

Where there can be no such group the pod runs without, and an Event says so.
"""

from minikube_py.container_runtime.interface import (
    Resources,
    RuntimeFailure,
    RuntimeUnavailable,
    Sandbox,
)
from minikube_py.kubelet.facts import is_running, running_sandbox
from minikube_py.kubelet.group_limits import group_resources, wider
from minikube_py.kubelet.host_files import FileProblem
from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.tools import Tools
from minikube_py.meta.objects import Object

_HOLD = "(group)"


class SharedLimits:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._groups = tools.groups

    async def parent(self, state: PodState, pod: Object, sandbox_id: str) -> str:
        """Where a container to be created belongs; "" when its pod has no group."""
        limits = group_resources(pod)
        sandbox = next((one for one in state.observed.sandboxes if one.id == sandbox_id), None)
        if limits is None or self._groups is None or sandbox is None:
            return ""
        try:
            return await self._make(state, limits, sandbox)
        except (FileProblem, OSError, KeyError) as error:
            self._tell(state, pod, str(error))
            return ""

    async def widen(self, state: PodState, pod: Object) -> None:
        """Before the containers of a pod that is resized get more."""
        limits = group_resources(pod)
        if limits is not None and self._follows(state):
            await self._resize(state, pod, wider(state.shared, limits))

    async def follow(self, state: PodState, pod: Object) -> None:
        """Once the containers have what they ask for."""
        limits = group_resources(pod)
        if limits is not None and self._follows(state) and state.shared != limits:
            await self._resize(state, pod, limits)

    def _follows(self, state: PodState) -> bool:
        """A group that there is; one whose resize failed waits a little."""
        if self._groups is None or state.shared_problem:
            return False
        running = any(map(is_running, state.observed.containers))
        return running and not state.is_held(_HOLD, self._tools.clock())

    async def _resize(self, state: PodState, pod: Object, limits: Resources) -> None:
        sandbox = running_sandbox(state.observed)
        if sandbox is None:
            return
        try:
            await self._refuse_too_little_memory(state, limits)
            await self._make(state, limits, sandbox)
        except RuntimeUnavailable:
            raise
        except (FileProblem, RuntimeFailure, OSError, KeyError) as error:
            state.hold(_HOLD, self._tools.clock())
            self._tools.recorder.record(pod, "Warning", "ResizeError", str(error))
        else:
            state.succeeded(_HOLD)

    async def _refuse_too_little_memory(self, state: PodState, limits: Resources) -> None:
        """The kernel would kill for it."""
        before = state.shared
        if not limits.memory_bytes or (before and 0 < before.memory_bytes <= limits.memory_bytes):
            return
        stats = await self._tools.runtime.stats()
        own = [one for one in stats if one.pod_uid == state.identity.uid]
        used = sum(one.memory_working_set_bytes for one in own)
        if used > limits.memory_bytes:
            raise RuntimeFailure(
                f"attempting to set pod memory limit ({limits.memory_bytes}) below current usage "
                f"({used})"
            )

    async def remove(self, state: PodState) -> None:
        """Raises FileProblem while something runs in it."""
        if self._groups is None:
            return
        if state.pod is None or group_resources(state.pod) is not None:
            await self._groups.remove(state.identity.uid)
            state.shared = None

    async def _make(self, state: PodState, limits: Resources, sandbox: Sandbox) -> str:
        assert self._groups is not None
        made = await self._groups.ensure(state.identity.uid, limits, sandbox.pid)
        state.shared = limits
        return made

    def _tell(self, state: PodState, pod: Object, why: str) -> None:
        if why == state.shared_problem:
            return
        state.shared_problem = why
        message = (
            "spec.resources limits each container, not all of them together: no control group "
            f"could be made for the pod: {why}"
        )
        self._tools.recorder.record(pod, "Warning", "PodResourcesNotEnforced", message)
