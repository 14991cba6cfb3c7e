"""Brings one container up: image, environment, mounts, create, start, postStart hook.

A container that can't be had is left waiting with kubelet's reason and tried again; it never keeps
its siblings from starting.
"""

from dataclasses import dataclass, replace
from functools import partial

from minikube_py.container_runtime.interface import (
    ContainerSpec,
    ImageInfo,
    Mount,
    ObservedContainer,
    RuntimeFailure,
    RuntimeUnavailable,
    StartFailed,
)
from minikube_py.kubelet.backoff import DELAY_ANNOTATION
from minikube_py.kubelet.container_spec import SpecProblem, Surroundings, container_spec
from minikube_py.kubelet.environment import EnvironmentProblem, environment, wants_address
from minikube_py.kubelet.facts import ASKED_ANNOTATION, Waiting, attempts_of, is_running
from minikube_py.kubelet.host_files import FileProblem
from minikube_py.kubelet.images import NeedsPull, Present, PullFailed, Refused, pull_scope
from minikube_py.kubelet.own_files import OwnFiles
from minikube_py.kubelet.pod_plan import Start
from minikube_py.kubelet.pod_state import Hold, PodState
from minikube_py.kubelet.podspec import Member, asked_to_restart, asked_to_restart_at, member
from minikube_py.kubelet.probe_actions import ProbeTarget
from minikube_py.kubelet.security import seccomp_file
from minikube_py.kubelet.shared_limits import SharedLimits
from minikube_py.kubelet.tools import Tools
from minikube_py.kubelet.volumes import VolumeProblem
from minikube_py.meta.objects import Object, get_path, name_of

_HOOK_SECONDS = 86_400.0
_PROFILE_BYTES = 1 << 20


@dataclass(frozen=True)
class Wanted:
    """A container whose image is there: it may be created. `note`: the Pulled event's text, "" when
    that was told.
    """

    start: Start
    member: Member
    image: ImageInfo
    note: str = ""


@dataclass(frozen=True)
class Created:
    wanted: Wanted
    container_id: str
    spec: ContainerSpec


