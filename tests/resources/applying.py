"""What tests of server-side apply say shortly."""

from typing import Any

from minikube_py.meta.objects import Object
from minikube_py.resources.resources import Patch, Resources, WriteOptions


def config(name: str = "settings", **data: str) -> Object:
    body: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    return {**body, "data": data} if data else body


async def apply(
    resources: Resources, body: Object, manager: str = "alice", *, force: bool = False
) -> Object:
    options = WriteOptions(field_manager=manager, force=force)
    kind = resources.catalog.by_kind(*_gvk(body))
    assert kind is not None
    name = body["metadata"]["name"]
    return (await resources.patch(kind, "default", name, Patch("apply", body), options)).object


def _gvk(body: Object) -> tuple[str, str, str]:
    group, _, version = body["apiVersion"].rpartition("/")
    return group, version, body["kind"]


def owners(obj: Object) -> dict[tuple[str, str], Any]:
    return {
        (entry["manager"], entry["operation"]): entry["fieldsV1"]
        for entry in obj["metadata"].get("managedFields", [])
    }
