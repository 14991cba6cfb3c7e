"""Following every kind that is served, also those that CustomResourceDefinitions add and take away.

A kind with several versions is followed in one of them: they are the same objects. Events, under
any of their names, are not: they come in numbers, own nothing and never wait for anybody.
"""

from collections.abc import Callable, Sequence

from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.kinds.catalog import EVENT, Catalog
from minikube_py.kinds.kind import Kind
from minikube_py.resources.keys import store_prefix


def follow_kinds(
    catalog: Catalog,
    informers: Informers,
    *,
    wanted: Callable[[Kind], bool],
    follow: Callable[[Informer], None],
) -> Sequence[Informer]:
    """Calls `follow` once for every place in the store that holds objects of wanted kinds, now and
    when kinds come later. Returns those of now.
    """
    places: dict[str, Kind] = {}
    events = store_prefix(EVENT)

    def add(kinds: Sequence[Kind]) -> list[Informer]:
        found = []
        for kind in kinds:
            place = store_prefix(kind)
            if place != events and place not in places and wanted(kind):
                places[place] = kind
                found.append(informers.of(kind))
                follow(found[-1])
        return found

    def on_kinds(gone: Sequence[Kind], new: Sequence[Kind]) -> None:
        # A kind that is redefined keeps its informer: the objects are the same.
        still_there = {store_prefix(kind) for kind in catalog.all()} if gone else set()
        for kind in gone:
            place = store_prefix(kind)
            if place not in still_there and (followed := places.pop(place, None)) is not None:
                informers.drop(followed)
        add(new)

    catalog.subscribe(on_kinds)
    return add(catalog.all())
