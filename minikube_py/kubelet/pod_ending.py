"""Gives back what a pod had: old containers and sandboxes while it runs, all but its containers
when it has run its course, everything when it goes.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace

from minikube_py.container_runtime.interface import ObservedPod
from minikube_py.kubelet.pod_plan import PodPlan
from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.shared_limits import SharedLimits
from minikube_py.kubelet.tools import Tools
from minikube_py.meta.errors import Conflict, NotFound


class PodEnding:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._shared = SharedLimits(tools)

    async def tidy(self, state: PodState, plan: PodPlan) -> None:
        """Old containers and sandboxes go beside the work, or before it where it depends on it."""
        sandboxes = () if plan.create_sandbox is not None else plan.remove_sandboxes
        if not plan.remove_containers and not sandboxes:
            return
        gone = set(plan.remove_containers) | set(sandboxes)
        if plan.removes_first:
            await self._remove_from_runtime(plan.remove_containers, sandboxes)
            state.observed = _without(state.observed, gone)
            return
        state.observed = _without(state.observed, gone)
        state.spawn(self._remove_from_runtime(plan.remove_containers, sandboxes), "tidy")

    async def _remove_from_runtime(
        self, containers: tuple[str, ...], sandboxes: tuple[str, ...]
    ) -> None:
        runtime = self._tools.runtime
        await asyncio.gather(*(runtime.remove_container(one) for one in containers))
        await asyncio.gather(*(runtime.remove_sandbox(one) for one in sandboxes))

    async def release(self, state: PodState, plan: PodPlan) -> None:
        """The pod has run its course: containers stay for their logs, all else is given back."""
        if state.released and not plan.remove_containers:
            return
        await self._remove_from_runtime(plan.remove_containers, plan.remove_sandboxes)
        gone = {*plan.remove_containers, *plan.remove_sandboxes}
        state.observed = _without(state.observed, gone)
        state.reclaim = False
        if state.released:
            return
        await self._shared.remove(state)
        await self._tools.network.release(state.identity.uid)
        await self._tools.volumes.tear_down(state.identity.uid)
        self._forget_tokens(state)
        state.volumes, state.released = None, True

    async def rest(self, state: PodState, plan: PodPlan) -> None:
        """Its containers have ended; files and volumes wait for the next start of the node."""
        state.cancel_children()
        await self._remove_from_runtime(plan.remove_containers, plan.remove_sandboxes)
        await self._shared.remove(state)
        await self._tools.network.release(state.identity.uid)
        self._forget_tokens(state)
        state.done = True

    async def remove(self, state: PodState, plan: PodPlan) -> None:
        """Nothing of the pod may be left; then, and only then, the store is told."""
        identity = state.identity
        await self._remove_from_runtime(plan.remove_containers, plan.remove_sandboxes)
        await self._shared.remove(state)
        await self._tools.network.release(identity.uid)
        await self._tools.volumes.tear_down(identity.uid)
        await self._tools.files.remove(self._tools.pod_dir(identity.uid))
        self._forget_tokens(state)
        if state.pod is not None and not state.gone:
            # Gone already, or another pod of the same name: ours is done either way.
            with suppress(NotFound, Conflict):
                await self._tools.resources.finish_pod_deletion(
                    identity.namespace, identity.name, identity.uid
                )
        state.done = True

    def _forget_tokens(self, state: PodState) -> None:
        if self._tools.tokens is not None:
            self._tools.tokens.forget(state.identity.uid)


def _without(observed: ObservedPod, gone: set[str]) -> ObservedPod:
    containers = [c for c in observed.containers if c.id not in gone]
    sandboxes = [s for s in observed.sandboxes if s.id not in gone]
    return replace(observed, containers=tuple(containers), sandboxes=tuple(sandboxes))
