"""Carries out what `plan_pod` decided, one step at a time, and says what came of it.

A step looks, plans, acts and writes the status. Nothing in a step takes long: stopping, pulling and
hooks are children of the pod's worker, which looks again when they are over. A step may be cut off
anywhere; the next one looks again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from minikube_py.container_runtime.interface import (
    ObservedPod,
    Sandbox,
)
from minikube_py.control_loop.recorder import EventType
from minikube_py.kubelet.admission import rejection
from minikube_py.kubelet.backoff import restarts
from minikube_py.kubelet.container_starter import ContainerStarter, Created, Wanted
from minikube_py.kubelet.container_stopper import ContainerStopper
from minikube_py.kubelet.facts import (
    HEALTHY,
    Health,
    PodFacts,
    Waiting,
    has_ended,
    is_running,
)
from minikube_py.kubelet.mending import unpause
from minikube_py.kubelet.own_files import OwnFiles
from minikube_py.kubelet.plan import plan_orphan, plan_pod
from minikube_py.kubelet.pod_ending import PodEnding
from minikube_py.kubelet.pod_plan import PodPlan
from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.podspec import (
    bare_id,
    member,
    members,
    previous_status,
)
from minikube_py.kubelet.probe_actions import ProbeTarget
from minikube_py.kubelet.projections import ProjectionProblem
from minikube_py.kubelet.resizer import Resizer
from minikube_py.kubelet.sandboxes import Sandboxes
from minikube_py.kubelet.shared_limits import SharedLimits
from minikube_py.kubelet.status_writer import write_status
from minikube_py.kubelet.storage_limits import StorageLimits
from minikube_py.kubelet.tools import Tools
from minikube_py.kubelet.trace import has_started
from minikube_py.kubelet.volumes import VolumeProblem
from minikube_py.meta.objects import Object
from minikube_py.store.interface import StoreUnavailable

_VOLUMES = "(volumes)"


class PodSync:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._files = OwnFiles(tools)
        self._starter = ContainerStarter(tools, self._files)
        self._stopper = ContainerStopper(tools)
        self._sandboxes = Sandboxes(tools, self._files)
        self._ending = PodEnding(tools)
        self._resizer = Resizer(tools)
        self._shared = SharedLimits(tools)
        self._limits = StorageLimits(tools)

    async def step(self, state: PodState) -> datetime | None:
        """Returns when to look again without being asked, None = when something happens."""
        await self._look(state)
        await unpause(self._tools, state)
        plan = self._plan(state)
        if plan.verdict == "run" and state.pod is not None:
            return await self._run(state, state.pod, plan)
        self._watch_the_end(state)
        self._tell_failure(state, plan)
        self._kill(state, plan)
        if plan.verdict == "rest":
            await self._ending.rest(state, plan)
        elif plan.verdict == "stop":
            # A pod that rests comes back: for the store, nothing happens to it.
            if state.rest_by is None:
                await self._write(state, plan)
        elif plan.verdict == "ended":
            await self._end(state, plan)
        else:
            state.cancel_children()
            await self._write(state, plan, over=True)
            await self._ending.remove(state, plan)
        return None

    async def _end(self, state: PodState, plan: PodPlan) -> None:
        try:
            await self._write(state, plan, over=True)
        except StoreUnavailable:
            # It may be this pod that has filled the disk: what it held is the room to say so.
            if state.evicted:
                await self._ending.release(state, plan)
            raise
        await self._ending.release(state, plan)

    # -- looking -------------------------------------------------------------------------------

    async def _look(self, state: PodState) -> None:
        if state.stale:
            state.stale = False
            try:
                observed = await self._tools.runtime.observe_pod(state.identity.uid)
            except BaseException:
                state.stale = True
                raise
            state.observed = observed or ObservedPod(state.identity)
        await self._read_messages(state)
        renew_at = self._renew_tokens_at(state)
        due = renew_at is not None and renew_at <= self._tools.clock()
        if (state.refresh or due) and state.pod is not None and not state.gone:
            state.refresh = False
            self._refresh(state, state.pod)

    async def _read_messages(self, state: PodState) -> None:
        state.forget_others({container.id for container in state.observed.containers})
        for container in state.observed.containers:
            if container.id in state.messages or not has_ended(container) or state.pod is None:
                continue
            found = member(state.pod, container.name)
            if found is not None:
                state.messages[container.id] = await self._files.message(found, container)

    def _renew_tokens_at(self, state: PodState) -> datetime | None:
        """Of containers that run; the others get theirs with their volumes."""
        tokens = self._tools.tokens
        if tokens is None or state.pod is None or state.gone:
            return None
        running = any(is_running(container) for container in state.observed.containers)
        return tokens.renew_at(state.pod) if running else None

    def _refresh(self, state: PodState, pod: Object) -> None:
        """What mounted files show may have changed; what waited for it may go on."""
        state.holds.clear()
        if state.released:
            return
        try:
            self._tools.volumes.refresh(pod, self._tools.projector(pod))
        except (VolumeProblem, ProjectionProblem) as problem:
            # The files stay as they were, as in kubelet.
            self._tools.recorder.record(pod, "Warning", "FailedMount", str(problem))

    def _plan(self, state: PodState) -> PodPlan:
        if state.pod is None:
            return plan_orphan(state.observed)
        state.resize = self._resizer.look(state, state.pod)
        facts = PodFacts(
            health=self._health(state),
            restarts=restarts(state.pod, state.observed, namespace=self._namespace(state)),
            hooks_running=frozenset(state.hooks),
            gone=state.gone,
            evicted=state.evicted,
            disrupted=state.disrupted,
            reclaim=state.reclaim,
            resting=state.seconds_to_rest(),
            to_resize=state.resize.to_restart,
            rejected=rejection(state.pod, self._tools.host),
        )
        return plan_pod(state.pod, state.observed, self._tools.clock(), facts)

    def _namespace(self, state: PodState) -> Object | None:
        """Only read where its annotation may matter: for a container that ended."""
        if not any(has_ended(container) for container in state.observed.containers):
            return None
        return self._tools.reader.namespace(state.identity.namespace)

    def _health(self, state: PodState) -> Mapping[str, Health]:
        health: dict[str, Health] = {}
        for container in state.observed.containers:
            found = state.probes.health(container.id) or HEALTHY
            if container.id in state.hooks:
                found = replace(found, started=False, ready=False)
            if container.id in state.hook_failures:
                found = replace(found, failed=state.hook_failures[container.id], ready=False)
            health[container.id] = found
        return health

    def _watch_the_end(self, state: PodState) -> None:
        """What still runs is asked whether it is ready; nothing is restarted any more."""
        state.probes.keep_readiness()
        state.probes.keep_only({c.id for c in state.observed.containers if is_running(c)})

    def _tell_failure(self, state: PodState, plan: PodPlan) -> None:
        if plan.failure is None or state.failure_told or state.pod is None:
            return
        state.failure_told = True
        failure = plan.failure
        type_: EventType = "Normal" if failure.reason == "DeadlineExceeded" else "Warning"
        self._tools.recorder.record(state.pod, type_, failure.reason, failure.message)

    # -- running -------------------------------------------------------------------------------

    async def _run(self, state: PodState, pod: Object, plan: PodPlan) -> datetime | None:
        self._kill(state, plan)
        self._tell_back_offs(state, pod, plan)
        started = False
        if plan.create_sandbox is not None or plan.start or self._sandboxes.lacks_address(state):
            started = await self._bring_up(state, pod, plan)
        if state.resize.resizes:
            await self._shared.widen(state, pod)
            await self._resizer.carry_out(state, pod)
        elif not state.resize.behind:
            await self._shared.follow(state, pod)
        await self._ending.tidy(state, plan)
        self._watch_health(state, pod)
        await self._write(state, plan)
        if started:
            # What came up may let the next one start.
            state.wake.set()
            if state.pod is not None and has_started(state.pod):
                state.trace.finish()
        return _earliest(
            plan.look_again_at,
            state.next_retry(),
            self._renew_tokens_at(state),
            self._limits.watch(state, pod),
        )

    def _tell_back_offs(self, state: PodState, pod: Object, plan: PodPlan) -> None:
        """Once for each container that has to wait."""
        waiting = {name for name, why in plan.waiting.items() if why.reason == "CrashLoopBackOff"}
        who = state.identity
        for name in sorted(waiting - state.backing_off):
            message = f"Back-off restarting failed container {name} in pod {who.name}"
            message += f"_{who.namespace}({who.uid})"
            self._tools.tell(pod, name, "Warning", "BackOff", message)
        state.backing_off = waiting

    async def _bring_up(self, state: PodState, pod: Object, plan: PodPlan) -> bool:
        """Sandbox, volumes and images side by side, then address, then containers."""
        sandbox, ready, wanted, _ = await asyncio.gather(
            self._sandboxes.bring_up(state, pod, plan),
            self._volumes(state, pod, plan),
            asyncio.gather(*(self._starter.want(state, pod, start) for start in plan.start)),
            self._announce(state, plan),
            return_exceptions=True,
        )
        for result in (sandbox, ready, wanted):
            if isinstance(result, BaseException):
                raise result
        assert isinstance(sandbox, Sandbox)
        assert isinstance(wanted, list)
        able = [found for found in wanted if isinstance(found, Wanted)] if ready else []
        return await self._start_all(state, pod, sandbox, able)

    async def _announce(self, state: PodState, plan: PodPlan) -> None:
        """The first status: the pod is known here, and since when. Again with a new sandbox: what
        the store says of the old one, readiness above all, is not true any more.
        """
        if state.pod is None:
            return
        status = state.pod.get("status") or {}
        if plan.create_sandbox is not None or not status.get("startTime"):
            await write_status(self._tools, state, {}, state.waiting)

    async def _start_all(
        self, state: PodState, pod: Object, sandbox: Sandbox, wanted: list[Wanted]
    ) -> bool:
        if any(self._starter.wants_address(one) for one in wanted):
            await self._sandboxes.attach(state, pod, sandbox)
        elif state.address_of != sandbox.id:
            # Mounts need the files now; the address is written into them when it is known.
            self._files.write(pod, "")
        results = await asyncio.gather(
            self._sandboxes.attach(state, pod, sandbox),
            *(self._starter.create(state, pod, sandbox.id, one) for one in wanted),
            return_exceptions=True,
        )
        created = [result for result in results if isinstance(result, Created)]
        if any(isinstance(result, BaseException) for result in results):
            state.stale = True
            raise next(result for result in results if isinstance(result, BaseException))
        await asyncio.gather(*(self._starter.start(state, pod, one) for one in created))
        return bool(created)

    async def _volumes(self, state: PodState, pod: Object, plan: PodPlan) -> bool:
        """True when all are there."""
        if state.volumes is not None or not plan.start:
            return True
        if state.is_held(_VOLUMES, self._tools.clock()):
            return False
        try:
            with state.trace.step("volumes"):
                state.volumes = await self._tools.volumes.set_up(pod, self._tools.projector(pod))
        except VolumeProblem as problem:
            self._tools.recorder.record(pod, "Warning", "FailedMount", str(problem))
            if problem.unsupported:
                waiting = Waiting("CreateContainerConfigError", str(problem))
                state.waiting.update({found.name: waiting for found in members(pod)})
            state.hold(_VOLUMES, self._tools.clock())
            return False
        state.succeeded(_VOLUMES)
        return True

    def _watch_health(self, state: PodState, pod: Object) -> None:
        running: set[str] = set()
        assert state.group is not None
        for container in state.observed.containers:
            found = member(pod, container.name)
            if found is None or not is_running(container) or container.id in state.hooks:
                continue
            running.add(container.id)
            reported = previous_status(pod, container.name)
            same = bare_id(str(reported.get("containerID", ""))) == container.id
            target = ProbeTarget(container.id, found.container, state.address)
            state.probes.watch(
                state.group,
                target,
                container.started_at or container.created_at,
                reported if same else {},
            )
        known = {container.id for container in state.observed.containers}
        state.probes.keep_only(running)
        state.probes.forget(known)

    def _kill(self, state: PodState, plan: PodPlan) -> None:
        for kill in plan.kill:
            self._stopper.begin(state, kill)

    async def _write(self, state: PodState, plan: PodPlan, *, over: bool = False) -> None:
        waiting = {**state.waiting, **plan.waiting}
        await write_status(
            self._tools, state, self._health(state), waiting, over=over, failure=plan.failure
        )


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
