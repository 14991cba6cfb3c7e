"""Carries out the fate of objects whose owners went, in the background, the foreground, or not.

The queue's keys are uids. Whether an owner exists is always asked of `resources`, never of the
graph: what one deletes by mistake is lost.
"""

import logging
from collections.abc import Iterable

from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.control_loop.served_kinds import follow_kinds
from minikube_py.controllers.garbage_collector.decision import OwnerState, fate_of
from minikube_py.controllers.garbage_collector.graph import (
    FOREGROUND,
    ORPHAN,
    Graph,
    Item,
    Reference,
    as_item,
    worth_a_look,
)
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import Conflict, NotFound
from minikube_py.meta.objects import Key, Object, split_api_version, uid_of
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.options import DeleteOptions, Propagation
from minikube_py.resources.resources import Resources

log = logging.getLogger(__name__)
_REMEMBERED = 10_000


def new_garbage_collector(
    resources: Resources, informers: Informers, _recorder: Recorder, _clock: Clock
) -> Controller:
    collector = _Collector(resources)
    controller = Controller("garbage-collector", collector.reconcile, workers=4)
    known = follow_kinds(
        resources.catalog,
        informers,
        wanted=lambda kind: "list" in kind.verbs,
        follow=lambda informer: collector.follow(informer, controller),
    )
    controller.reads(*known)
    return controller


class _Collector:
    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._graph = Graph()
        self._gone: dict[str, None] = {}

    def _remember_gone(self, uid: str) -> None:
        """Owners of a custom kind can't be asked for any more when the kind went with them."""
        self._gone[uid] = None
        if len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]

    def _served(self, item: Item) -> Kind:
        """A custom kind may have been redefined since the object was seen."""
        catalog = self._resources.catalog
        current = catalog.by_kind(*item.kind.gvk)
        return current or catalog.storage_kind(item.kind.group, item.kind.kind) or item.kind

    def follow(self, informer: Informer, controller: Controller) -> None:
        kind = informer.kind

        def on_change(old: Object | None, new: Object | None) -> None:
            before = self._graph.drop(uid_of(old)) if old is not None else None
            if old is not None and new is None:
                self._remember_gone(uid_of(old))
            if old is not None and new is not None and uid_of(old) != uid_of(new):
                _enqueue(controller, worth_a_look(before, None, self._graph))
                before = None
            item = as_item(kind, new) if new is not None else None
            if item is not None:
                self._graph.put(item)
            _enqueue(controller, worth_a_look(before, item, self._graph))

        informer.subscribe(on_change)

    async def reconcile(self, key: Key) -> None:
        item = self._graph.get(key)
        if item is None:
            return
        try:
            if item.waits_for_dependents:
                await self._release_when_alone(item)
            if item.lets_dependents_go:
                await self._orphan_dependents(item)
            await self._follow_owners(item)
        except NotFound:
            return

    async def _follow_owners(self, item: Item) -> None:
        owners = {owner.uid: self._state_of(owner, item) for owner in item.owners}
        dependents = self._graph.dependents(item.uid)
        fate = fate_of(item, owners, has_dependents=bool(dependents))
        if fate.drop_owners:
            await self._drop_owners(item, fate.drop_owners)
        if fate.delete is not None:
            await self._delete(item, fate.delete)

    def _state_of(self, owner: Reference, item: Item) -> OwnerState:
        group, _ = split_api_version(owner.api_version)
        if owner.uid in self._gone:
            return "absent"
        kind = self._resources.catalog.storage_kind(group, owner.kind)
        if kind is None or (kind.namespaced and item.namespace is None):
            return "unknown"
        namespace = item.namespace if kind.namespaced else None
        there = self._resources.get_or_none(kind, namespace, owner.name)
        if there is None or uid_of(there) != owner.uid:
            return "absent"
        return "waiting" if as_item(kind, there).waits_for_dependents else "solid"

    async def _release_when_alone(self, item: Item) -> None:
        """In the foreground an owner waits for the dependents that say they block it."""
        blocking = [
            dependent
            for dependent in self._graph.dependents(item.uid)
            if any(owner.uid == item.uid and owner.blocks for owner in dependent.owners)
        ]
        if not blocking:
            await self._drop_finalizer(item, FOREGROUND)
            return
        for dependent in blocking:
            if not dependent.deleting:
                await self._follow_owners(dependent)

    async def _orphan_dependents(self, item: Item) -> None:
        for dependent in self._graph.dependents(item.uid):
            try:
                await self._drop_owners(dependent, frozenset({item.uid}))
            except NotFound:
                continue
        await self._drop_finalizer(item, ORPHAN)

    async def _drop_owners(self, item: Item, owners: frozenset[str]) -> None:
        def change(obj: Object) -> None:
            _require_same(item, obj)
            references = obj["metadata"].get("ownerReferences") or []
            obj["metadata"]["ownerReferences"] = [
                each for each in references if each.get("uid") not in owners
            ]

        await self._resources.modify(self._served(item), item.namespace, item.name, change)

    async def _drop_finalizer(self, item: Item, finalizer: str) -> None:
        def change(obj: Object) -> None:
            _require_same(item, obj)
            finalizers = obj["metadata"].get("finalizers") or []
            obj["metadata"]["finalizers"] = [each for each in finalizers if each != finalizer]

        await self._resources.modify(self._served(item), item.namespace, item.name, change)

    async def _delete(self, item: Item, propagation: Propagation) -> None:
        log.info(
            "removing what nobody owns any more kind=%s object=%s/%s",
            item.kind.resource,
            item.namespace,
            item.name,
        )
        options = DeleteOptions(propagation=propagation, uid=item.uid)
        await self._resources.delete(self._served(item), item.namespace, item.name, options)


def _require_same(item: Item, obj: Object) -> None:
    if uid_of(obj) != item.uid:
        raise Conflict(f"{item.kind.resource} {item.name!r} was replaced meanwhile")


def _enqueue(controller: Controller, uids: Iterable[str]) -> None:
    for uid in list(uids):
        controller.enqueue(Key(uid))
