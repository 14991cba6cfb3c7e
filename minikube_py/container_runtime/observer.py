"""What of this cluster exists on the engine, with few calls: one list, and an inspection of what
is not known already. Inspections are remembered only while the event stream is open, and forgotten
with each event of their container, so nothing old is ever answered.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from minikube_py.container_runtime import cgroups, labels, names, observe, writable_layers
from minikube_py.container_runtime.engine_calls import Call
from minikube_py.container_runtime.engine_socket import EngineSocket
from minikube_py.container_runtime.interface import (
    NoSuchContainer,
    ObservedContainer,
    ObservedPod,
    RuntimeEvent,
    RuntimeFailure,
    Sandbox,
)
from minikube_py.container_runtime.names import ContainerName
from minikube_py.container_runtime.usage import Stats
from minikube_py.meta.timestamps import Clock

_RECONNECT_SECONDS = (0.05, 0.2, 1.0, 2.0)
# What changes a container's state; exec_* would flood the stream with probes.
_ACTIONS = ("start", "die", "oom", "stop", "pause", "unpause", "destroy", "rename", "update")

_Item = Sandbox | ObservedContainer


class Observer:
    def __init__(self, call: Call, cluster: str, clock: Clock) -> None:
        self._call = call
        self._cluster = cluster
        self._clock = clock
        self._known: dict[str, tuple[str, _Item]] = {}
        self._changes: dict[str, int] = {}
        self._streams = 0

    async def pods(self) -> list[ObservedPod]:
        return observe.pods_from(await self._find({}))

    async def pod(self, uid: str) -> ObservedPod | None:
        found = await self._find({"name": [names.pod_name_filter(uid)]})
        return next((pod for pod in observe.pods_from(found) if pod.pod.uid == uid), None)

    async def stats(self) -> list[Stats]:
        now = self._clock()
        found = [item for item in await self._find({}) if isinstance(item, ObservedContainer)]
        return [one for item in found if (one := _stats(item, now)) is not None]

    def forget(self, container_id: str) -> None:
        """Something is being done to it."""
        self._known.pop(container_id, None)
        self._changes[container_id] = self._changes.get(container_id, 0) + 1

    async def events(self, socket: EngineSocket) -> AsyncIterator[RuntimeEvent]:
        """Endless. An event for everything comes first after each connection."""
        failures = 0
        while True:
            try:
                async for event in self._events_once(socket):
                    failures = 0
                    yield event
            except RuntimeFailure:
                failures += 1
            await asyncio.sleep(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])

    async def _events_once(self, socket: EngineSocket) -> AsyncIterator[RuntimeEvent]:
        filters = {
            "type": ["container"],
            "label": [f"{labels.CLUSTER}={self._cluster}"],
            "event": list(_ACTIONS),
        }
        query = {"filters": json.dumps(filters)}
        async with socket.request("GET", "/events", query=query) as stream:
            self._known.clear()
            self._streams += 1
            try:
                yield RuntimeEvent(pod_uid="", container_id="", action="connected")
                async for line in stream.lines():
                    if (event := self._event(json.loads(line))) is not None:
                        yield event
            finally:
                self._streams -= 1
                self._known.clear()

    def _event(self, said: Mapping[str, Any]) -> RuntimeEvent | None:
        actor = said["Actor"]
        self.forget(actor["ID"])
        if said["Action"] == "destroy":
            self._changes.pop(actor["ID"], None)
        name = names.parse_name(actor["Attributes"].get("name", ""))
        if name is None:
            return None  # the warm pool's
        return RuntimeEvent(name.pod.uid, actor["ID"], said["Action"])

    async def _find(self, extra: Mapping[str, Any]) -> Sequence[_Item]:
        filters = {"label": [f"{labels.CLUSTER}={self._cluster}"], **extra}
        entries = await self._call(lambda api: api.containers(all=True, filters=filters))
        if not extra:
            self._drop_all_but({entry["Id"] for entry in entries})
        found = await asyncio.gather(*(self._look(entry) for entry in entries))
        return [item for item in found if item is not None]

    async def _look(self, entry: Mapping[str, Any]) -> _Item | None:
        name, container = observe.listed_name(entry), entry["Id"]
        if name is None:
            return None
        state, item = self._known.get(container, ("", None))
        if item is not None and state == entry["State"]:
            return item
        before = self._changes.get(container, 0)
        try:
            inspected = await self._call(lambda api: api.inspect_container(container))
        except NoSuchContainer:
            return None
        item = _item(name, inspected)
        if self._streams and self._changes.get(container, 0) == before:
            self._known[container] = (inspected["State"]["Status"], item)
        return item

    def _drop_all_but(self, existing: set[str]) -> None:
        for container in self._known.keys() - existing:
            del self._known[container]
        for container in self._changes.keys() - existing:
            del self._changes[container]


def _item(name: ContainerName, inspected: Mapping[str, Any]) -> _Item:
    if name.is_sandbox:
        return observe.sandbox_from(name, inspected)
    found = observe.container_from(name, inspected)
    if found.writable_dir or not found.pid:
        return found
    return replace(found, writable_dir=writable_layers.of_process(found.pid))


def _stats(item: ObservedContainer, now: datetime) -> Stats | None:
    usage = cgroups.usage_of(item.pid) if item.state == "running" else None
    if usage is None:
        return None
    return Stats(
        container_id=item.id,
        pod_uid=item.pod.uid,
        container_name=item.name,
        cpu_nanoseconds=usage.cpu_nanoseconds,
        memory_working_set_bytes=usage.memory_bytes,
        read_at=now.astimezone(UTC),
        processes=usage.processes,
    )
