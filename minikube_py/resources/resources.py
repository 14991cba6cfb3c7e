"""What get, list, watch, create, update, patch, apply and delete mean, for every kind and caller.

The one door to stored objects: the HTTP face above it, controllers, scheduler and kubelet all come
through here, so the same defaults, validation and conflicts hold for all. Thin: each verb's rules
are in the module named after it.
"""

from collections.abc import Callable, Sequence
from uuid import uuid4

from minikube_py.kinds.catalog import NAMESPACE, NODE, POD, RESOURCE_QUOTA, SERVICE, Catalog
from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import Clock, format_time, system_clock
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.conversion import served_bytes
from minikube_py.resources.deletion import Deletions
from minikube_py.resources.keys import store_key, store_prefix
from minikube_py.resources.lookup import StoredObjects
from minikube_py.resources.options import (
    Change,
    DeleteOptions,
    ListOptions,
    ListPage,
    Patch,
    WriteOptions,
    Written,
)
from minikube_py.resources.patching import patch_object, update_scale
from minikube_py.resources.pods import bound_to, topology_of
from minikube_py.resources.quota.ledger import QuotaLedger
from minikube_py.resources.quota_status import QuotaStatus
from minikube_py.resources.reading import Reader
from minikube_py.resources.records import Records, Target
from minikube_py.resources.reserve import Reservations
from minikube_py.resources.scale import scale_of
from minikube_py.resources.selection import DecodedCache, Digests
from minikube_py.resources.steps import at_once, in_turns
from minikube_py.resources.watching import ResourceWatch
from minikube_py.resources.write import Draft, Request, Writes
from minikube_py.store.interface import Store

__all__ = [
    "Change",
    "DeleteOptions",
    "ListOptions",
    "ListPage",
    "Patch",
    "ResourceWatch",
    "Resources",
    "ServiceAllocator",
    "WriteOptions",
    "Written",
    "store_key",
    "store_prefix",
]

_LIST, _WRITE, _DELETE = ListOptions(), WriteOptions(), DeleteOptions()
_IN_PROCESS = WriteOptions(field_validation="Ignore")


def _new_uid() -> str:
    return str(uuid4())


