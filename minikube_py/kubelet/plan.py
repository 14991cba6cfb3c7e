"""Decides what has to happen to one pod next, from its object and what the runtime has of it.

Pure: the same input gives the same plan, so a daemon that was killed anywhere goes on by looking
again. `sync` carries a plan out and then looks again; a plan holds only what can be done now, never
what comes after it. The rules are those of kubelet's computePodActions.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from minikube_py.container_runtime.interface import ObservedContainer, ObservedPod, Sandbox
from minikube_py.kubelet.facts import (
    HEALTHY,
    Health,
    PodFacts,
    Waiting,
    attempts_of,
    crash_loop,
    exit_code,
    has_ended,
    is_asked_to_restart,
    is_leftover,
    is_running,
    next_attempt,
    running_sandbox,
)
from minikube_py.kubelet.pod_plan import Failure, Kill, PodPlan, Start, Verdict
from minikube_py.kubelet.podspec import (
    Member,
    active_deadline,
    comes_back_after,
    grace_seconds,
    is_finished,
    members,
    members_of,
    remaining_grace,
    restart_policy,
)
from minikube_py.kubelet.restart_all import CONDITION as RESTARTING
from minikube_py.kubelet.restart_all import plan_restart_all
from minikube_py.meta.objects import (
    Object,
    is_condition_true,
    is_deleting,
)

GONE_GRACE_SECONDS = 2.0
"""For a pod removed from the store by force: kubelet's minimum."""
EVICTION_GRACE_SECONDS = 1.0
"""kubelet's immediateEvictionGracePeriodSeconds."""


def plan_pod(pod: Object, observed: ObservedPod, now: datetime, facts: PodFacts) -> PodPlan:
    """The next step for `pod`."""
    if facts.gone or is_deleting(pod):
        grace = GONE_GRACE_SECONDS if facts.gone else remaining_grace(pod, now)
        return _plan_stop(pod, observed, _before_rest(grace, facts), "remove")
    if facts.resting is not None:
        return _plan_stop(pod, observed, _before_rest(grace_seconds(pod), facts), "rest")
    failure = Failure(*facts.rejected) if facts.rejected else _deadline_failure(pod, now)
    if facts.evicted and not is_finished(pod):
        failure = Failure("Evicted", facts.evicted, facts.disrupted)
        return _plan_stop(pod, observed, EVICTION_GRACE_SECONDS, "ended", failure)
    if failure or is_finished(pod):
        plan = _plan_stop(pod, observed, grace_seconds(pod), "ended", failure)
        everything = tuple(c.id for c in observed.containers)
        return replace(plan, remove_containers=everything) if facts.reclaim else plan
    sandbox = running_sandbox(observed)
    if sandbox is None:
        plan = _plan_sandbox(pod, observed)
    else:
        plan = plan_restart_all(pod, observed, now, facts.restarts) or (
            _Planner(pod, observed, sandbox, now, facts).plan()
        )
    return _with_deadline(plan, active_deadline(pod))


def _before_rest(grace: float, facts: PodFacts) -> float:
    return grace if facts.resting is None else min(grace, facts.resting)


def plan_orphan(observed: ObservedPod) -> PodPlan:
    """For containers whose pod the store does not know (any more)."""
    pod: Object = {"metadata": {}, "spec": {}}
    return _plan_stop(pod, observed, GONE_GRACE_SECONDS, "remove")


def _deadline_failure(pod: Object, now: datetime) -> Failure | None:
    deadline = active_deadline(pod)
    if deadline is None or now < deadline or is_finished(pod):
        return None
    return Failure(
        "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"
    )


def _with_deadline(plan: PodPlan, deadline: datetime | None) -> PodPlan:
    if deadline is None or plan.verdict != "run":
        return plan
    return replace(plan, look_again_at=_earliest(plan.look_again_at, deadline))


# -- the end -----------------------------------------------------------------------------------


def _plan_stop(
    pod: Object,
    observed: ObservedPod,
    grace: float,
    verdict: Verdict,
    failure: Failure | None = None,
) -> PodPlan:
    running = [container for container in observed.containers if is_running(container)]
    if running:
        victims = _next_to_stop(pod, running, grace)
        kill = tuple(Kill(c.id, c.name, grace, f"Stopping container {c.name}") for c in victims)
        return PodPlan("stop", kill=kill, failure=failure)
    everything = verdict == "remove"
    return PodPlan(
        verdict,
        remove_containers=tuple(c.id for c in observed.containers if everything or is_leftover(c)),
        remove_sandboxes=tuple(s.id for s in observed.sandboxes),
        failure=failure,
    )


