"""Other objects, as admission needs to know them while a write is under way."""

from collections.abc import Sequence

from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object
from minikube_py.resources.keys import store_key, store_prefix
from minikube_py.resources.selection import DecodedCache
from minikube_py.store.interface import Item, Store


class StoredObjects:
    """Satisfies admission.Lookup. What it returns is shared: never mutate."""

    def __init__(self, store: Store, cache: DecodedCache) -> None:
        self._store = store
        self._cache = cache

    def find(self, kind: Kind, namespace: str | None, name: str) -> Object | None:
        item = self._store.get(store_key(kind, namespace, name))
        return self._decoded(kind, item) if item is not None else None

    def find_all(self, kind: Kind, namespace: str | None = None) -> Sequence[Object]:
        page = self._store.range(store_prefix(kind, namespace))
        return [self._decoded(kind, item) for item in page.items]

    def _decoded(self, kind: Kind, item: Item) -> Object:
        return self._cache.decoded(kind, item.key, item.revision, item.value)
