"""Small valid objects of each kind, to be broken in one place by a test."""

import copy
from typing import Any

from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object

CONTAINER: Object = {"name": "main", "image": "app:1"}


def metadata(name: str = "a", **more: Any) -> Object:
    return {"name": name, "namespace": "default", **more}


def pod(*, metadata_: Object | None = None, **spec: Any) -> Object:
    """A Pod of one container; keywords go into its spec."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata_ or metadata(),
        "spec": {"containers": [dict(CONTAINER)], **copy.deepcopy(spec)},
    }


def container_pod(**fields: Any) -> Object:
    """A Pod whose only container has these fields."""
    return pod(containers=[{**CONTAINER, **fields}])


def workload(kind: Kind, **spec: Any) -> Object:
    """A Deployment, ReplicaSet or StatefulSet; keywords go into its spec."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": metadata(),
        "spec": {
            "selector": {"matchLabels": {"app": "a"}},
            "template": {
                "metadata": {"labels": {"app": "a"}},
                "spec": {"containers": [dict(CONTAINER)]},
            },
            **copy.deepcopy(spec),
        },
    }


def service(**spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(),
        "spec": {"ports": [{"port": 80}], **copy.deepcopy(spec)},
    }


def of(kind: Kind, **fields: Any) -> Object:
    """Any kind: keywords are its top-level fields."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": metadata(),
        **copy.deepcopy(fields),
    }


def creation_errors(kind: Kind, obj: Object) -> list[str]:
    """`path: message` of each, after defaulting."""
    obj = copy.deepcopy(obj)
    kind.default(obj)
    kind.prepare(obj, None)
    return [str(error) for error in kind.validate_create(obj)]


def update_errors(kind: Kind, new: Object, old: Object) -> list[str]:
    new, old = copy.deepcopy(new), copy.deepcopy(old)
    kind.default(old)
    kind.default(new)
    kind.prepare(new, old)
    errors = [*kind.validate_create(new), *kind.validate_update(new, old)]
    return [str(error) for error in errors]
