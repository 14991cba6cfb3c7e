"""Reading and stamping the JSON dicts that Kubernetes objects are.

Objects stay dicts from the wire to the store and back, so unknown fields, patches and
managedFields round-trip.
These helpers only read, or write to the dict they are given; callers copy what a cache or the
store returned.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NewType

Object = dict[str, Any]
Key = NewType("Key", str)
"""`namespace/name`, or `name` for a cluster-scoped object: what work queues carry."""


class GroupVersionKind(NamedTuple):
    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


def split_api_version(api_version: str) -> tuple[str, str]:
    """`apps/v1` → ("apps", "v1"); `v1` → ("", "v1")."""
    group, _, version = api_version.rpartition("/")
    return group, version


def make_key(namespace: str | None, name: str) -> Key:
    return Key(f"{namespace}/{name}" if namespace else name)


def split_key(key: Key) -> tuple[str | None, str]:
    """(namespace or None, name)."""
    namespace, slash, name = key.partition("/")
    return (namespace, name) if slash else (None, namespace)


def key_of(obj: Mapping[str, Any]) -> Key:
    metadata = obj.get("metadata") or {}
    return make_key(metadata.get("namespace"), metadata.get("name", ""))


def name_of(obj: Mapping[str, Any]) -> str:
    return str((obj.get("metadata") or {}).get("name", ""))


def namespace_of(obj: Mapping[str, Any]) -> str:
    """The namespace, "" for a cluster-scoped object."""
    return str((obj.get("metadata") or {}).get("namespace", ""))


def uid_of(obj: Mapping[str, Any]) -> str:
    return str((obj.get("metadata") or {}).get("uid", ""))


def resource_version_of(obj: Mapping[str, Any]) -> str:
    return str((obj.get("metadata") or {}).get("resourceVersion", ""))


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("labels") or {}


def annotations_of(obj: Mapping[str, Any]) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("annotations") or {}


def is_deleting(obj: Mapping[str, Any]) -> bool:
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def get_path(obj: Any, *path: str | int, default: Any = None) -> Any:
    """The value at `path` (keys and list indexes), `default` where any step is missing or null."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(obj, list) or not -len(obj) <= step < len(obj):
                return default
            obj = obj[step]
        else:
            if not isinstance(obj, Mapping):
                return default
            obj = obj.get(step)
        if obj is None:
            return default
    return obj


def controller_of(obj: Mapping[str, Any]) -> Object | None:
    """The owner reference with `controller: true`, if any."""
    for reference in (obj.get("metadata") or {}).get("ownerReferences") or []:
        if reference.get("controller"):
            return dict(reference)
    return None


def owner_reference(owner: Mapping[str, Any], *, controller: bool = True) -> Object:
    """A reference to `owner` as its children carry it; controllers block the owner's deletion."""
    reference: Object = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
    }
    if controller:
        reference["controller"] = True
        reference["blockOwnerDeletion"] = True
    return reference


def object_reference(obj: Mapping[str, Any]) -> Object:
    """What Events call involvedObject."""
    reference = {
        "kind": obj.get("kind", ""),
        "namespace": namespace_of(obj),
        "name": name_of(obj),
        "uid": uid_of(obj),
        "apiVersion": obj.get("apiVersion", ""),
        "resourceVersion": resource_version_of(obj),
    }
    return {field: value for field, value in reference.items() if value}


def find_condition(obj: Mapping[str, Any], type_: str) -> Object | None:
    for condition in (obj.get("status") or {}).get("conditions") or []:
        if condition.get("type") == type_:
            return dict(condition)
    return None


def is_condition_true(obj: Mapping[str, Any], type_: str) -> bool:
    condition = find_condition(obj, type_)
    return condition is not None and condition.get("status") == "True"


def with_condition(conditions: Iterable[Object], new: Object, *, now: str) -> list[Object]:
    """`conditions` with the one of `new`'s type replaced or added.

    lastTransitionTime is `now` only when the status changed, as the API conventions ask; position
    is kept.
    """
    result: list[Object] = []
    placed = False
    for old in conditions:
        if old.get("type") != new["type"]:
            result.append(old)
            continue
        placed = True
        same = old.get("status") == new.get("status")
        changed_at = old.get("lastTransitionTime", now) if same else now
        result.append({**old, **new, "lastTransitionTime": changed_at})
    if not placed:
        result.append({**new, "lastTransitionTime": new.get("lastTransitionTime", now)})
    return result
