"""JSON patch (RFC 6902) and merge patch (RFC 7386), and which patch goes which way.

Pure: from a document and a patch to a new document; what the result may be is decided in write.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import schema_for
from minikube_py.meta.encoding import decode, encode
from minikube_py.meta.errors import BadRequest, Invalid, RequestEntityTooLarge
from minikube_py.meta.objects import Object
from minikube_py.resources.decode import copied
from minikube_py.resources.options import Patch
from minikube_py.resources.strategic import strategic_merge

MAX_OPERATIONS = 10_000
MAX_COPIED_BYTES = 3 * 1024 * 1024
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
    """All operations or none; raises BadRequest for a malformed patch, RequestEntityTooLarge for
    one of too many operations, Invalid for one that does not fit the document.
    """
    if not isinstance(operations, list):
        raise BadRequest(
            f"a JSON patch must be a list of operations, not {_named(operations)}; for an object "
            "use a merge patch"
        )
    if len(operations) > MAX_OPERATIONS:
        raise RequestEntityTooLarge(
            "Request entity too large: The allowed maximum operations in a JSON patch is "
            f"{MAX_OPERATIONS}, got {len(operations)}"
        )
    working = _Working(copied(document))
    for index, operation in enumerate(operations):
        try:
            _apply(working, operation)
        except _DoesNotFit as error:
            raise Invalid(
                f"the JSON patch can't be applied: operation {index} ({operation['op']} "
                f"{operation['path']}): {error}",
                details={},  # without any, kubectl 1.20 keeps the message to itself
            ) from error
    return working.document


class _DoesNotFit(Exception):
    """An operation asks for what the document doesn't have."""


@dataclass
class _Working:
    """A copy of the document, changed in place: copying it for each of thousands of operations
    would take seconds.
    """

    document: Any
    copied_bytes: int = 0


def _apply(working: _Working, operation: Any) -> None:
    if not isinstance(operation, dict) or operation.get("op") not in _OPERATIONS:
        allowed = ", ".join(_OPERATIONS)
        raise BadRequest(f"a JSON patch operation needs an `op` of {allowed}; got {operation!r}")
    needs = {"move": "from", "copy": "from", "remove": None}.get(operation["op"], "value")
    if not isinstance(operation.get("path"), str) or (needs and needs not in operation):
        wanted = f"`path` and `{needs}`" if needs else "`path`"
        raise BadRequest(f"the JSON patch operation {operation['op']!r} needs {wanted}")
    _OPERATIONS[operation["op"]](working, operation)


def _add(working: _Working, operation: Mapping[str, Any]) -> None:
    _put(working, _pointer(operation["path"]), copied(operation["value"]), insert=True)


def _replace(working: _Working, operation: Mapping[str, Any]) -> None:
    steps = _pointer(operation["path"])
    _value_at(working.document, steps)
    _put(working, steps, copied(operation["value"]), insert=False)


def _remove(working: _Working, operation: Mapping[str, Any]) -> None:
    steps = _pointer(operation["path"])
    _value_at(working.document, steps)
    _put(working, steps, _MISSING, insert=False)


def _move(working: _Working, operation: Mapping[str, Any]) -> None:
    source, steps = _pointer(operation["from"]), _pointer(operation["path"])
    if steps[: len(source)] == source and len(steps) > len(source):
        raise _DoesNotFit("a value can't be moved into itself")
    value = _value_at(working.document, source)
    if source != steps:
        _put(working, source, _MISSING, insert=False)
        _put(working, steps, value, insert=True)


def _copy(working: _Working, operation: Mapping[str, Any]) -> None:
    """Doubling a value thirty times makes gigabytes of a short patch: what all copies add up to
    has a limit.
    """
    value = _value_at(working.document, _pointer(operation["from"]))
    encoded = encode(value)
    working.copied_bytes += len(encoded)
    if working.copied_bytes > MAX_COPIED_BYTES:
        raise _DoesNotFit(f"the patch copies more than {MAX_COPIED_BYTES} bytes")
    _put(working, _pointer(operation["path"]), decode(encoded), insert=True)


def _test(working: _Working, operation: Mapping[str, Any]) -> None:
    found = _value_at(working.document, _pointer(operation["path"]), absent_is_null=True)
    if not _same(found, operation["value"]):
        raise _DoesNotFit("the value differs from the one tested for")


_OPERATIONS: Mapping[str, Callable[[_Working, Mapping[str, Any]], None]] = {
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


def _put(working: _Working, steps: list[str], value: Any, *, insert: bool) -> None:
    """Puts `value` at `steps`; _MISSING removes what is there."""
    if not steps:
        if value is _MISSING:
            raise _DoesNotFit("the whole document can't be removed")
        working.document = value
        return
    holder, step = _value_at(working.document, steps[:-1]), steps[-1]
    if isinstance(holder, dict):
        _put_in_map(holder, step, value)
    elif isinstance(holder, list):
        _put_in_list(holder, step, value, insert=insert)
    else:
        raise _DoesNotFit(f"{step!r} is looked for in {_named(holder)}")


def _put_in_map(holder: dict[str, Any], step: str, value: Any) -> None:
    if value is _MISSING:
        del holder[step]
    else:
        holder[step] = value


def _put_in_list(holder: list[Any], step: str, value: Any, *, insert: bool) -> None:
    if value is _MISSING:
        del holder[_index(step, len(holder) - 1)]
    elif insert:
        holder.insert(len(holder) if step == "-" else _index(step, len(holder)), value)
    else:
        holder[_index(step, len(holder) - 1)] = value


def _index(step: str, highest: int) -> int:
    if not step.isdecimal() or (step != "0" and step.startswith("0")):
        raise _DoesNotFit(f"{step!r} is no list index")
    if len(step) > len(str(highest)) or int(step) > highest:
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
