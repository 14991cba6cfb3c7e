"""Tells users what happened to an object, as core/v1 Events.

The same thing said again raises the first Event's count instead of making a new one (client-go's
EventCorrelator); one object that says too much is held back. An Event that cannot be written is
dropped: telling must never break doing.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, Literal, TypeVar

from minikube_py.kinds.catalog import EVENT
from minikube_py.meta.errors import ApiError, NotFound
from minikube_py.meta.objects import Object, get_path, name_of, object_reference
from minikube_py.meta.timestamps import Clock, format_time
from minikube_py.resources.options import WriteOptions
from minikube_py.resources.resources import Resources
from minikube_py.store.interface import StoreUnavailable

log = logging.getLogger(__name__)

V = TypeVar("V")
EventType = Literal["Normal", "Warning"]

_KEPT = 4096  # known Events and rate limits kept, least recently used dropped
_QUEUED = 1024  # events waiting to be written; more are dropped
_BURST = 25  # events of one object at once, then one every _REFILL_SECONDS
_REFILL_SECONDS = 300.0
_SIMILAR = 10  # different messages for one reason before they are summed up
_SIMILAR_SECONDS = 600.0
_MAX_MESSAGE = 1024

_serial = count()  # two recorders must not make the same name in the same microsecond


@dataclass(frozen=True)
class _Occurrence:
    involved: Object
    type: EventType
    reason: str
    message: str
    at: datetime
    host: str


@dataclass
class _Known:
    namespace: str
    name: str
    count: int


@dataclass
class _Bucket:
    tokens: float
    filled_at: datetime


class Recorder:
    """`component` is the Event's source, e.g. `deployment-controller`, and `host` where it runs.
    `of_each_node`: there is one on every node, so what it says of a Pod or a Node is from there.
    """

    def __init__(
        self,
        resources: Resources,
        component: str,
        clock: Clock,
        *,
        host: str = "",
        of_each_node: bool = False,
    ) -> None:
        self._resources = resources
        self._component = component
        self._clock = clock
        self._host = host
        self._of_each_node = of_each_node
        self._known: OrderedDict[tuple[str, ...], _Known] = OrderedDict()
        self._buckets: OrderedDict[tuple[str, ...], _Bucket] = OrderedDict()
        self._similar: OrderedDict[tuple[str, ...], tuple[datetime, set[str]]] = OrderedDict()
        self._queue: deque[_Occurrence] = deque()
        self._wake = asyncio.Event()

    def record(
        self,
        obj: Mapping[str, Any],
        type_: EventType,
        reason: str,
        message: str,
        *,
        field_path: str = "",
    ) -> None:
        """Queues the event for run() and returns at once; dropped when too many wait. `field_path`
        names a part of the object, like `spec.containers{app}`.
        """
        if len(self._queue) >= _QUEUED:
            log.debug("event dropped reason=%s message=%s", reason, message)
            return
        self._queue.append(self._occurrence(obj, type_, reason, message, field_path))
        self._wake.set()

    async def event(
        self,
        obj: Mapping[str, Any],
        type_: EventType,
        reason: str,
        message: str,
        *,
        field_path: str = "",
    ) -> None:
        """Writes the event before it returns. Never raises on API or store errors."""
        await self._write(self._occurrence(obj, type_, reason, message, field_path))

    async def run(self) -> None:
        """Writes what record() queued; ends only by cancellation."""
        while True:
            while self._queue:
                await self._write(self._queue.popleft())
            self._wake.clear()
            await self._wake.wait()

    def _occurrence(
        self,
        obj: Mapping[str, Any],
        type_: EventType,
        reason: str,
        message: str,
        field_path: str,
    ) -> _Occurrence:
        if len(message) > _MAX_MESSAGE:
            message = message[: _MAX_MESSAGE - 3] + "..."
        involved = object_reference(obj)
        if field_path:
            involved["fieldPath"] = field_path
        host = (self._of_each_node and _node_of(obj)) or self._host
        return _Occurrence(involved, type_, reason, message, self._clock(), host)

    async def _write(self, seen: _Occurrence) -> None:
        if not self._has_token(seen):
            return
        message = self._summed_up(seen)
        identity = (*_subject(seen.involved), seen.type, seen.reason, message)
        try:
            known = self._known.get(identity)
            if known is None or not await self._count_up(known, seen):
                known = await self._create(seen, message)
        except (ApiError, StoreUnavailable) as error:
            # Said where its namespace is going away, most often.
            log.debug("event not written reason=%s error=%s", seen.reason, error)
            return
        _remember(self._known, identity, known)

    async def _count_up(self, known: _Known, seen: _Occurrence) -> bool:
        """False when the Event is gone (they expire) and has to be made anew."""
        counted = known.count + 1

        def change(event: Object) -> None:
            event["count"] = counted
            event["lastTimestamp"] = format_time(seen.at)

        try:
            await self._resources.modify(EVENT, known.namespace, known.name, change)
        except NotFound:
            return False
        known.count = counted
        return True

    async def _create(self, seen: _Occurrence, message: str) -> _Known:
        namespace = seen.involved.get("namespace") or "default"
        stamp = int(seen.at.timestamp() * 1_000_000) * 1000 + next(_serial) % 1000
        name = f"{seen.involved.get('name', 'unknown')[:230].rstrip('.-')}.{stamp:x}"
        at = format_time(seen.at)
        source = {"component": self._component}
        if seen.host:
            source["host"] = seen.host
        event: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": seen.involved,
            "reason": seen.reason,
            "message": message,
            "source": source,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
            "type": seen.type,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": seen.host,
        }
        options = WriteOptions(field_manager=self._component)
        await self._resources.create(EVENT, namespace, event, options)
        return _Known(namespace, name, 1)

    def _has_token(self, seen: _Occurrence) -> bool:
        bucket = _recall(self._buckets, _subject(seen.involved), lambda: _Bucket(_BURST, seen.at))
        passed = (seen.at - bucket.filled_at).total_seconds()
        bucket.tokens = min(_BURST, bucket.tokens + passed / _REFILL_SECONDS)
        bucket.filled_at = seen.at
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _summed_up(self, seen: _Occurrence) -> str:
        """The message, or one for all when a reason keeps coming with ever new messages."""
        identity = (*_subject(seen.involved), seen.type, seen.reason)
        since, messages = _recall(self._similar, identity, lambda: (seen.at, set()))
        if (seen.at - since).total_seconds() > _SIMILAR_SECONDS:
            messages = set()
            self._similar[identity] = (seen.at, messages)
        if seen.message not in messages and len(messages) >= _SIMILAR:
            return f"(combined from similar events): {seen.message}"[:_MAX_MESSAGE]
        messages.add(seen.message)
        return seen.message


def _node_of(obj: Mapping[str, Any]) -> str:
    if obj.get("kind") == "Node":
        return name_of(obj)
    return str(get_path(obj, "spec", "nodeName") or "")


def _subject(involved: Object) -> tuple[str, ...]:
    return (
        involved.get("kind", ""),
        involved.get("namespace", ""),
        involved.get("name", ""),
        involved.get("uid", ""),
        involved.get("fieldPath", ""),
    )


def _remember(cache: OrderedDict[tuple[str, ...], V], key: tuple[str, ...], value: V) -> None:
    cache[key] = value
    cache.move_to_end(key)
    if len(cache) > _KEPT:
        cache.popitem(last=False)


def _recall(
    cache: OrderedDict[tuple[str, ...], V], key: tuple[str, ...], make: Callable[[], V]
) -> V:
    value = cache.get(key)
    if value is None:
        value = make()
    _remember(cache, key, value)
    return value
