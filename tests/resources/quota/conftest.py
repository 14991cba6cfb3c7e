from typing import Any

from minikube_py.kinds.catalog import RESOURCE_QUOTA
from minikube_py.meta.objects import Object
from minikube_py.resources.resources import Resources


def quota(name: str = "team", *, scopes: list[str] | None = None, **hard: Any) -> Object:
    """Underscores of keywords stand for dots."""
    limits = {key.replace("_", "."): str(value) for key, value in hard.items()}
    spec: Object = {"hard": limits}
    if scopes:
        spec["scopes"] = scopes
    return {"metadata": {"name": name}, "spec": spec}


async def limit(resources: Resources, obj: Object, namespace: str = "default") -> Object:
    return (await resources.create(RESOURCE_QUOTA, namespace, obj)).object


def pod(name: str = "web", *, requests: Object | None = None, **spec: Any) -> Object:
    container: Object = {"name": "main", "image": "nginx:1"}
    if requests is not None:
        container["resources"] = {"requests": requests, "limits": requests}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}
