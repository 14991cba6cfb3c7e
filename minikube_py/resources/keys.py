"""Where objects lie in the store: `/registry/<group or core>/<plural>/<namespace>/<name>`.

Kinds that are two views of one thing (events of both groups) share the keys of the first.
"""

from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Key, make_key

_ROOT = "/registry"


def store_prefix(kind: Kind, namespace: str | None = None) -> str:
    """Ends with a slash; `namespace` None = all."""
    group = kind.stored_as.group if kind.stored_as else kind.group
    prefix = f"{_ROOT}/{group or 'core'}/{kind.plural}/"
    return f"{prefix}{namespace}/" if kind.namespaced and namespace else prefix


def store_key(kind: Kind, namespace: str | None, name: str) -> str:
    return store_prefix(kind) + make_key(namespace if kind.namespaced else None, name)


def namespace_in(key: str) -> str:
    """The namespace in a store key; of objects without one, something else or ""."""
    parts = key.split("/")
    return parts[4] if len(parts) > 5 else ""


def object_key(kind: Kind, key: str) -> Key:
    """The `namespace/name` that a store key ends with."""
    return Key(key[len(store_prefix(kind)) :])