def _next_to_stop(
    pod: Object, running: list[ObservedContainer], grace: float
) -> list[ObservedContainer]:
    """Sidecars go after everything else, last one first; a grace that is over ends the order."""
    sidecars = [member.name for member in members_of(pod, "sidecar")]
    others = [container for container in running if container.name not in sidecars]
    if others and grace > 0:
        return others
    if not others and grace > 0:
        last = max(running, key=lambda c: sidecars.index(c.name))
        return [last]
    return running


# -- a sandbox -----------------------------------------------------------------------------------


def _plan_sandbox(pod: Object, observed: ObservedPod) -> PodPlan:
    """There is none that runs: what is left of the old one goes first, then all starts anew."""
    running = [container for container in observed.containers if is_running(container)]
    if running:
        kill = tuple(
            Kill(
                c.id,
                c.name,
                grace_seconds(pod),
                "Pod sandbox changed, it will be killed and re-created.",
            )
            for c in running
        )
        return PodPlan("run", kill=kill)
    if not _deserves_sandbox(pod, observed):
        return _plan_stop(pod, observed, 0, "ended")
    old = tuple(sandbox.id for sandbox in observed.sandboxes)
    attempt = max((sandbox.attempt for sandbox in observed.sandboxes), default=-1) + 1
    return PodPlan(
        "run",
        create_sandbox=attempt,
        start=tuple(_first_starts(pod, observed)),
        remove_sandboxes=old,
        remove_containers=tuple(_leftovers(observed)) + tuple(_prunable(pod, observed)),
    )


def _deserves_sandbox(pod: Object, observed: ObservedPod) -> bool:
    """A pod that ran its course, or that may not be run twice, gets no second sandbox."""
    tried = [c for c in observed.containers if not is_leftover(c)]
    if not tried or is_condition_true(pod, RESTARTING):
        return True
    mains = members_of(pod, "main")
    for member in mains:
        latest = next(iter(attempts_of(observed, member.name)), None)
        if latest is None and restart_policy(pod, member.container) != "Never":
            return True
        if latest is not None and comes_back_after(pod, member.container, exit_code(latest)):
            return True
    return False


def _first_starts(pod: Object, observed: ObservedPod) -> Iterable[Start]:
    inits = members_of(pod, "init", "sidecar")
    for member in inits[:1] or members_of(pod, "main", "ephemeral"):
        yield Start(member.name, member.role, next_attempt(pod, observed, member.name))


# -- containers ----------------------------------------------------------------------------------


