"""What a ResourceQuota tells of itself: `status.hard`, and of what is stored, `status.used`.

Whoever writes something that is counted hears of it only after the quotas of the namespace tell it;
the controller brings up to date what changes otherwise.
"""

import asyncio
import logging
from collections.abc import Awaitable

from minikube_py.kinds.catalog import RESOURCE_QUOTA
from minikube_py.meta.errors import ApiError, NotFound
from minikube_py.meta.objects import Object, name_of
from minikube_py.resources.options import WriteOptions, Written
from minikube_py.resources.quota.decision import hard_of
from minikube_py.resources.quota.ledger import QuotaLedger
from minikube_py.resources.records import Target
from minikube_py.resources.write import Draft, Request, Writes
from minikube_py.store.interface import StoreUnavailable

log = logging.getLogger(__name__)

_OPTIONS = WriteOptions(field_validation="Ignore")


class QuotaStatus:
    def __init__(self, writes: Writes, ledger: QuotaLedger) -> None:
        self._writes = writes
        self._ledger = ledger
        self._about_to: dict[str, asyncio.Task[None]] = {}

    async def after(self, namespace: str | None, writing: Awaitable[Written]) -> Written:
        """The write's own outcome; that a status could not be written is no failure of it."""
        written = await writing
        if namespace is not None and self._ledger.is_limited(namespace):
            # Those whose writes ended in this turn share one look, which begins in the next.
            look = self._about_to.get(namespace)
            if look is None:
                look = asyncio.ensure_future(self._show_all(namespace))
                self._about_to[namespace] = look
            await asyncio.shield(look)
        return written

    async def show(self, namespace: str, name: str) -> None:
        """Writes nothing when nothing changed, or when the quota is gone."""
        target = Target(RESOURCE_QUOTA, namespace, name)
        try:
            await self._writes.rewrite(
                Request(target, _OPTIONS, "status", trusted=True), self._told
            )
        except NotFound:
            log.debug("gone meanwhile quota=%s/%s", namespace, name)

    async def _show_all(self, namespace: str) -> None:
        del self._about_to[namespace]
        for quota in self._ledger.quotas(namespace):
            try:
                await self.show(namespace, name_of(quota))
            except (ApiError, StoreUnavailable) as error:
                log.debug("left to the controller quota=%s error=%s", name_of(quota), error)

    def _told(self, quota: Object) -> Draft:
        status = {"hard": dict(hard_of(quota)), "used": self._ledger.used(quota)}
        return Draft({**quota, "status": status})
