"""Stops containers the way a pod asks for: preStop hook, signal, grace, then SIGKILL.

The signal comes once no Service sends the pod anything new, so a rollout costs no request.
Each stop is a child of the pod's worker, so the worker keeps looking meanwhile, and a grace that is
cut short takes effect at once.
"""

import asyncio
import logging

from minikube_py.container_runtime.interface import ObservedContainer, RuntimeFailure
from minikube_py.kubelet.pod_plan import Kill
from minikube_py.kubelet.pod_state import PodState, Stopping
from minikube_py.kubelet.podspec import member
from minikube_py.kubelet.probe_actions import ProbeTarget
from minikube_py.kubelet.tools import Tools
from minikube_py.meta.objects import get_path, is_deleting

log = logging.getLogger(__name__)

_MINIMUM_AFTER_HOOK = 2.0
_LONGEST_DRAIN = 2.0
_ENGINE_MARGIN = 30.0


class ContainerStopper:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def begin(self, state: PodState, kill: Kill) -> None:
        """Again for one being stopped changes nothing, unless its time has become shorter."""
        deadline = asyncio.get_running_loop().time() + kill.grace_seconds
        current = state.stopping.get(kill.container_id)
        if current is not None:
            if deadline >= current.deadline - 0.5:
                return
            current.task.cancel()
        container = next(c for c in state.observed.containers if c.id == kill.container_id)
        again = current is not None
        task = state.spawn(self._stop(state, kill, container, skip_hook=again), f"stop {kill.name}")
        state.stopping[kill.container_id] = Stopping(task, deadline)
        if state.pod is not None and not again:
            self._tools.tell(state.pod, kill.name, "Normal", "Killing", kill.message)

    async def _stop(
        self, state: PodState, kill: Kill, container: ObservedContainer, *, skip_hook: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + kill.grace_seconds
        try:
            remaining = kill.grace_seconds
            if not skip_hook and await self._prepare(state, kill, container):
                remaining = max(_MINIMUM_AFTER_HOOK, deadline - loop.time())
            async with asyncio.timeout(remaining + _ENGINE_MARGIN):
                await self._tools.runtime.stop_container(
                    kill.container_id, grace_seconds=remaining, signal=_signal(state, kill.name)
                )
        except (RuntimeFailure, TimeoutError) as error:
            log.warning("stop failed container=%s error=%s", kill.container_id, error)
            await asyncio.sleep(1.0)
        finally:
            own = state.stopping.get(kill.container_id)
            if own is not None and own.task is asyncio.current_task():
                del state.stopping[kill.container_id]
                state.stale = True

    async def _prepare(self, state: PodState, kill: Kill, container: ObservedContainer) -> bool:
        """True when there was a hook to run."""
        async with asyncio.TaskGroup() as group:
            hook = group.create_task(self._pre_stop(state, kill, container))
            group.create_task(self._drain(state, kill))
        return hook.result()

    async def _drain(self, state: PodState, kill: Kill) -> None:
        """A container that is only restarted stays what Services know; its probes tell them."""
        if state.pod is None or not is_deleting(state.pod) or state.gone:
            return
        try:
            async with asyncio.timeout(min(_LONGEST_DRAIN, kill.grace_seconds / 2)):
                await self._tools.network.drained(state.identity.uid)
        except TimeoutError:
            log.info("stopping a pod that Services still know pod=%s", state.identity.name)

    async def _pre_stop(self, state: PodState, kill: Kill, container: ObservedContainer) -> bool:
        """True when there was a hook to run."""
        found = member(state.pod, kill.name) if state.pod is not None else None
        hook = get_path(found.container, "lifecycle", "preStop") if found is not None else None
        if found is None or not hook or kill.grace_seconds <= 0:
            return False
        target = ProbeTarget(container.id, found.container, state.address)
        outcome = await self._tools.actions.run_hook(hook, target, kill.grace_seconds)
        if not outcome.ok and state.pod is not None:
            message = f"PreStopHook failed: {outcome.message}"
            self._tools.tell(state.pod, kill.name, "Warning", "FailedPreStopHook", message)
        return True


def _signal(state: PodState, name: str) -> str:
    found = member(state.pod, name) if state.pod is not None else None
    if found is None:
        return ""
    return str(get_path(found.container, "lifecycle", "stopSignal", default=""))