class _Planner:
    """One pass over the containers of a pod whose sandbox runs."""

    def __init__(
        self, pod: Object, observed: ObservedPod, sandbox: Sandbox, now: datetime, facts: PodFacts
    ) -> None:
        self._pod, self._observed, self._now, self._facts = pod, observed, now, facts
        self._sandbox = sandbox
        self._start: list[Start] = []
        self._kill: list[Kill] = []
        self._waiting: dict[str, Waiting] = {}
        self._look_again_at: datetime | None = None

    def plan(self) -> PodPlan:
        self._kill_strangers()
        if self._is_initialized():
            for member in members_of(self._pod, "sidecar"):
                self._keep(member)
            over = self._plan_main()
        else:
            over = self._plan_init()
        if over:
            return _plan_stop(self._pod, self._observed, grace_seconds(self._pod), "ended")
        return PodPlan(
            "run",
            kill=tuple(self._kill),
            start=tuple(self._start),
            waiting=self._waiting,
            remove_containers=(*_leftovers(self._observed), *_prunable(self._pod, self._observed)),
            remove_sandboxes=tuple(
                s.id for s in self._observed.sandboxes if s.id != self._sandbox.id
            ),
            look_again_at=self._look_again_at,
        )

    def _current(self, name: str) -> ObservedContainer | None:
        """The newest attempt in the running sandbox; one never started does not count."""
        for container in attempts_of(self._observed, name):
            if container.sandbox_id == self._sandbox.id and not is_leftover(container):
                return container
        return None

    def _health(self, container: ObservedContainer) -> Health:
        return self._facts.health.get(container.id, HEALTHY)

    def _kill_strangers(self) -> None:
        """Containers of an older sandbox, and doubles of an older attempt."""
        for container in self._observed.containers:
            if not is_running(container):
                continue
            current = self._current(container.name)
            if current is None or current.id != container.id:
                self._add_kill(container, "Container belongs to an older attempt of its pod.")

    def _is_initialized(self) -> bool:
        mains = members_of(self._pod, "main")
        return any(self._current(m.name) for m in mains) or not members_of(
            self._pod, "init", "sidecar"
        )

    def _plan_init(self) -> bool:
        """One at a time, in order; True when the pod has failed in one."""
        for member in members_of(self._pod, "init", "sidecar"):
            current = self._current(member.name)
            if member.role == "sidecar":
                if not self._keep(member):
                    return False
            elif current is None:
                self._start_new(member)
                return False
            elif is_running(current):
                return False
            elif exit_code(current) != 0:
                return self._retry_init(member, current)
        self._plan_main()
        return False

    def _retry_init(self, member: Member, failed: ObservedContainer) -> bool:
        if not comes_back_after(self._pod, member.container, exit_code(failed)):
            return True
        self._start_again(member)
        return False

    def _plan_main(self) -> bool:
        """True when every main container has ended for good."""
        ended = 0
        mains = members_of(self._pod, "main")
        for member in mains:
            current = self._current(member.name)
            if current is not None and has_ended(current) and not self._comes_back(member, current):
                ended += 1
                continue
            self._keep(member)
            if self._blocks_next(member, current):
                return False
        for member in members_of(self._pod, "ephemeral"):
            if not attempts_of(self._observed, member.name):
                self._start_new(member)
        return ended == len(mains)

    def _blocks_next(self, member: Member, current: ObservedContainer | None) -> bool:
        """The next container waits for this one's postStart hook, as in kubelet."""
        if not (member.container.get("lifecycle") or {}).get("postStart"):
            return False
        return current is None or (is_running(current) and self._hook_runs(current))

    def _hook_runs(self, current: ObservedContainer) -> bool:
        return current.id in self._facts.hooks_running

    def _keep(self, member: Member) -> bool:
        """Keeps a container that should run running; True when it does, and has started."""
        current = self._current(member.name)
        if current is None:
            self._start_new(member)
            return False
        if has_ended(current):
            self._start_again(member)
            return False
        health = self._health(current)
        if current.spec_hash and current.spec_hash != member.hash:
            message = f"Container {member.name} definition changed, will be restarted"
            self._add_kill(current, message)
        elif health.failed:
            self._add_kill(current, health.failed, health.grace_seconds)
        elif current.id in self._facts.to_resize:
            message = f"Container {member.name} resize requires restart"
            self._add_kill(current, message)
        elif self._is_to_restart(member, current):
            self._add_kill(current, f"Container {member.name} is restarted as `mk restart` asked")
        return health.started

    def _is_to_restart(self, member: Member, container: ObservedContainer) -> bool:
        """By `mk restart`; one that must never run twice stays as it is."""
        if restart_policy(self._pod, member.container) == "Never":
            return False
        return is_asked_to_restart(self._pod, container)

    def _comes_back(self, member: Member, ended: ObservedContainer) -> bool:
        if ended.spec_hash and ended.spec_hash != member.hash:
            return True
        if ended.id in self._facts.to_resize:
            return True
        if self._is_to_restart(member, ended):
            return True
        if comes_back_after(self._pod, member.container, exit_code(ended)):
            return True
        # Ended well, but only because its probe had it stopped.
        policy = restart_policy(self._pod, member.container)
        return policy == "OnFailure" and bool(self._health(ended).failed)

    def _start_new(self, member: Member) -> None:
        attempt = next_attempt(self._pod, self._observed, member.name)
        self._start.append(Start(member.name, member.role, attempt))

    def _start_again(self, member: Member) -> None:
        restart = self._facts.restarts.get(member.name)
        if restart is not None and restart.at > self._now:
            self._waiting[member.name] = crash_loop(self._pod, member.name, restart.delay)
            self._look_again_at = _earliest(self._look_again_at, restart.at)
            return
        attempt = next_attempt(self._pod, self._observed, member.name)
        delay = restart.delay if restart is not None else 0.0
        self._start.append(Start(member.name, member.role, attempt, delay))

    def _add_kill(
        self, container: ObservedContainer, message: str, grace: float | None = None
    ) -> None:
        if any(kill.container_id == container.id for kill in self._kill):
            return
        seconds = grace_seconds(self._pod) if grace is None else grace
        self._kill.append(Kill(container.id, container.name, seconds, message))


def _leftovers(observed: ObservedPod) -> list[str]:
    """Created, never started: a daemon died between the two calls."""
    return [container.id for container in observed.containers if is_leftover(container)]


def _prunable(pod: Object, observed: ObservedPod) -> list[str]:
    """The newest ended attempt stays for its logs and its state, older ones go."""
    old: list[str] = []
    for member in members(pod):
        attempts = [c for c in attempts_of(observed, member.name) if not is_leftover(c)]
        ended = [c for c in attempts if not is_running(c)]
        # A newest attempt that has ended is the state itself; one before it is the last state.
        keep = 2 if attempts and not is_running(attempts[0]) else 1
        old += [c.id for c in ended[keep:]]
    return old


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
