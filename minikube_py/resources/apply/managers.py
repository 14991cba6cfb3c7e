"""metadata.managedFields: reading it, changing it, writing it back.

Ownership moves by what a write changed (apimachinery's managedfields and
structured-merge-diff's merge/update.go).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from minikube_py.resources.apply.paths import (
    EMPTY,
    FieldSet,
    Path,
    read_fields,
    without_prefixes,
    write_fields,
)

Operation = Literal["Apply", "Update"]
_MAX_UPDATE_MANAGERS = 10
_UNTRACKED: FieldSet = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",), ("f:spec",), ("f:status",)}
    | {
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "generation",
            "managedFields",
            "resourceVersion",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        )
    }
)
_UNTRACKED_TREES: tuple[Path, ...] = (("f:metadata", "f:managedFields"),)


@dataclass(frozen=True, order=True)
class Manager:
    """`api_version` tells apart updates only: an applier is one, whatever version it writes."""

    operation: Operation
    name: str
    subresource: str = ""
    api_version: str = ""


@dataclass(frozen=True)
class Owned:
    fields: FieldSet
    time: str
    api_version: str


Managers = dict[Manager, Owned]


def read_managers(entries: Sequence[Mapping[str, Any]] | None) -> Managers:
    """Entries that can't be read are dropped."""
    found: Managers = {}
    for entry in entries or ():
        if not isinstance(entry.get("fieldsV1"), dict):
            continue
        version = str(entry.get("apiVersion", ""))
        operation: Operation = "Apply" if entry.get("operation") == "Apply" else "Update"
        manager = manager_of(
            operation, str(entry.get("manager", "")), str(entry.get("subresource", "")), version
        )
        owned = Owned(read_fields(entry["fieldsV1"]), str(entry.get("time", "")), version)
        found[manager] = owned
    return found


def manager_of(operation: Operation, name: str, subresource: str, api_version: str) -> Manager:
    return Manager(operation, name, subresource, api_version if operation == "Update" else "")


def write_managers(managers: Managers) -> list[dict[str, Any]]:
    """Appliers first, then by time: the order of apimachinery."""
    order = sorted(managers, key=lambda m: (m.operation, managers[m].time, m))
    return [_entry(manager, managers[manager]) for manager in order]


def _entry(manager: Manager, owned: Owned) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": owned.api_version,
        "time": owned.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": write_fields(owned.fields),
    }
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry


def tracked(fields: FieldSet) -> FieldSet:
    """Less what the server owns."""
    return without_prefixes(fields - _UNTRACKED, _UNTRACKED_TREES)


def with_fields(
    managers: Managers, manager: Manager, fields: FieldSet, now: str, api_version: str
) -> Managers:
    """`manager` owning exactly `fields`; its time moves only when they changed."""
    before = managers.get(manager)
    if before is not None and before.fields == fields:
        return managers
    changed = {**managers, manager: Owned(fields, now, api_version)}
    return without_empty(changed)


def without_fields(managers: Managers, lost: Mapping[Manager, FieldSet], now: str) -> Managers:
    """Managers that lost fields to another's write."""
    changed = dict(managers)
    for manager, fields in lost.items():
        kept = managers[manager].fields - fields
        if kept != managers[manager].fields:
            changed[manager] = replace(managers[manager], fields=kept, time=now)
    return without_empty(changed)


def without_empty(managers: Managers) -> Managers:
    return {manager: owned for manager, owned in managers.items() if owned.fields != EMPTY}


def capped(managers: Managers, now: str) -> Managers:
    """At most ten updaters: the oldest are merged into `ancient-changes`."""
    updates = sorted(
        (m for m in managers if m.operation == "Update"), key=lambda m: (managers[m].time, m)
    )
    if len(updates) <= _MAX_UPDATE_MANAGERS:
        return managers
    result = dict(managers)
    for manager in updates[: len(updates) - _MAX_UPDATE_MANAGERS + 1]:
        owned = result.pop(manager)
        bucket = Manager("Update", "ancient-changes", manager.subresource, owned.api_version)
        known = result.get(bucket)
        fields = owned.fields | (known.fields if known else EMPTY)
        result[bucket] = Owned(fields, owned.time or now, owned.api_version)
    return result
