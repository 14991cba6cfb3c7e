"""Logs, exec, attach and port-forward of the pods on this node, for the API server.

Which container is meant, and whether it can be had, is answered here with ApiErrors in kubelet's
words; bytes come straight from the runtime.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from minikube_py.container_runtime.interface import (
    ContainerRuntime,
    ExecSession,
    LogOptions,
    NoSuchContainer,
    ObservedContainer,
    ObservedPod,
    RuntimeFailure,
)
from minikube_py.kinds.catalog import POD
from minikube_py.kubelet.facts import attempts_of, is_leftover, is_running, running_sandbox
from minikube_py.kubelet.netns import connect_inside
from minikube_py.kubelet.podspec import Member, annotation, members, members_of, previous_status
from minikube_py.kubelet.podspec import uses_host_network as on_host_network
from minikube_py.meta.errors import BadRequest, InternalError, NotFound
from minikube_py.meta.objects import Object, get_path, name_of, uid_of
from minikube_py.meta.timestamps import Clock

DEFAULT_CONTAINER_ANNOTATION = "kubectl.kubernetes.io/default-container"
_CONNECT_SECONDS = 5.0


class LogRequest(Protocol):
    """`tail` counts lines, `limit_bytes` bytes; `since_seconds` and `since_time` exclude each
    other.
    """

    @property
    def follow(self) -> bool: ...
    @property
    def previous(self) -> bool: ...
    @property
    def tail(self) -> int | None: ...
    @property
    def since_seconds(self) -> int | None: ...
    @property
    def since_time(self) -> datetime | None: ...
    @property
    def timestamps(self) -> bool: ...
    @property
    def limit_bytes(self) -> int | None: ...
    @property
    def stream(self) -> str: ...


class PodReader(Protocol):
    """The one thing streams ask of the resources."""

    def __call__(self, namespace: str, name: str) -> Object | None: ...


class PodStreams:
    def __init__(self, runtime: ContainerRuntime, read_pod: PodReader, clock: Clock) -> None:
        self._runtime = runtime
        self._read_pod = read_pod
        self._clock = clock

    async def logs(
        self, namespace: str, pod: str, container: str | None, options: LogRequest
    ) -> AsyncIterator[bytes]:
        """Whole lines; ends with the container, or at once when not following."""
        obj = self._pod(namespace, pod)
        member = self._choose(obj, container)
        observed = await self._observe(obj)
        found = _log_container(obj, member, observed, previous=options.previous)
        return self._lines(found.id, options)

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str | None,
        command: Sequence[str],
        *,
        stdin: bool,
        tty: bool,
    ) -> ExecSession:
        found = await self._running(namespace, pod, container)
        try:
            return await self._runtime.exec(found.id, command, stdin=stdin, tty=tty)
        except RuntimeFailure as error:
            raise InternalError(f"error executing command in container: {error}") from error

    async def attach(
        self, namespace: str, pod: str, container: str | None, *, stdin: bool, tty: bool
    ) -> ExecSession:
        found = await self._running(namespace, pod, container)
        try:
            return await self._runtime.attach(found.id, stdin=stdin, tty=tty)
        except RuntimeFailure as error:
            raise InternalError(f"error attaching to container: {error}") from error

    async def port_forward(
        self, namespace: str, pod: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to a port of the pod; raises BadRequest when nothing listens there."""
        obj = self._pod(namespace, pod)
        observed = await self._observe(obj)
        sandbox = running_sandbox(observed)
        if sandbox is None:
            raise BadRequest(f"pod {pod} is not running; current phase is {_phase(obj)}")
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                if on_host_network(obj):
                    return await asyncio.open_connection("127.0.0.1", port)
                return await connect_inside(sandbox.pid, port)
        except (OSError, TimeoutError) as error:
            why = str(error) or "timed out"
            message = f"error forwarding port {port} to pod {pod}, uid {uid_of(obj)}: {why}"
            raise BadRequest(message) from error

    # -- which one -----------------------------------------------------------------------------

    def _pod(self, namespace: str, name: str) -> Object:
        found = self._read_pod(namespace, name)
        if found is None:
            raise NotFound.of(POD.group, POD.plural, name)
        return found

    def _choose(self, pod: Object, name: str | None) -> Member:
        known = members(pod)
        if name:
            for member in known:
                if member.name == name:
                    return member
            raise BadRequest(f"container {name} is not valid for pod {name_of(pod)}")
        default = annotation(pod, DEFAULT_CONTAINER_ANNOTATION)
        for member in known:
            if member.name == default:
                return member
        mains = members_of(pod, "main")
        if len(mains) == 1:
            return mains[0]
        raise BadRequest(_ambiguous(pod))

    async def _observe(self, pod: Object) -> ObservedPod:
        try:
            observed = await self._runtime.observe_pod(uid_of(pod))
        except RuntimeFailure as error:
            raise InternalError(f"the container runtime does not answer: {error}") from error
        if observed is None:
            raise BadRequest(f"pod {name_of(pod)} has no containers yet")
        return observed

    async def _running(self, namespace: str, pod: str, container: str | None) -> ObservedContainer:
        obj = self._pod(namespace, pod)
        member = self._choose(obj, container)
        if _phase(obj) in ("Succeeded", "Failed"):
            raise BadRequest(
                "cannot exec into a container in a completed pod; current phase is " + _phase(obj)
            )
        attempts = attempts_of(await self._observe(obj), member.name)
        if not attempts or not is_running(attempts[0]):
            raise BadRequest(f'container "{member.name}" in pod "{pod}" is not running')
        return attempts[0]

    async def _lines(self, container_id: str, options: LogRequest) -> AsyncIterator[bytes]:
        left = options.limit_bytes
        try:
            async for stream, line in self._runtime.logs(container_id, self._log_options(options)):
                if options.stream not in ("All", stream.capitalize()):
                    continue
                if left is not None and len(line) >= left:
                    yield line[:left]
                    return
                if left is not None:
                    left -= len(line)
                yield line
        except NoSuchContainer:
            return

    def _log_options(self, options: LogRequest) -> LogOptions:
        since = options.since_time
        if options.since_seconds is not None:
            since = self._clock() - timedelta(seconds=options.since_seconds)
        return LogOptions(
            follow=options.follow,
            tail=options.tail,
            since=since,
            timestamps=options.timestamps,
        )


def _log_container(
    pod: Object, member: Member, observed: ObservedPod, *, previous: bool
) -> ObservedContainer:
    attempts = [c for c in attempts_of(observed, member.name) if not is_leftover(c)]
    if previous:
        if len(attempts) < 2:
            message = f'previous terminated container "{member.name}" in pod "{name_of(pod)}"'
            raise BadRequest(f"{message} not found")
        return attempts[1]
    if not attempts:
        waiting = previous_status(pod, member.name).get("state", {}).get("waiting") or {}
        reason = waiting.get("reason") or "ContainerCreating"
        raise BadRequest(
            f'container "{member.name}" in pod "{name_of(pod)}" is waiting to start: {reason}'
        )
    return attempts[0]


def _ambiguous(pod: Object) -> str:
    mains = " ".join(member.name for member in members_of(pod, "main"))
    message = f"a container name must be specified for pod {name_of(pod)}, choose one of: [{mains}]"
    inits = " ".join(member.name for member in members_of(pod, "init", "sidecar"))
    return f"{message} or one of the init containers: [{inits}]" if inits else message


def _phase(pod: Object) -> str:
    return str(get_path(pod, "status", "phase", default="Pending"))
