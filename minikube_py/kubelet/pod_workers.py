"""One worker a pod uid: what happens to one pod happens in order, what happens to another happens
beside it.

Whatever a step raises stops here: it is logged, the pod backs off and is looked at again, its
siblings go on. A worker ends when nothing of its pod is left.
"""

import asyncio
import logging
from collections import defaultdict
from datetime import datetime
from functools import partial
from typing import Any

from minikube_py.container_runtime.interface import ObservedPod, PodIdentity, RuntimeFailure
from minikube_py.kinds.pod_template.references import Reference, references
from minikube_py.kubelet.container_spec import SpecProblem
from minikube_py.kubelet.host_files import FileProblem
from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.podspec import identity
from minikube_py.kubelet.probes import PodProbes, Tell
from minikube_py.kubelet.sync import PodSync
from minikube_py.kubelet.tools import Tools
from minikube_py.kubelet.trace import PodTrace
from minikube_py.meta.errors import ApiError
from minikube_py.meta.objects import (
    Object,
    annotations_of,
    get_path,
    is_deleting,
    labels_of,
    namespace_of,
    uid_of,
)
from minikube_py.store.interface import StoreUnavailable

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0
_STEP_SECONDS = 120.0


class PodWorkers:
    """Told by the agent; `start` must have been called before."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._sync = PodSync(tools)
        self._states: dict[str, PodState] = {}
        self._users: dict[tuple[str, Reference], set[str]] = defaultdict(set)
        self._group: asyncio.TaskGroup | None = None
        self._rests = False
        self._empty = asyncio.Event()

    def start(self, group: asyncio.TaskGroup) -> None:
        self._group = group

    async def rest(self, seconds: float) -> None:
        """The node goes down: stops every pod as it asks to be stopped, in `seconds` at most, and
        takes no new one. Returns when all are down.
        """
        self._rests = True
        for state in self._states.values():
            state.rest(seconds)
        if self._states:
            await self._empty.wait()

    def uids(self) -> set[str]:
        return set(self._states)

    def state_of(self, uid: str) -> PodState | None:
        return self._states.get(uid)

    # -- told ----------------------------------------------------------------------------------

    def update(
        self, pod: Object, observed: ObservedPod | None = None, *, seen_at: float | None = None
    ) -> None:
        """A pod of this node as the store has it; `observed` is what the runtime has of it when
        that is known already, `seen_at` when it was first heard of, without a node.
        """
        state = self._states.get(uid_of(pod))
        if state is None:
            if self._rests:
                return
            state = self._new(identity(pod), pod, observed, seen_at)
            for reference in references(pod):
                self._users[(namespace_of(pod), reference)].add(uid_of(pod))
            state.look(stale=False)
            return
        before = state.pod
        if state.learn(pod) and before is not None:
            _notice(state, before, pod)

    def gone(self, uid: str) -> None:
        """The pod is not in the store any more."""
        state = self._states.get(uid)
        if state is not None:
            state.gone = True
            state.hurry.set()
            state.look(stale=False)

    def evict(self, uid: str, why: str) -> None:
        """The node needs what the pod holds."""
        state = self._states.get(uid)
        if state is not None and not state.evicted:
            state.evicted, state.disrupted = why, True
            state.look(stale=False)

    def reclaim(self) -> bool:
        """Has the containers of pods that have run their course removed, and their logs with them;
        False when there are none.
        """
        dead = [one for one in self._states.values() if one.released and one.observed.containers]
        for state in dead:
            state.reclaim = True
            state.look(stale=False)
        return bool(dead)

    def adopt(self, observed: ObservedPod) -> None:
        """Containers the runtime has of a pod that the store does not."""
        if observed.pod.uid not in self._states and not self._rests:
            self._new(observed.pod, None, observed).look(stale=False)

    def adopt_leftovers(self, uid: str) -> None:
        """Files of a pod that nothing else is left of."""
        self.adopt(ObservedPod(PodIdentity("", "", uid)))

    def look(self, uid: str) -> None:
        """The runtime says something happened to the pod."""
        state = self._states.get(uid)
        if state is not None:
            state.look()

    def compare(self, pods: list[ObservedPod]) -> None:
        """With a fresh list of everything: looks at each pod that is not as it was known."""
        listed = {observed.pod.uid: observed for observed in pods}
        for uid, state in self._states.items():
            if _fingerprint(listed.get(uid)) != _fingerprint(state.observed):
                state.look()
        for uid, observed in listed.items():
            if uid not in self._states:
                self.adopt(observed)

    def changed(self, namespace: str, reference: Reference) -> None:
        """A ConfigMap, Secret or claim that pods may show or wait for."""
        for uid in self._users.get((namespace, reference), ()):
            state = self._states.get(uid)
            if state is not None:
                state.refresh = True
                state.look(stale=False)

    def look_in(self, namespace: str) -> None:
        """What it says of all its pods has changed."""
        for state in self._states.values():
            if state.identity.namespace == namespace:
                state.look(stale=False)

    # -- working -------------------------------------------------------------------------------

    def _new(
        self,
        who: PodIdentity,
        pod: Object | None,
        observed: ObservedPod | None,
        seen_at: float | None = None,
    ) -> PodState:
        assert self._group is not None
        begun = bool(get_path(pod or {}, "status", "startTime"))
        state = PodState(
            identity=who,
            pod=pod,
            observed=observed or ObservedPod(who),
            probes=PodProbes(
                self._tools.actions,
                self._tools.clock,
                partial(self._look_again, who.uid),
                self._teller(who.uid),
            ),
            trace=PodTrace(f"{who.namespace}/{who.name}", seen_at=seen_at, finished=begun),
        )
        self._states[who.uid] = state
        self._group.create_task(self._work(state), name=f"pod {who.namespace}/{who.name}")
        return state

    # Both by uid: a pod's probes that knew its state would be a cycle, which stays in memory until
    # Python visits everything.

    def _look_again(self, uid: str) -> None:
        state = self._states.get(uid)
        if state is not None:
            state.look(stale=False)

    def _teller(self, uid: str) -> Tell:
        def tell(container: str, reason: str, message: str) -> None:
            state = self._states.get(uid)
            if state is not None and state.pod is not None:
                self._tools.tell(state.pod, container, "Warning", reason, message)

        return tell

    async def _work(self, state: PodState) -> None:
        async with asyncio.TaskGroup() as group:
            state.group = group
            pause, next_look = _FIRST_PAUSE, None
            while not state.done:
                await self._wait(state, next_look)
                state.trace.taken_up()
                try:
                    async with asyncio.timeout(_STEP_SECONDS):
                        next_look = await self._sync.step(state)
                    pause = _FIRST_PAUSE
                except Exception as error:
                    _log_failure(state, error)
                    self._tell_failure(state, error)
                    state.stale = True
                    await state.pause(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                    state.wake.set()
            state.cancel_children()
        self._forget(state)

    def _tell_failure(self, state: PodState, error: Exception) -> None:
        """What failed between API and store is no news for the pod's user."""
        if state.pod is not None and not isinstance(error, (ApiError, StoreUnavailable)):
            message = f"Error syncing pod, it is tried again: {str(error) or type(error).__name__}"
            self._tools.recorder.record(state.pod, "Warning", "FailedSync", message)

    async def _wait(self, state: PodState, next_look: datetime | None) -> None:
        seconds = None
        if next_look is not None:
            seconds = max(0.0, (next_look - self._tools.clock()).total_seconds())
        try:
            async with asyncio.timeout(seconds):
                await state.wake.wait()
        except TimeoutError:
            pass
        state.wake.clear()

    def _forget(self, state: PodState) -> None:
        self._states.pop(state.identity.uid, None)
        state.group = None  # which knows this task, and it the state
        if self._rests and not self._states:
            self._empty.set()
        if state.pod is not None:
            for reference in references(state.pod):
                key = (namespace_of(state.pod), reference)
                self._users[key].discard(state.identity.uid)
                if not self._users[key]:
                    del self._users[key]


def _notice(state: PodState, before: Object, after: Object) -> None:
    # A change of the spec is told by its generation: files may show resources, too.
    shown = (labels_of, annotations_of, _generation)
    if any(part(before) != part(after) for part in shown):
        state.refresh = True
    if is_deleting(after):
        state.hurry.set()
    state.look(stale=False)


def _generation(pod: Object) -> Any:
    return get_path(pod, "metadata", "generation")


def _fingerprint(observed: ObservedPod | None) -> set[tuple[str, str]]:
    if observed is None:
        return set()
    found = {(container.id, container.state) for container in observed.containers}
    return found | {(s.id, "running" if s.running else "exited") for s in observed.sandboxes}


def _log_failure(state: PodState, error: Exception) -> None:
    expected = isinstance(error, (ApiError, RuntimeFailure, SpecProblem, FileProblem, OSError))
    log.warning(
        "pod step failed pod=%s/%s error=%s: %s",
        state.identity.namespace,
        state.identity.name,
        type(error).__name__,
        error,
        exc_info=None if expected else error,
    )
