"""An operator made with kopf, run by test_kopf.py with `kopf run`: a Site becomes a Deployment and
a ConfigMap that it owns.
"""

from typing import Any

import kopf
from kubernetes import client as typed_client
from kubernetes import config as untyped_config

client: Any = typed_client
config: Any = untyped_config
Body = dict[str, Any]


@kopf.on.startup()
def connect(settings: kopf.OperatorSettings, **_: Any) -> None:
    config.load_kube_config()
    settings.persistence.finalizer = "web.example.com/operator"


@kopf.on.create("web.example.com", "v1", "sites")
def create(
    body: kopf.Body, spec: Any, name: str, namespace: Any, patch: kopf.Patch, **_: Any
) -> Body:
    children = [settings_of(name, spec["message"]), deployment_of(name, spec["replicas"])]
    kopf.adopt(children)
    kopf.label(children, {"site": name})
    client.CoreV1Api().create_namespaced_config_map(namespace, children[0])
    client.AppsV1Api().create_namespaced_deployment(namespace, children[1])
    patch.status["phase"] = "Made"
    kopf.info(body, reason="Made", message="All there is to a site")
    return {"children": len(children)}


@kopf.on.update("web.example.com", "v1", "sites", field="spec.message")
def change(new: Any, name: str, namespace: Any, patch: kopf.Patch, **_: Any) -> None:
    client.CoreV1Api().patch_namespaced_config_map(name, namespace, {"data": {"message": new}})
    patch.status["phase"] = "Changed"


@kopf.on.field("web.example.com", "v1", "sites", field="spec.replicas")
def scale(old: Any, new: Any, name: str, namespace: Any, **_: Any) -> None:
    if old is not None:
        body = {"spec": {"replicas": new}}
        client.AppsV1Api().patch_namespaced_deployment_scale(name, namespace, body)


@kopf.on.resume("web.example.com", "v1", "sites")
def resume(patch: kopf.Patch, **_: Any) -> None:
    patch.status["resumed"] = True


@kopf.on.delete("web.example.com", "v1", "sites")
def delete(name: str, namespace: Any, **_: Any) -> None:
    last = {"metadata": {"name": f"{name}-was-here"}}
    client.CoreV1Api().create_namespaced_config_map(namespace, last)


@kopf.timer("web.example.com", "v1", "sites", interval=1, initial_delay=2)
def tick(status: Any, patch: kopf.Patch, **_: Any) -> None:
    patch.status["ticks"] = status.get("ticks", 0) + 1


@kopf.on.event("apps", "v1", "deployments", labels={"site": kopf.PRESENT})
def note_readiness(body: Any, namespace: Any, **_: Any) -> None:
    ready = (body.get("status") or {}).get("readyReplicas", 0)
    client.CustomObjectsApi().patch_namespaced_custom_object_status(
        "web.example.com", "v1", namespace, "sites", body["metadata"]["labels"]["site"],
        {"status": {"replicas": ready}},
    )  # fmt: skip


def settings_of(name: str, message: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"message": message},
    }


def deployment_of(name: str, replicas: int) -> Body:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
        },
    }
