"""Carries out what `plan_pod` decided, one step at a time, and says what came of it.

A step looks, plans, acts and writes the status. Nothing in a step takes long: stopping, pulling and
hooks are children of the pod's worker, which looks again when they are over. A step may be cut off
anywhere; the next one looks again.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from minikube_py.container_runtime.interface import (
    ObservedContainer,
    ObservedPod,
    RuntimeFailure,
    Sandbox,
)
from minikube_py.kubelet.backoff import restarts
from minikube_py.kubelet.container_spec import SpecProblem, sandbox_spec
from minikube_py.kubelet.container_starter import ContainerStarter, Created, Wanted
from minikube_py.kubelet.container_stopper import ContainerStopper
from minikube_py.kubelet.facts import (
    HEALTHY,
    Health,
    PodFacts,
    Waiting,
    has_ended,
    is_running,
    running_sandbox,
)
from minikube_py.kubelet.own_files import OwnFiles
from minikube_py.kubelet.plan import plan_orphan, plan_pod
from minikube_py.kubelet.pod_plan import PodPlan
from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.podspec import (
    bare_id,
    member,
    members,
    previous_status,
    uses_host_network,
)
from minikube_py.kubelet.probe_actions import ProbeTarget
from minikube_py.kubelet.projections import ProjectionProblem
from minikube_py.kubelet.status_writer import write_status
from minikube_py.kubelet.tools import Tools
from minikube_py.kubelet.volumes import VolumeProblem
from minikube_py.meta.errors import Conflict, NotFound
from minikube_py.meta.objects import Object

_VOLUMES = "(volumes)"


class PodSync:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._files = OwnFiles(tools)
        self._starter = ContainerStarter(tools, self._files)
        self._stopper = ContainerStopper(tools)

    async def step(self, state: PodState) -> datetime | None:
        """Returns when to look again without being asked, None = when something happens."""
        await self._look(state)
        plan = self._plan(state)
        if plan.verdict == "run" and state.pod is not None:
            return await self._run(state, state.pod, plan)
        state.probes.keep_only(set())
        self._kill(state, plan)
        if plan.verdict == "stop":
            await self._write(state, plan)
        elif plan.verdict == "ended":
            await self._release(state, plan)
        else:
            await self._remove(state, plan)
        return None

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

    def _forget_tokens(self, state: PodState) -> None:
        if self._tools.tokens is not None:
            self._tools.tokens.forget(state.identity.uid)

    def _refresh(self, state: PodState, pod: Object) -> None:
        """What mounted files show may have changed; what waited for it may go on."""
        state.holds.clear()
        if state.released:
            return
        try:
            self._tools.volumes.refresh(pod, self._tools.projector())
        except (VolumeProblem, ProjectionProblem) as problem:
            # The files stay as they were, as in kubelet.
            self._tools.recorder.record(pod, "Warning", "FailedMount", str(problem))

    def _plan(self, state: PodState) -> PodPlan:
        if state.pod is None:
            return plan_orphan(state.observed)
        facts = PodFacts(
            health=self._health(state),
            restarts=restarts(state.pod, state.observed, namespace=self._namespace(state)),
            hooks_running=frozenset(state.hooks),
            gone=state.gone,
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

    # -- running -------------------------------------------------------------------------------

    async def _run(self, state: PodState, pod: Object, plan: PodPlan) -> datetime | None:
        self._kill(state, plan)
        self._tell_back_offs(state, pod, plan)
        started = False
        if plan.create_sandbox is not None or plan.start or self._lacks_address(state):
            started = await self._bring_up(state, pod, plan)
        self._tidy(state, plan)
        self._watch_health(state, pod)
        await self._write(state, plan)
        if started:
            # What came up may let the next one start.
            state.wake.set()
            if not any("waiting" in entry for entry in _main_states(state.pod)):
                state.trace.finish()
        return _earliest(plan.look_again_at, state.next_retry(), self._renew_tokens_at(state))

    def _tell_back_offs(self, state: PodState, pod: Object, plan: PodPlan) -> None:
        """Once for each container that has to wait."""
        waiting = {name for name, why in plan.waiting.items() if why.reason == "CrashLoopBackOff"}
        who = state.identity
        for name in sorted(waiting - state.backing_off):
            message = f"Back-off restarting failed container {name} in pod {who.name}"
            message += f"_{who.namespace}({who.uid})"
            self._tools.recorder.record(pod, "Warning", "BackOff", message)
        state.backing_off = waiting

    def _lacks_address(self, state: PodState) -> bool:
        sandbox = running_sandbox(state.observed)
        return sandbox is not None and state.address_of != sandbox.id

    async def _bring_up(self, state: PodState, pod: Object, plan: PodPlan) -> bool:
        """Sandbox, volumes and images side by side, then address, then containers."""
        sandbox, ready, wanted, _ = await asyncio.gather(
            self._sandbox(state, pod, plan),
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
            await self._attach(state, pod, sandbox)
        elif state.address_of != sandbox.id:
            # Mounts need the files now; the address is written into them when it is known.
            self._files.write(pod, "")
        results = await asyncio.gather(
            self._attach(state, pod, sandbox),
            *(self._starter.create(state, pod, sandbox.id, one) for one in wanted),
            return_exceptions=True,
        )
        created = [result for result in results if isinstance(result, Created)]
        if any(isinstance(result, BaseException) for result in results):
            state.stale = True
            raise next(result for result in results if isinstance(result, BaseException))
        await asyncio.gather(*(self._starter.start(state, pod, one) for one in created))
        return bool(created)

    async def _sandbox(self, state: PodState, pod: Object, plan: PodPlan) -> Sandbox:
        current = running_sandbox(state.observed)
        if plan.create_sandbox is None:
            assert current is not None
            return current
        for old in plan.remove_sandboxes:
            await self._tools.runtime.remove_sandbox(old)
        if plan.create_sandbox > 0:
            message = "Pod sandbox changed, it will be killed and re-created."
            self._tools.recorder.record(pod, "Normal", "SandboxChanged", message)
        try:
            with state.trace.step("sandbox"):
                spec = sandbox_spec(pod, plan.create_sandbox)
                sandbox = await self._tools.runtime.run_sandbox(spec)
        except (RuntimeFailure, SpecProblem) as error:
            self._sandbox_failed(pod, str(error))
            raise
        self._tell_host_ports(pod)
        kept = [s for s in state.observed.sandboxes if s.id not in plan.remove_sandboxes]
        state.observed = replace(state.observed, sandboxes=(sandbox, *kept))
        state.released = False
        return sandbox

    def _tell_host_ports(self, pod: Object) -> None:
        if uses_host_network(pod):
            return
        for found in members(pod):
            for port in found.container.get("ports") or []:
                if port.get("hostPort"):
                    message = f"containers[{found.name}].ports: hostPort {port['hostPort']} is not "
                    message += "supported: use a Service of type NodePort, or hostNetwork"
                    self._tools.recorder.record(pod, "Warning", "HostPortNotSupported", message)

    async def _attach(self, state: PodState, pod: Object, sandbox: Sandbox) -> None:
        """Address and the files that show it; done once for each sandbox."""
        if state.address_of == sandbox.id:
            return
        if uses_host_network(pod):
            state.address = self._tools.settings.host_ip
        else:
            try:
                with state.trace.step("network"):
                    address = await self._tools.network.attach(state.identity.uid, sandbox.pid)
            except Exception as error:
                self._sandbox_failed(pod, f"failed to set up its network: {error}")
                raise
            state.address = address.ip
        self._files.write(pod, state.address)
        state.address_of = sandbox.id

    def _sandbox_failed(self, pod: Object, why: str) -> None:
        message = f"Failed to create pod sandbox: {why}"
        self._tools.recorder.record(pod, "Warning", "FailedCreatePodSandBox", message)

    async def _volumes(self, state: PodState, pod: Object, plan: PodPlan) -> bool:
        """True when all are there."""
        if state.volumes is not None or not plan.start:
            return True
        if state.is_held(_VOLUMES, self._tools.clock()):
            return False
        try:
            with state.trace.step("volumes"):
                state.volumes = await self._tools.volumes.set_up(pod, self._tools.projector())
        except VolumeProblem as problem:
            self._tools.recorder.record(pod, "Warning", "FailedMount", str(problem))
            if problem.unsupported:
                waiting = Waiting("CreateContainerConfigError", str(problem))
                state.waiting.update({found.name: waiting for found in members(pod)})
            state.hold(_VOLUMES, self._tools.clock())
            return False
        state.succeeded(_VOLUMES)
        return True

    def _tidy(self, state: PodState, plan: PodPlan) -> None:
        """Old containers and sandboxes go beside the work, not before it."""
        sandboxes = () if plan.create_sandbox is not None else plan.remove_sandboxes
        if not plan.remove_containers and not sandboxes:
            return
        gone = set(plan.remove_containers) | set(sandboxes)
        state.observed = _without(state.observed, gone)
        state.spawn(self._remove_from_runtime(plan.remove_containers, sandboxes), "tidy")

    async def _remove_from_runtime(
        self, containers: tuple[str, ...], sandboxes: tuple[str, ...]
    ) -> None:
        runtime = self._tools.runtime
        await asyncio.gather(*(runtime.remove_container(one) for one in containers))
        await asyncio.gather(*(runtime.remove_sandbox(one) for one in sandboxes))

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
        failure = (plan.failure.reason, plan.failure.message) if plan.failure else None
        waiting = {**state.waiting, **plan.waiting}
        await write_status(
            self._tools, state, self._health(state), waiting, over=over, failure=failure
        )

    # -- the end -------------------------------------------------------------------------------

    async def _release(self, state: PodState, plan: PodPlan) -> None:
        """The pod has run its course: containers stay for their logs, all else is given back."""
        await self._write(state, plan, over=True)
        if state.released:
            return
        await self._remove_from_runtime(plan.remove_containers, plan.remove_sandboxes)
        gone = {*plan.remove_containers, *plan.remove_sandboxes}
        state.observed = _without(state.observed, gone)
        await self._tools.network.release(state.identity.uid)
        await self._tools.volumes.tear_down(state.identity.uid)
        self._forget_tokens(state)
        state.volumes, state.released = None, True

    async def _remove(self, state: PodState, plan: PodPlan) -> None:
        """Nothing of the pod may be left; then, and only then, the store is told."""
        identity = state.identity
        state.cancel_children()
        await self._write(state, plan, over=True)
        await self._remove_from_runtime(plan.remove_containers, plan.remove_sandboxes)
        await self._tools.network.release(identity.uid)
        await self._tools.files.remove(self._tools.pod_dir(identity.uid))
        self._forget_tokens(state)
        if state.pod is not None and not state.gone:
            # Gone already, or another pod of the same name: ours is done either way.
            with suppress(NotFound, Conflict):
                await self._tools.resources.finish_pod_deletion(
                    identity.namespace, identity.name, identity.uid
                )
        state.done = True


def _main_states(pod: Object | None) -> list[Object]:
    status = (pod or {}).get("status") or {}
    return [entry.get("state") or {} for entry in status.get("containerStatuses") or []]


def _without(observed: ObservedPod, gone: set[str]) -> ObservedPod:
    containers: list[ObservedContainer] = [c for c in observed.containers if c.id not in gone]
    sandboxes = [s for s in observed.sandboxes if s.id not in gone]
    return replace(observed, containers=tuple(containers), sandboxes=tuple(sandboxes))


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
