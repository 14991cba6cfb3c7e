"""Forgets Events an hour after they last happened, as the API server of a cluster does.

Reads the encoded list once in a while instead of following events: nothing waits for their end.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from minikube_py.kinds.catalog import EVENT
from minikube_py.meta.errors import ApiError
from minikube_py.meta.objects import Object, get_path, name_of, namespace_of, uid_of
from minikube_py.meta.timestamps import Clock, parse_time
from minikube_py.resources.options import DeleteOptions, ListOptions
from minikube_py.resources.resources import Resources

log = logging.getLogger(__name__)

LIFETIME = timedelta(hours=1)
_SWEEP_SECONDS = 300.0
_PAGE = 500


class EventSweeper:
    """`run` ends only by cancellation."""

    def __init__(self, resources: Resources, clock: Clock) -> None:
        self._resources = resources
        self._clock = clock

    async def run(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception:
                log.exception("sweeping events failed")
            await asyncio.sleep(_SWEEP_SECONDS)

    async def sweep(self) -> int:
        """How many were removed."""
        removed, token = 0, None
        while True:
            page = self._resources.list(
                EVENT, None, ListOptions(limit=_PAGE, continue_token=token or None)
            )
            for event in expired(page.objects(), self._clock()):
                removed += await self._remove(event)
            token = page.continue_token
            if not token:
                return removed

    async def _remove(self, event: Object) -> int:
        options = DeleteOptions(uid=uid_of(event))
        try:
            await self._resources.delete(EVENT, namespace_of(event), name_of(event), options)
        except ApiError:
            return 0
        return 1


def expired(events: Iterable[Object], now: datetime) -> list[Object]:
    return [event for event in events if now - _last_seen(event, now) > LIFETIME]


def _last_seen(event: Object, now: datetime) -> datetime:
    for path in (
        ("series", "lastObservedTime"),
        ("lastTimestamp",),
        ("eventTime",),
        ("metadata", "creationTimestamp"),
    ):
        if moment := get_path(event, *path):
            return parse_time(moment)
    return now
