"""What changed between two states of an object, by field; equal parts are skipped unseen.

The ground of ownership: whoever changed a field owns it now.
"""

from dataclasses import dataclass, field
from typing import Any

from minikube_py.kinds.schema import Schema
from minikube_py.resources.apply.paths import FieldSet, Path
from minikube_py.resources.apply.structure import child_schema, items_by_step, shape_of

_ABSENT: Any = object()


@dataclass(frozen=True)
class Comparison:
    added: FieldSet
    modified: FieldSet
    removed: FieldSet

    @property
    def set_fields(self) -> FieldSet:
        return self.added | self.modified


@dataclass
class _Found:
    added: list[Path] = field(default_factory=list)
    modified: list[Path] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)


def compare(old: Any, new: Any, schema: Schema | None) -> Comparison:
    """`old` → `new`."""
    found = _Found()
    _compare(old, new, schema, (), found)
    return Comparison(
        frozenset(path for path in found.added if path),
        frozenset(path for path in found.modified if path),
        frozenset(path for path in found.removed if path),
    )


def _compare(old: Any, new: Any, schema: Schema | None, path: Path, found: _Found) -> None:
    if old is not _ABSENT and new is not _ABSENT and old == new:
        return
    if old is _ABSENT:
        found.added.append(path)
    elif new is _ABSENT:
        found.removed.append(path)
    sides = [side for side in (old, new) if side is not _ABSENT]
    shapes = {shape_of(side, schema) for side in sides}
    if shapes == {"map"}:
        _compare_maps(old, new, schema, path, found)
    elif shapes == {"keyed"} or shapes == {"set"}:
        _compare_lists(old, new, schema, path, found)
    elif len(sides) == 2:
        found.modified.append(path)


def _compare_maps(old: Any, new: Any, schema: Schema | None, path: Path, found: _Found) -> None:
    before = {} if old is _ABSENT else old
    after = {} if new is _ABSENT else new
    for name in before.keys() | after.keys():
        _compare(
            before.get(name, _ABSENT),
            after.get(name, _ABSENT),
            child_schema(schema, name),
            (*path, f"f:{name}"),
            found,
        )


def _compare_lists(old: Any, new: Any, schema: Schema | None, path: Path, found: _Found) -> None:
    assert schema is not None
    shape = shape_of(new if old is _ABSENT else old, schema)
    before = {} if old is _ABSENT else items_by_step(old, schema, path, shape)
    after = {} if new is _ABSENT else items_by_step(new, schema, path, shape)
    for step in before.keys() | after.keys():
        left, right = before.get(step, []), after.get(step, [])
        item_path = (*path, step)
        if len(left) > 1 or len(right) > 1:
            _compare_duplicates(left, right, item_path, found)
        else:
            _compare(
                left[0] if left else _ABSENT,
                right[0] if right else _ABSENT,
                schema.items,
                item_path,
                found,
            )


def _compare_duplicates(left: list[Any], right: list[Any], path: Path, found: _Found) -> None:
    """Items that share a key can't be told apart: they are one field."""
    if left == right:
        return
    if not left:
        found.added.append(path)
    elif not right:
        found.removed.append(path)
    else:
        found.modified.append(path)
