"""JSON patch (RFC 6902) and merge patch (RFC 7386), and which patch goes which way.

Pure: from a document and a patch to a new document; what the result may be is decided in write.
"""

from collections.abc import Callable, Mapping
from typing import Any

from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import schema_for
from minikube_py.meta.errors import BadRequest, Invalid
from minikube_py.meta.objects import Object
from minikube_py.resources.options import Patch
from minikube_py.resources.strategic import strategic_merge

MAX_OPERATIONS = 10_000
_MISSING: Any = object()


def patched(document: Object, patch: Patch, kind: Kind) -> Any:
    """A new document, not yet checked to be an object; raises BadRequest or Invalid.

    It may share parts with `document` and the patch: copy before changing it.
    """
    if patch.type == "json":
        return json_patch(document, patch.body)
    if not isinstance(patch.body, dict):
        raise BadRequest(f"a {patch.type} patch must be an object, not {_named(patch.body)}")
    if patch.type == "merge":
        return merge_patch(document, patch.body)
    return strategic_merge(document, patch.body, schema_for(kind))


def merge_patch(target: Any, patch: Any) -> Any:
    """null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def json_patch(document: Any, operations: Any) -> Any:
    """All operations or none; raises BadRequest for a malformed patch, Invalid for one that does
    not fit the document.
    """
    if not isinstance(operations, list):
        raise BadRequest(
            f"a JSON patch must be a list of operations, not {_named(operations)}; for an object "
            "use a merge patch"
        )
    if len(operations) > MAX_OPERATIONS:
        raise BadRequest(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got "
            f"{len(operations)}"
        )
    for index, operation in enumerate(operations):
        try:
            document = _apply(document, operation)
        except _DoesNotFit as error:
            raise Invalid(
                f"the JSON patch can't be applied: operation {index} ({operation['op']} "
                f"{operation['path']}): {error}"
            ) from error
    return document


class _DoesNotFit(Exception):
    """An operation asks for what the document doesn't have."""


def _apply(document: Any, operation: Any) -> Any:
    if not isinstance(operation, dict) or operation.get("op") not in _OPERATIONS:
        allowed = ", ".join(_OPERATIONS)
        raise BadRequest(f"a JSON patch operation needs an `op` of {allowed}; got {operation!r}")
    needs = {"move": "from", "copy": "from", "remove": None}.get(operation["op"], "value")
    if not isinstance(operation.get("path"), str) or (needs and needs not in operation):
        wanted = f"`path` and `{needs}`" if needs else "`path`"
        raise BadRequest(f"the JSON patch operation {operation['op']!r} needs {wanted}")
    return _OPERATIONS[operation["op"]](document, operation)


def _add(document: Any, operation: Mapping[str, Any]) -> Any:
    return _put(document, _pointer(operation["path"]), operation["value"], insert=True)


def _replace(document: Any, operation: Mapping[str, Any]) -> Any:
    steps = _pointer(operation["path"])
    _value_at(document, steps)
    return _put(document, steps, operation["value"], insert=False)


def _remove(document: Any, operation: Mapping[str, Any]) -> Any:
    steps = _pointer(operation["path"])
    _value_at(document, steps)
    return _put(document, steps, _MISSING, insert=False)


def _move(document: Any, operation: Mapping[str, Any]) -> Any:
    source, steps = _pointer(operation["from"]), _pointer(operation["path"])
    if steps[: len(source)] == source and len(steps) > len(source):
        raise _DoesNotFit("a value can't be moved into itself")
    value = _value_at(document, source)
    return _put(_put(document, source, _MISSING, insert=False), steps, value, insert=True)


def _copy(document: Any, operation: Mapping[str, Any]) -> Any:
    value = _value_at(document, _pointer(operation["from"]))
    return _put(document, _pointer(operation["path"]), value, insert=True)


def _test(document: Any, operation: Mapping[str, Any]) -> Any:
    found = _value_at(document, _pointer(operation["path"]), absent_is_null=True)
    if not _same(found, operation["value"]):
        raise _DoesNotFit("the value differs from the one tested for")
    return document


_OPERATIONS: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise BadRequest(f"a JSON pointer must be empty or start with '/', not {text!r}")
    return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]


def _value_at(document: Any, steps: list[str], *, absent_is_null: bool = False) -> Any:
    for position, step in enumerate(steps):
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list):
            document = document[_index(step, len(document) - 1)]
        elif absent_is_null and isinstance(document, dict) and position == len(steps) - 1:
            return None
        else:
            raise _DoesNotFit(f"there is nothing at /{'/'.join(steps[: position + 1])}")
    return document


def _put(document: Any, steps: list[str], value: Any, *, insert: bool) -> Any:
    """A document with `value` at `steps` (removed when _MISSING); only the way there is copied."""
    if not steps:
        if value is _MISSING:
            raise _DoesNotFit("the whole document can't be removed")
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(document, dict):
        return _put_in_map(document, step, rest, value, insert=insert)
    if isinstance(document, list):
        return _put_in_list(document, step, rest, value, insert=insert)
    raise _DoesNotFit(f"{step!r} is looked for in {_named(document)}")


def _put_in_map(
    document: dict[str, Any], step: str, rest: list[str], value: Any, *, insert: bool
) -> dict[str, Any]:
    changed = dict(document)
    if rest:
        if step not in changed:
            raise _DoesNotFit(f"there is no {step!r} to put {'/'.join(rest)!r} into")
        changed[step] = _put(changed[step], rest, value, insert=insert)
    elif value is _MISSING:
        del changed[step]
    else:
        changed[step] = value
    return changed


def _put_in_list(
    document: list[Any], step: str, rest: list[str], value: Any, *, insert: bool
) -> list[Any]:
    changed = list(document)
    if rest:
        index = _index(step, len(changed) - 1)
        changed[index] = _put(changed[index], rest, value, insert=insert)
    elif value is _MISSING:
        del changed[_index(step, len(changed) - 1)]
    elif insert:
        changed.insert(len(changed) if step == "-" else _index(step, len(changed)), value)
    else:
        changed[_index(step, len(changed) - 1)] = value
    return changed


def _index(step: str, highest: int) -> int:
    if not step.isdecimal() or (step != "0" and step.startswith("0")):
        raise _DoesNotFit(f"{step!r} is no list index")
    if int(step) > highest:
        raise _DoesNotFit(f"index {step} is out of bounds")
    return int(step)


def _same(left: Any, right: Any) -> bool:
    """Equality of JSON values: Python's 1 == True is not one of them."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


def _named(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a string", type(None): "null"}.get(
        type(value), f"a {type(value).__name__}"
    )
