"""Strategic merge patch: merge patch that knows which lists are keyed
(apimachinery's util/strategicpatch).

The schema says which lists merge and by which key; directives in the patch delete, replace, order
and retain. Pure; the result may share parts with the original and the patch.
"""

from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.schema import Schema
from minikube_py.meta import encoding
from minikube_py.meta.errors import BadRequest

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE_VALUES = "$deleteFromPrimitiveList/"


def strategic_merge(
    original: dict[str, Any], patch: dict[str, Any], schema: Schema | None
) -> dict[str, Any]:
    """`original` with `patch` merged in; raises BadRequest for a malformed directive."""
    directive = patch.get(_PATCH)
    if directive == "delete":
        return {}
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != _PATCH}
    if directive not in (None, "merge"):
        raise BadRequest(f"unknown patch type found: {directive!r}; use delete, replace or merge")
    merged = _retained(original, patch)
    for name in _fields(patch):
        child = schema.field(name) if schema is not None else None
        _merge_field(merged, patch, name, child)
    return merged


def _fields(patch: dict[str, Any]) -> list[str]:
    """The fields a patch speaks of, by value or by directive only."""
    names: dict[str, None] = {}
    for name in patch:
        for prefix in (_ORDER, _DELETE_VALUES):
            if name.startswith(prefix):
                names[name[len(prefix) :]] = None
        if not name.startswith("$"):
            names[name] = None
    return list(names)


def _retained(original: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    if _RETAIN not in patch:
        return dict(original)
    keys = _list_of(patch, _RETAIN)
    for name, value in patch.items():
        if not name.startswith("$") and value is not None and name not in keys:
            raise BadRequest(f"{_RETAIN} must list every field that the patch sets; {name} is not")
    return {name: value for name, value in original.items() if name in keys}


def _merge_field(
    merged: dict[str, Any], patch: dict[str, Any], name: str, schema: Schema | None
) -> None:
    spoken_of = name in patch
    value = patch.get(name)
    if spoken_of and value is None:
        merged.pop(name, None)
        return
    current = merged.get(name)
    if isinstance(value, dict):
        merged[name] = _merged_map(current, value, schema)
    elif (isinstance(value, list) or not spoken_of) and _merges(schema):
        if spoken_of or isinstance(current, list):
            merged[name] = _ListMerge(patch, name, schema).merged(
                current if isinstance(current, list) else [], value or []
            )
    elif spoken_of:
        merged[name] = value


def _merged_map(current: Any, value: dict[str, Any], schema: Schema | None) -> dict[str, Any]:
    replaces = schema is not None and "replace" in _strategies(schema)
    return strategic_merge(
        current if isinstance(current, dict) and not replaces else {}, value, schema
    )


def _strategies(schema: Schema) -> list[str]:
    return schema.patch_strategy.split(",")


def _merges(schema: Schema | None) -> bool:
    return schema is not None and "merge" in _strategies(schema)


class _ListMerge:
    """One list that merges, with the directives its parent's patch has for it."""

    def __init__(self, patch: dict[str, Any], name: str, schema: Schema | None) -> None:
        self._name = name
        self._items = schema.items if schema is not None else None
        self._key = schema.patch_merge_key if schema is not None else ""
        self._order = _list_of(patch, _ORDER + name) if _ORDER + name in patch else None
        self._unwanted = _list_of(patch, _DELETE_VALUES + name)

    def merged(self, original: list[Any], patch: list[Any]) -> list[Any]:
        result = self._merged_maps(original, patch) if self._key else self._values(original, patch)
        return result if self._order is None else self._ordered(result, original)

    def _values(self, original: list[Any], patch: list[Any]) -> list[Any]:
        kept = [value for value in original if value not in self._unwanted]
        return [*kept, *(value for value in dict.fromkeys(patch) if value not in kept)]

    def _merged_maps(self, original: list[Any], patch: list[Any]) -> list[Any]:
        if any(_is_directive(item, "replace") for item in patch):
            return [item for item in patch if not _is_directive(item, "replace")]
        result = list(original)
        for item in patch:
            key = self._key_of(item)
            places = [at for at, known in enumerate(result) if self._known_key(known) == key]
            if item.get(_PATCH) == "delete":
                result = [known for at, known in enumerate(result) if at not in places]
            elif places:
                result[places[0]] = strategic_merge(result[places[0]], item, self._items)
            else:
                result.append(strategic_merge({}, item, self._items))
        return result

    def _key_of(self, item: Any) -> Any:
        if not isinstance(item, dict):
            raise BadRequest(f"{self._name}: a patch of this list must have objects as items")
        if self._key not in item:
            raise BadRequest(
                f"{self._name}: item {encoding.encode(item).decode()} does not contain declared "
                f"merge key: {self._key}"
            )
        return item[self._key]

    def _known_key(self, item: Any) -> Any:
        return item.get(self._key) if isinstance(item, dict) else None

    def _ordered(self, items: list[Any], original: list[Any]) -> list[Any]:
        """What the patch orders in its order, the server's own items where they were."""
        assert self._order is not None
        wanted = self._identities(self._order)
        before = self._identities(original)
        own = [item for item in items if self._identity(item) not in wanted]
        listed = [item for item in items if self._identity(item) in wanted]
        listed.sort(key=lambda item: wanted.index(self._identity(item)))
        own.sort(key=lambda item: _place(before, self._identity(item)))
        result: list[Any] = []
        while own and listed:
            left = _place(before, self._identity(own[0]))
            right = _place(before, self._identity(listed[0]))
            first = own if -1 < left < right else listed
            result.append(first.pop(0))
        return [*result, *own, *listed]

    def _identities(self, items: Sequence[Any]) -> list[Any]:
        return [self._identity(item) for item in items]

    def _identity(self, item: Any) -> Any:
        return self._known_key(item) if self._key else item


def _place(order: list[Any], identity: Any) -> int:
    return order.index(identity) if identity in order else -1


def _is_directive(item: Any, directive: str) -> bool:
    return isinstance(item, dict) and item.get(_PATCH) == directive


def _list_of(patch: dict[str, Any], name: str) -> list[Any]:
    value = patch.get(name) or []
    if not isinstance(value, list):
        raise BadRequest(f"{name} must be a list")
    return value
