"""Server-side apply: an applier says all it cares about; what it no longer says, goes; what others
own, it may not change unless forced (structured-merge-diff's merge/update.go).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minikube_py.kinds.schema import Schema
from minikube_py.meta.errors import Conflict
from minikube_py.meta.objects import Object
from minikube_py.resources.apply.compare import compare
from minikube_py.resources.apply.last_applied import follow, own_by_annotation
from minikube_py.resources.apply.managers import (
    Manager,
    Managers,
    Owned,
    manager_of,
    read_managers,
    tracked,
    with_fields,
    without_fields,
    write_managers,
)
from minikube_py.resources.apply.merge import merge, remove, without_empty_lists
from minikube_py.resources.apply.paths import EMPTY, FieldSet, Path, shown, with_parents
from minikube_py.resources.apply.structure import field_set, named_parents
from minikube_py.resources.apply.tracking import Writer

Managed = Mapping[Manager, FieldSet]
_BEFORE_FIRST_APPLY = "before-first-apply"


@dataclass(frozen=True)
class Applied:
    obj: Object
    managed_fields: list[dict[str, Any]]


def apply_configuration(
    live: Object | None, config: Object, schema: Schema | None, writer: Writer, *, force: bool
) -> Applied:
    """`config` is decoded, and has no fields that this subresource doesn't serve.

    Raises Conflict that names every field and its owner; BadRequest for items without their keys.
    """
    config = without_empty_lists(config, schema)
    managers = _managers_of(live, schema, writer)
    applier = writer.as_applier
    before = managers.get(applier)
    last = before.fields if before is not None else EMPTY
    wanted = tracked(field_set(config, schema))
    managers = with_fields(managers, applier, wanted, writer.now, writer.api_version)
    merged = merge(live or {}, config, schema)
    merged = _without_given_up(merged, last, managers, schema)
    if live is not None:
        managers = _settle(live, merged, schema, managers, writer, force=force)
    if not managers:
        # An object that was applied says so, even if nothing but its name was: otherwise the next
        # apply would take it for one from before.
        nothing = Owned(EMPTY, writer.now, writer.api_version)
        managers = {applier: before if before is not None and not last else nothing}
    return Applied(follow(writer.name, merged, config), write_managers(managers))


def _managers_of(live: Object | None, schema: Schema | None, writer: Writer) -> Managers:
    """An object nobody is known to own belongs to who wrote it before the first apply."""
    managers = read_managers((live or {}).get("metadata", {}).get("managedFields"))
    if live is None or managers:
        return managers
    before = manager_of("Update", _BEFORE_FIRST_APPLY, "", writer.api_version)
    everything = tracked(compare({}, live, schema).added)
    return with_fields({}, before, everything, writer.now, writer.api_version)


def _without_given_up(
    merged: Object, last: FieldSet, managers: Managers, schema: Schema | None
) -> Object:
    """Less what this applier said last time and nobody owns any more, parents that held only such
    fields included.
    """
    if not last:
        return merged
    kept = with_parents(path for owned in managers.values() for path in owned.fields)
    given_up = (last | named_parents(last, schema)) - kept
    given_up -= {path for path in given_up if path[0] in ("f:apiVersion", "f:kind")}
    given_up -= {("f:metadata",), ("f:spec",), ("f:status",)}
    return remove(merged, given_up, schema) if given_up else merged


def _settle(
    live: Object,
    merged: Object,
    schema: Schema | None,
    managers: Managers,
    writer: Writer,
    *,
    force: bool,
) -> Managers:
    """Takes from the other managers what this write changes, or refuses to."""
    changes = compare(_without_managers(live), _without_managers(merged), schema)
    others = [manager for manager in managers if manager != writer.as_applier]
    conflicts = {
        manager: common
        for manager in others
        if (common := managers[manager].fields & changes.set_fields)
    }
    if conflicts and not force:
        _refuse(conflicts, managers, own_by_annotation(writer.name, live, schema))
    lost = {
        manager: conflicts.get(manager, EMPTY) | changes.removed
        for manager in others
        if manager in conflicts or changes.removed
    }
    return without_fields(managers, lost, writer.now)


def _refuse(conflicts: Managed, managers: Managers, own: FieldSet) -> None:
    left = {manager: rest for manager, fields in conflicts.items() if (rest := fields - own)}
    if left:
        raise _conflict(left, managers)


def _without_managers(obj: Object) -> Object:
    metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "managedFields"}
    return {**obj, "metadata": metadata}


def _conflict(conflicts: Managed, managers: Managers) -> Conflict:
    found: list[tuple[str, Path]] = [
        (_named(manager, managers[manager].api_version), path)
        for manager in sorted(conflicts)
        for path in sorted(conflicts[manager])
    ]
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {manager}",
            "field": shown(path),
        }
        for manager, path in found
    ]
    return Conflict(_message(found), details={"causes": causes})


def _message(found: list[tuple[str, Path]]) -> str:
    if len(found) == 1:
        manager, path = found[0]
        return f"Apply failed with 1 conflict: conflict with {manager}: {shown(path)}"
    lines: list[str] = []
    for manager in dict.fromkeys(manager for manager, _ in found):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {shown(path)}" for owner, path in found if owner == manager]
    return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)


def _named(manager: Manager, api_version: str) -> str:
    text = f'"{manager.name}"'
    if manager.subresource:
        text += f' with subresource "{manager.subresource}"'
    return f"{text} using {api_version}" if manager.operation == "Update" else text