class ContainerStarter:
    def __init__(self, tools: Tools, own_files: OwnFiles) -> None:
        self._tools = tools
        self._own_files = own_files
        self._shared = SharedLimits(tools)

    # -- image ---------------------------------------------------------------------------------

    async def want(self, state: PodState, pod: Object, start: Start) -> Wanted | None:
        """None when it has to wait; its reason is in `state.waiting`."""
        found = member(pod, start.name)
        if found is None or start.name in state.pulls:
            return None
        if state.is_held(start.name, self._tools.clock()):
            return None
        verdict = await self._tools.images.look(
            found.container,
            pulled=start.name in state.pulled,
            asked_at=asked_to_restart_at(pod),
            scope=pull_scope(pod),
            secrets=lambda: self._tools.reader.pull_secrets(pod),
        )
        if isinstance(verdict, Present):
            note = "" if start.name in state.pulled else verdict.note
            return Wanted(start, found, verdict.image, note)
        if isinstance(verdict, NeedsPull):
            pull = self._pull(state, pod, start.name, verdict)
            state.pulls[start.name] = state.spawn(pull, f"pull {verdict.reference}")
            return None
        self._refuse(state, pod, start.name, verdict)
        return None

    def _refuse(self, state: PodState, pod: Object, name: str, refused: Refused) -> None:
        reason, message = refused.waiting.reason, refused.waiting.message
        if state.waiting.get(name) != refused.waiting:
            state.waiting[name] = refused.waiting
            record = partial(self._tools.tell, pod, name)
            if reason == "ImagePullBackOff":
                record("Normal", "BackOff", message)
                record("Warning", "Failed", "Error: ImagePullBackOff")
            else:
                kind = "InspectFailed" if reason == "InvalidImageName" else reason
                record("Warning", kind, message)
                record("Warning", "Failed", f"Error: {reason}")
        if refused.until is not None:
            state.holds[name] = Hold(refused.until, 0.0)
        else:
            state.hold(name, self._tools.clock())

    async def _pull(self, state: PodState, pod: Object, name: str, wanted: NeedsPull) -> None:
        record = partial(self._tools.tell, pod, name)
        reference = wanted.reference
        record("Normal", "Pulling", f'Pulling image "{reference}"')
        try:
            secrets = self._pull_secrets(pod)
            pulled = await self._tools.images.pull(reference, secrets, pull_scope(pod))
        except PullFailed as error:
            message = f'Failed to pull image "{reference}": {error}'
            record("Warning", "Failed", message)
            if wanted.fallback is None:
                record("Warning", "Failed", "Error: ErrImagePull")
                state.waiting[name] = Waiting("ErrImagePull", str(error))
                state.hold(name, self._tools.clock())
        else:
            state.pulled.add(name)
            state.succeeded(name)
            record("Normal", "Pulled", f'Successfully pulled image "{reference}" {pulled}')
        finally:
            state.pulls.pop(name, None)

    def _pull_secrets(self, pod: Object) -> list[Object]:
        found = self._tools.reader.pull_secrets(pod)
        known = {name_of(secret) for secret in found}
        wanted = [one.get("name", "") for one in get_path(pod, "spec", "imagePullSecrets") or []]
        if missing := [name for name in wanted if name not in known]:
            message = f"Unable to retrieve some image pull secrets ({', '.join(missing)}); "
            message += "attempting to pull the image may not succeed."
            record = self._tools.recorder.record
            record(pod, "Warning", "FailedToRetrieveImagePullSecret", message)
        return found

    # -- create --------------------------------------------------------------------------------

    def wants_address(self, wanted: Wanted) -> bool:
        return wants_address(wanted.member.container)

    async def create(
        self, state: PodState, pod: Object, sandbox_id: str, wanted: Wanted
    ) -> Created | None:
        """None when it can't be created now; its reason is in `state.waiting`."""
        name = wanted.start.name
        state.pulled.discard(name)
        if wanted.note:
            self._tools.tell(pod, name, "Normal", "Pulled", wanted.note)
        try:
            spec = await self._spec(state, pod, sandbox_id, wanted)
            with state.trace.step("create"):
                container_id = await self._tools.runtime.create_container(spec)
        except RuntimeUnavailable:
            raise
        except (EnvironmentProblem, SpecProblem, VolumeProblem, FileProblem) as error:
            self._fail(state, pod, name, Waiting("CreateContainerConfigError", str(error)))
            return None
        except RuntimeFailure as error:
            self._fail(state, pod, name, Waiting("CreateContainerError", str(error)))
            return None
        self._tools.tell(pod, name, "Normal", "Created", f"Created container: {name}")
        return Created(wanted, container_id, spec)

    async def _spec(
        self, state: PodState, pod: Object, sandbox_id: str, wanted: Wanted
    ) -> ContainerSpec:
        tools, found = self._tools, wanted.member
        made = environment(
            pod,
            found.container,
            tools.place(pod, state.address),
            tools.reader.look_up,
            tools.reader.services(state.identity.namespace),
        )
        if made.skipped:
            message = f"Keys [{', '.join(made.skipped)}] from envFrom were skipped since they are "
            message += "considered invalid environment variable names."
            tools.tell(pod, found.name, "Warning", "InvalidEnvironmentVariableNames", message)
        mounts: tuple[Mount, ...] = await tools.volumes.mounts(
            pod, found, state.volumes or {}, made.variables
        )
        mounts += self._own_files.mounts(pod, found, wanted.start.attempt)
        annotations: dict[str, str] = {}
        if asked := asked_to_restart(pod):
            annotations[ASKED_ANNOTATION] = asked
        if wanted.start.delay is not None:
            annotations[DELAY_ANNOTATION] = f"{wanted.start.delay:g}"
        around = Surroundings(
            sandbox_id=sandbox_id,
            attempt=wanted.start.attempt,
            image=wanted.image,
            variables=made.variables,
            mounts=mounts,
            annotations=annotations,
            target_id=_target_id(state, found),
            seccomp=self._seccomp(pod, found),
            runtime=tools.reader.runtime_handler(pod),
            cgroup_parent=await self._shared.parent(state, pod, sandbox_id),
        )
        return container_spec(pod, found, around, tools.host)

    def _seccomp(self, pod: Object, found: Member) -> str:
        name = seccomp_file(pod, found.container)
        if not name:
            return ""
        path = self._tools.settings.data_dir / "seccomp" / name
        text = self._tools.files.read(path, _PROFILE_BYTES).decode(errors="replace")
        if not text:
            raise SpecProblem(
                f'failed to generate security options for container "{found.name}": cannot load '
                f'seccomp profile "{path}": no such file; put it there'
            )
        return text

    def _fail(self, state: PodState, pod: Object, name: str, waiting: Waiting) -> None:
        if state.waiting.get(name) != waiting:
            state.waiting[name] = waiting
            message = f"Error: {waiting.message}"
            self._tools.tell(pod, name, "Warning", "Failed", message)
        state.hold(name, self._tools.clock())

    # -- start ---------------------------------------------------------------------------------

    async def start(self, state: PodState, pod: Object, created: Created) -> None:
        """Runs it; one that could not be started is found as such by the next look."""
        name = created.wanted.start.name
        try:
            with state.trace.step("start"):
                await self._tools.runtime.start_container(created.container_id)
        except StartFailed as error:
            state.waiting[name] = Waiting("RunContainerError", str(error))
            state.look()
            message = f"Error: failed to start container {name}: {error}"
            self._tools.tell(pod, name, "Warning", "Failed", message)
            return
        state.succeeded(name)
        state.add(self._as_running(state, created))
        self._tools.tell(pod, name, "Normal", "Started", f"Started container {name}")
        hook = get_path(created.wanted.member.container, "lifecycle", "postStart")
        if hook:
            work = self._post_start(state, pod, created, hook)
            state.hooks[created.container_id] = state.spawn(work, f"postStart {name}")

    def _as_running(self, state: PodState, created: Created) -> ObservedContainer:
        now, spec = self._tools.clock(), created.spec
        return ObservedContainer(
            id=created.container_id,
            pod=state.identity,
            sandbox_id=spec.sandbox_id,
            name=spec.name,
            image=spec.image,
            image_id=created.wanted.image.id,
            attempt=spec.attempt,
            state="running",
            created_at=now,
            started_at=now,
            spec_hash=spec.spec_hash,
            annotations=spec.annotations,
            resources=replace(spec.resources, oom_score_adj=0),
        )

    async def _post_start(
        self, state: PodState, pod: Object, created: Created, hook: dict[str, object]
    ) -> None:
        found = created.wanted.member
        target = ProbeTarget(created.container_id, found.container, state.address)
        try:
            outcome = await self._tools.actions.run_hook(hook, target, _HOOK_SECONDS)
            if not outcome.ok:
                state.hook_failures[created.container_id] = "FailedPostStartHook"
                message = f"PostStartHook failed: {outcome.message}"
                self._tools.tell(pod, found.name, "Warning", "FailedPostStartHook", message)
        finally:
            state.hooks.pop(created.container_id, None)


def _target_id(state: PodState, found: Member) -> str:
    """ "" when the target does not run: the debugger comes up without it, as in kubelet."""
    name = str(found.container.get("targetContainerName") or "")
    running = [c for c in attempts_of(state.observed, name) if is_running(c)] if name else []
    return running[0].id if running else ""
