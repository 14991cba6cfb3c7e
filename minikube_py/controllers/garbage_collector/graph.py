"""Who owns whom, by uid. Plain data, kept in step by informers."""

from collections.abc import Iterable
from dataclasses import dataclass

from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object, get_path, is_deleting, name_of, namespace_of, uid_of

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


@dataclass(frozen=True)
class Reference:
    """One owner reference."""

    uid: str
    api_version: str
    kind: str
    name: str
    blocks: bool


@dataclass(frozen=True)
class Item:
    """One object as the graph knows it."""

    uid: str
    kind: Kind
    namespace: str | None
    name: str
    owners: tuple[Reference, ...]
    deleting: bool
    finalizers: frozenset[str]

    @property
    def waits_for_dependents(self) -> bool:
        return self.deleting and FOREGROUND in self.finalizers

    @property
    def lets_dependents_go(self) -> bool:
        return self.deleting and ORPHAN in self.finalizers


def as_item(kind: Kind, obj: Object) -> Item:
    references = get_path(obj, "metadata", "ownerReferences", default=[])
    return Item(
        uid=uid_of(obj),
        kind=kind,
        namespace=namespace_of(obj) or None,
        name=name_of(obj),
        owners=tuple(
            Reference(
                uid=each.get("uid", ""),
                api_version=each.get("apiVersion", ""),
                kind=each.get("kind", ""),
                name=each.get("name", ""),
                blocks=bool(each.get("blockOwnerDeletion")),
            )
            for each in references
        ),
        deleting=is_deleting(obj),
        finalizers=frozenset(get_path(obj, "metadata", "finalizers", default=[])),
    )


class Graph:
    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._dependents: dict[str, dict[str, None]] = {}

    def get(self, uid: str) -> Item | None:
        return self._items.get(uid)

    def dependents(self, uid: str) -> list[Item]:
        """Also of an owner that is not there (any more)."""
        return [self._items[each] for each in self._dependents.get(uid, ())]

    def put(self, item: Item) -> None:
        self.drop(item.uid)
        self._items[item.uid] = item
        for owner in item.owners:
            self._dependents.setdefault(owner.uid, {})[item.uid] = None

    def drop(self, uid: str) -> Item | None:
        item = self._items.pop(uid, None)
        for owner in item.owners if item else ():
            dependents = self._dependents.get(owner.uid)
            if dependents is not None:
                dependents.pop(uid, None)
                if not dependents:
                    del self._dependents[owner.uid]
        return item


def worth_a_look(old: Item | None, new: Item | None, graph: Graph) -> Iterable[str]:
    """The uids a change concerns: of the object itself, its dependents, and owners that wait."""
    item = new or old
    if item is None:
        return
    if new is None:
        yield from (dependent.uid for dependent in graph.dependents(item.uid))
    elif new.waits_for_dependents or new.lets_dependents_go:
        yield new.uid
    if new is not None and new.owners and (old is None or old.owners != new.owners):
        yield new.uid
    for owner in {*(old.owners if old else ()), *(new.owners if new else ())}:
        known = graph.get(owner.uid)
        if known is not None and (known.waits_for_dependents or known.lets_dependents_go):
            yield known.uid
            if new is not None:
                yield new.uid
