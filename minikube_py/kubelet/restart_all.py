"""One container's exit may restart its whole pod where it is (KEP-5532): same sandbox, address and
volumes, all containers anew from the first init container on. Pure.

In three steps, told apart by the condition in the pod's status, so that a daemon killed anywhere
goes on where it was: all are killed, then removed, and only when none is left the condition says
so and the pod starts as any other does.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from minikube_py.container_runtime.interface import ObservedContainer, ObservedPod
from minikube_py.kubelet.facts import (
    Restart,
    attempts_of,
    crash_loop,
    exit_code,
    finished_at,
    has_ended,
    is_running,
    running_sandbox,
)
from minikube_py.kubelet.pod_plan import Kill, PodPlan
from minikube_py.kubelet.podspec import RESTART_ALL, Member, matching_action, members_of
from minikube_py.meta.objects import Object, is_condition_true

CONDITION = "AllContainersRestarting"
_FIRST_DELAY, _LONGEST_DELAY, _CALM_SECONDS = 10.0, 300.0, 600.0
_MOST_DOUBLINGS = 10


def may_restart_all(pod: Object) -> bool:
    """Whether one of its rules asks for it."""
    return any(
        rule.get("action") == RESTART_ALL
        for member in _restarted(pod)
        for rule in member.container.get("restartPolicyRules") or []
    )


def cause_of(pod: Object, observed: ObservedPod) -> ObservedContainer | None:
    """The container whose end restarts all."""
    sandbox = running_sandbox(observed)
    if sandbox is None:
        return None
    for member in _restarted(pod):
        latest = next(iter(attempts_of(observed, member.name)), None)
        if latest is not None and latest.sandbox_id == sandbox.id and restarts_all(member, latest):
            return latest
    return None


def restarts_all(member: Member, container: ObservedContainer) -> bool:
    if not has_ended(container):
        return False
    return matching_action(member.container, exit_code(container)) == RESTART_ALL


def next_restart_of_all(cause: ObservedContainer, limit: float) -> Restart:
    """The row of a crashing container. Its earlier attempts are gone: what is left of them is how
    many there were.
    """
    end = finished_at(cause)
    ran = (end - cause.created_at).total_seconds()
    delay = 0.0
    if cause.attempt and ran <= _CALM_SECONDS:
        delay = min(_FIRST_DELAY * 2 ** min(cause.attempt - 1, _MOST_DOUBLINGS), _LONGEST_DELAY)
    delay = min(delay, limit)
    return Restart(end + timedelta(seconds=delay), delay)


def plan_restart_all(
    pod: Object, observed: ObservedPod, now: datetime, restarts: Mapping[str, Restart]
) -> PodPlan | None:
    """None when it is not (any more) the time for it."""
    begun, cause = is_condition_true(pod, CONDITION), cause_of(pod, observed)
    if cause is None and not begun:
        return None
    kept = {member.name for member in members_of(pod, "ephemeral")}
    old = [container for container in observed.containers if container.name not in kept]
    if running := [container for container in old if is_running(container)]:
        # Neither a grace nor preStop hooks: the pod does not leave.
        why = "Pod restarts all of its containers"
        return PodPlan("run", kill=tuple(Kill(c.id, c.name, 0.0, why) for c in running))
    plan = PodPlan("run", look_again_at=now)
    if not begun:
        return plan
    wait = restarts.get(cause.name) if cause is not None else None
    if cause is not None and wait is not None and wait.at > now:
        waiting = {cause.name: crash_loop(pod, cause.name, wait.delay)}
        return replace(plan, look_again_at=wait.at, waiting=waiting)
    return replace(plan, remove_containers=tuple(c.id for c in old), removes_first=True)


def restart_condition(pod: Object, observed: ObservedPod) -> tuple[bool, str, str] | None:
    """None for a pod that never does it."""
    if not may_restart_all(pod):
        return None
    cause = cause_of(pod, observed)
    if cause is not None:
        message = f"Container {cause.name} exited with code {exit_code(cause)}, "
        return True, "ContainerExited", message + "restarting all containers of the pod"
    kept = {member.name for member in members_of(pod, "ephemeral")}
    left = any(container.name not in kept for container in observed.containers)
    if left and is_condition_true(pod, CONDITION):
        return True, "ContainerExited", "restarting all containers of the pod"
    return False, "", ""


def _restarted(pod: Object) -> list[Member]:
    return members_of(pod, "init", "sidecar", "main")