class Resources:
    """Belongs to one event loop. Reads answer at once from memory; writes wait for the disk."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        *,
        clock: Clock = system_clock,
        allocator: ServiceAllocator,
        new_uid: Callable[[], str] = _new_uid,
    ) -> None:
        self.store = store
        self.catalog = catalog
        self.allocator = allocator
        cache, digests = DecodedCache(), Digests()
        self.quotas = QuotaLedger(store, catalog)
        records = Records(store, digests, self.quotas.staged)
        lookup = StoredObjects(store, cache)
        self._clock = clock
        self._reader = Reader(store, cache, digests)
        reservations = Reservations(allocator, self.quotas)
        self._writes = Writes(records, lookup, reservations, clock, new_uid)
        self.quota_status = QuotaStatus(self._writes, self.quotas)
        self._deletions = Deletions(records, self._writes, lookup, clock)
        allocator.rebuild(lookup.find_all(SERVICE))
        self.quotas.rebuild(lookup.find_all(RESOURCE_QUOTA))

    # --- reading ---------------------------------------------------------------------------------

    def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        """A fresh copy; raises NotFound."""
        obj: Object = encoding.decode(self.get_encoded(kind, namespace, name))
        return obj

    def get_or_none(self, kind: Kind, namespace: str | None, name: str) -> Object | None:
        try:
            return self.get(kind, namespace, name)
        except NotFound:
            return None

    def get_encoded(self, kind: Kind, namespace: str | None, name: str) -> bytes:
        item = self.store.get(store_key(kind, namespace, name))
        if item is None:
            raise NotFound.of(kind.group, kind.plural, name)
        return served_bytes(kind, item.value)

    def list(
        self, kind: Kind, namespace: str | None = None, options: ListOptions = _LIST
    ) -> ListPage:
        """`namespace` None = all; raises Expired for a continue token or revision compacted."""
        return at_once(self._reader.list(kind, namespace, options))

    async def list_in_turns(
        self, kind: Kind, namespace: str | None = None, options: ListOptions = _LIST
    ) -> ListPage:
        """As `list`, of the same one moment, with turns for others in between."""
        return await in_turns(self._reader.list(kind, namespace, options))

    def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        options: ListOptions = _LIST,
        *,
        since: int,
    ) -> ResourceWatch:
        """Changes after revision `since`; raises Expired, then or while watching: list again."""
        return self._reader.watch(kind, namespace, options, since)

    # --- writing ---------------------------------------------------------------------------------

    async def create(
        self,
        kind: Kind,
        namespace: str | None,
        obj: Object,
        options: WriteOptions = _WRITE,
    ) -> Written:
        """Raises AlreadyExists, BadRequest, Invalid, NotFound or Forbidden (namespace)."""
        writing = self._writes.create(kind, namespace, obj, options)
        return await self.quota_status.after(namespace, writing)

    async def update(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        obj: Object,
        options: WriteOptions = _WRITE,
        *,
        subresource: str = "",
    ) -> Written:
        """Raises NotFound, BadRequest, Invalid, or Conflict: `obj` was made from an older state."""
        request = Request(Target(kind, namespace, name), options, subresource)
        if subresource == "scale":
            return await update_scale(self._writes, request, obj)
        return await self.quota_status.after(namespace, self._writes.update(request, obj))

    async def patch(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        patch: Patch,
        options: WriteOptions = _WRITE,
        *,
        subresource: str = "",
    ) -> Written:
        """Raises NotFound (but "apply" creates), Conflict, BadRequest, Invalid."""
        request = Request(Target(kind, namespace, name), options, subresource)
        return await self.quota_status.after(namespace, patch_object(self._writes, request, patch))

    def scale_of(self, kind: Kind, obj: Object) -> Object:
        """The autoscaling/v1 Scale of `obj`; raises NotFound when its kind has none."""
        return scale_of(kind, obj)

    async def delete(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        options: DeleteOptions = _DELETE,
    ) -> tuple[Object, bool]:
        """(last state, is it gone?): False while a grace period or finalizers are waited for."""
        return await self._deletions.delete(Target(kind, namespace, name), options)

    async def delete_collection(
        self,
        kind: Kind,
        namespace: str | None,
        list_options: ListOptions = _LIST,
        options: DeleteOptions = _DELETE,
    ) -> Sequence[bytes]:
        """Deletes all that match; gives their last states, encoded."""
        found = await self.list_in_turns(kind, namespace, list_options)
        return await self._deletions.delete_many(kind, found.items, options)

    # --- conveniences for callers in this process ------------------------------------------------

    async def update_status(
        self, kind: Kind, namespace: str | None, name: str, change: Callable[[Object], None]
    ) -> Object:
        """Read-modify-write of /status; writes nothing when nothing changed. Raises NotFound."""
        return await self._change(kind, namespace, name, change, "status")

    async def modify(
        self, kind: Kind, namespace: str | None, name: str, change: Callable[[Object], None]
    ) -> Object:
        """Read-modify-write of the object; `change` may raise to give up, and may run twice."""
        return await self._change(kind, namespace, name, change, "")

    async def _change(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        change: Callable[[Object], None],
        subresource: str,
    ) -> Object:
        def produce(obj: Object) -> Draft:
            change(obj)
            return Draft(obj)

        request = Request(Target(kind, namespace, name), _IN_PROCESS, subresource, trusted=True)
        return (await self._writes.rewrite(request, produce)).object

    async def bind_pod(
        self, namespace: str, name: str, node: str, *, uid: str | None = None
    ) -> None:
        """Raises NotFound, or Conflict when the Pod is bound, going or another one by now."""
        target = Target(POD, namespace, name)
        now = format_time(self._clock())
        labels = topology_of(self.get_or_none(NODE, None, node))
        request = Request(target, _IN_PROCESS, "binding", trusted=True)
        await self._writes.rewrite(
            request, lambda pod: Draft(bound_to(pod, node, uid, now, labels))
        )

    async def finish_pod_deletion(self, namespace: str, name: str, uid: str) -> None:
        """The kubelet's last word: the Pod's containers are gone. Raises NotFound, Conflict."""
        await self.delete(POD, namespace, name, DeleteOptions(grace_period_seconds=0, uid=uid))

    async def finalize_namespace(self, name: str) -> Object:
        """The namespace is empty: its finalizer goes, and with it the object. Raises NotFound."""
        return await self._deletions.finalize_namespace(name, NAMESPACE)
