"""Ownership after a plain write (create, update, patch): who changed a field owns it now."""

from dataclasses import dataclass
from typing import Any

from minikube_py.kinds.schema import Schema
from minikube_py.meta.objects import Object
from minikube_py.resources.apply.compare import Comparison, compare
from minikube_py.resources.apply.managers import (
    Manager,
    Managers,
    capped,
    manager_of,
    read_managers,
    tracked,
    with_fields,
    without_fields,
    write_managers,
)
from minikube_py.resources.apply.paths import EMPTY


@dataclass(frozen=True)
class Writer:
    """Who writes: the field manager, through which subresource, in which version, when."""

    name: str
    subresource: str
    api_version: str
    now: str

    @property
    def as_updater(self) -> Manager:
        return manager_of("Update", self.name, self.subresource, self.api_version)

    @property
    def as_applier(self) -> Manager:
        return manager_of("Apply", self.name, self.subresource, self.api_version)


def track_update(
    old: Object | None, new: Object, schema: Schema | None, writer: Writer
) -> list[dict[str, Any]]:
    """The managedFields of `new`. A writer may take entries out of them; `[{}]` resets all."""
    stored = (old or {}).get("metadata", {}).get("managedFields")
    given = new["metadata"].get("managedFields") if old is not None else None
    if given == [{}]:
        return []
    changes = compare(_untracked_out(old or {"metadata": {}}), _untracked_out(new), schema)
    entries = given or stored
    if changes == _NOTHING:
        return list(entries or [])
    managers = _after_update(read_managers(entries), changes, writer)
    return write_managers(capped(managers, writer.now))


_NOTHING = Comparison(EMPTY, EMPTY, EMPTY)


def _after_update(managers: Managers, changes: Comparison, writer: Writer) -> Managers:
    updater = writer.as_updater
    gone = changes.set_fields | changes.removed
    lost = {other: gone for other in managers if other != updater}
    managers = without_fields(managers, lost, writer.now)
    own = managers[updater].fields if updater in managers else EMPTY
    own = tracked((own - changes.removed) | changes.set_fields)
    return with_fields(managers, updater, own, writer.now, writer.api_version)


def _untracked_out(obj: Object) -> Object:
    metadata = {k: v for k, v in obj["metadata"].items() if k not in _SERVER_OWNED}
    return {**obj, "metadata": metadata}


_SERVER_OWNED = frozenset({"managedFields", "resourceVersion", "uid", "creationTimestamp"})
