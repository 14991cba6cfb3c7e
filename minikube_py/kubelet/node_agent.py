"""Keeps this node's Node object and Lease: registered at start, a heartbeat every ten seconds, the
status whenever it changes and at least every five minutes.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

from minikube_py.container_runtime.interface import ContainerRuntime, ImageInfo, RuntimeFailure
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import LEASE, NODE
from minikube_py.kubelet.node import (
    HEARTBEAT_SECONDS,
    NodeFacts,
    bring_up_to_date,
    lease,
    new_node,
    node_status,
)
from minikube_py.kubelet.pressure import pressure_condition
from minikube_py.meta.errors import AlreadyExists, ApiError, NotFound
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import Clock, format_micro_time
from minikube_py.resources.resources import Resources
from minikube_py.store.interface import StoreUnavailable

log = logging.getLogger(__name__)

_LEASE_NAMESPACE = "kube-node-lease"
_STATUS_EVERY = 30
"""Heartbeats between two status reports when nothing changed: five minutes."""
_ENGINE_SECONDS = 5.0
_RETRY_SECONDS = 0.2
_NO_ANSWER = (
    f"no answer within {_ENGINE_SECONDS:g} s: its own log says why, restarting it may help "
    "(systemctl restart docker)"
)


class NodeAgent:
    def __init__(
        self,
        resources: Resources,
        runtime: ContainerRuntime,
        facts: NodeFacts,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._resources = resources
        self._runtime = runtime
        self._facts = facts
        self._recorder = recorder
        self._clock = clock
        self._hurry = asyncio.Event()
        self._missing = False
        self._changed = False

    def look(self) -> None:
        """The engine answers: a node that was not ready for want of it says so at once."""
        if self._facts.problem:
            self._hurry.set()

    def press(self, conditions: frozenset[str]) -> None:
        """The host runs short of something, or does not any more."""
        before = self._facts.pressures
        self._facts = replace(self._facts, pressures=conditions)
        self._changed = True
        self._hurry.set()
        for type_ in sorted(before ^ conditions):
            reason, _ = pressure_condition(type_, conditions)
            self._record_state(reason.replace("Kubelet", "Node", 1))

    async def register(self) -> None:
        """Makes the Node, or brings an older one up to date; then it is Ready."""
        while True:
            try:
                return await self._register()
            except (ApiError, StoreUnavailable, RuntimeFailure) as error:
                log.warning("node registration failed error=%s", error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _register(self) -> None:
        try:
            await self._resources.create(NODE, None, new_node(self._facts))
        except AlreadyExists:
            await self._resources.modify(
                NODE, None, self._facts.name, lambda node: bring_up_to_date(node, self._facts)
            )
        await self._report()
        await self._beat()

    async def run(self) -> None:
        """Ends only by cancellation."""
        beats = 0
        while True:
            await self._rest()
            beats += 1
            try:
                if not await self._is_registered():
                    continue
                await self._beat()
                if await self._engine_changed():
                    self._changed = True
                if self._changed or beats % _STATUS_EVERY == 0:
                    await self._report()
            except (ApiError, StoreUnavailable, RuntimeFailure) as error:
                log.warning("node heartbeat failed error=%s", error)

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await self._hurry.wait()
        self._hurry.clear()

    async def _report(self) -> None:
        """What could not be told is told with the next beat."""
        self._changed = False  # before it begins: what changes meanwhile is for the next one
        try:
            await self._write_status()
        except BaseException:
            self._changed = True
            raise

    async def _write_status(self) -> None:
        facts = self._facts = replace(self._facts, images=await self._images())
        now = self._clock()

        def change(node: Object) -> None:
            node["status"] = node_status(facts, node.get("status") or {}, now)

        await self._resources.update_status(NODE, None, self._facts.name, change)

    async def _is_registered(self) -> bool:
        """A Node that was deleted by hand comes back, but only a beat later: first its pods go."""
        if self._resources.get_or_none(NODE, None, self._facts.name) is not None:
            self._missing = False
        elif self._missing:
            self._missing = False
            await self._register()
        else:
            self._missing = True
        return not self._missing

    async def _images(self) -> tuple[ImageInfo, ...]:
        """Those known last while the engine does not answer: that it doesn't must be told too."""
        try:
            return tuple(await self._runtime.images())
        except RuntimeFailure:
            return self._facts.images

    async def _engine_changed(self) -> bool:
        before = self._facts.problem
        try:
            async with asyncio.timeout(_ENGINE_SECONDS):
                await self._runtime.ping()
            problem = ""
        except RuntimeFailure as error:
            problem = f"container runtime is down: {error}"
        except TimeoutError:
            problem = f"container runtime is down: {_NO_ANSWER}"
        self._facts = replace(self._facts, problem=problem)
        if bool(before) == bool(problem):
            return False
        self._tell(problem)
        return True

    def _tell(self, problem: str) -> None:
        name = self._facts.name
        node = self._resources.get_or_none(NODE, None, name)
        if node is None:
            return
        if problem:
            self._recorder.record(node, "Warning", "ContainerRuntimeDown", problem)
        state = "NodeNotReady" if problem else "NodeReady"
        self._recorder.record(node, "Normal", state, f"Node {name} status is now: {state}")

    def _record_state(self, state: str) -> None:
        name = self._facts.name
        node = self._resources.get_or_none(NODE, None, name)
        if node is not None:
            self._recorder.record(node, "Normal", state, f"Node {name} status is now: {state}")

    async def _beat(self) -> None:
        now = self._clock()

        def renew(obj: Object) -> None:
            obj["spec"]["renewTime"] = format_micro_time(now)
            obj["spec"]["holderIdentity"] = self._facts.name

        try:
            await self._resources.modify(LEASE, _LEASE_NAMESPACE, self._facts.name, renew)
        except NotFound:
            node = self._resources.get(NODE, None, self._facts.name)
            await self._resources.create(LEASE, _LEASE_NAMESPACE, lease(node, now))
