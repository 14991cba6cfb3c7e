"""Shows in `status` of every ResourceQuota how much of it is used.

Whether a write fits is decided where it is written (`resources/quota`), and the status is brought
up to date there; here it follows what else changes it: deletions, pods that end, other limits. Any
kind can be counted, custom ones too, so this listens to the store as a whole rather than to one
informer a kind: what happens in namespaces without a quota costs a look into a set.
"""

import asyncio
import logging

from minikube_py.control_loop.controller import Controller
from minikube_py.kinds.catalog import RESOURCE_QUOTA
from minikube_py.meta.errors import Expired
from minikube_py.meta.objects import Key, key_of, split_key
from minikube_py.resources.keys import namespace_in
from minikube_py.resources.resources import Resources

log = logging.getLogger(__name__)

_ROOT = "/"
_RETRY_SECONDS = 1.0


class ResourceQuotaController:
    """`run` ends only by cancellation. The queue's keys are those of quotas."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._controller = Controller("resource-quota", self._reconcile, workers=1)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._controller.run(), name="resource-quota status")
            group.create_task(self._listen(), name="resource-quota changes")

    async def _listen(self) -> None:
        while True:
            try:
                await self._follow()
            except Expired:
                log.debug("fell behind the store, looking at all quotas again")
            except Exception:
                log.exception("listening for changes of quotas failed")
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(self) -> None:
        store = self._resources.store
        watch = store.watch(_ROOT, store.revision)
        try:
            for quota in self._resources.list(RESOURCE_QUOTA).objects():
                self._controller.enqueue(key_of(quota))
            while True:
                changed = {namespace_in(event.key) for event in await watch.next_batch()}
                for namespace in changed:
                    self._look_at(namespace)
        finally:
            watch.close()

    def _look_at(self, namespace: str) -> None:
        if self._resources.quotas.is_limited(namespace):
            for quota in self._resources.quotas.quotas(namespace):
                self._controller.enqueue(key_of(quota))

    async def _reconcile(self, key: Key) -> None:
        namespace, name = split_key(key)
        await self._resources.quota_status.show(namespace or "", name)
