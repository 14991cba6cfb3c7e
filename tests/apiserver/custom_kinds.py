"""Custom kinds on a test server: the controller that serves them, and a rich definition."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.controllers.custom_resource_definition import (
    new_custom_resource_definition_controller,
)
from minikube_py.kinds.catalog import CUSTOM_RESOURCE_DEFINITION
from minikube_py.meta.objects import Object, is_condition_true, name_of
from minikube_py.meta.timestamps import system_clock
from tests.apiserver.serving import Cluster
from tests.kinds.custom.definitions import definition, version

DEADLINE_SECONDS = 10.0
ROOT = "/apis/stable.example.com/v1"
TABS = f"{ROOT}/namespaces/default/crontabs"
NAME = "crontabs.stable.example.com"

_SPEC: Object = {
    "type": "object",
    "description": "what is wanted",
    "required": ["cronSpec"],
    "properties": {
        "cronSpec": {
            "type": "string",
            "pattern": r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$",
            "description": "when it runs",
        },
        "image": {"type": "string", "default": "busybox"},
        "replicas": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
        "port": {"x-kubernetes-int-or-string": True},
        "when": {"type": "string", "format": "date-time", "nullable": True},
        "steps": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "description": "which step"},
                    "run": {"type": "string"},
                },
            },
        },
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
    "x-kubernetes-validations": [
        {
            "rule": "self.replicas < 5 || self.image != 'busybox'",
            "message": "busybox runs less than five times",
        },
        {
            "rule": "self.cronSpec == oldSelf.cronSpec",
            "message": "cronSpec is immutable",
            "fieldPath": ".cronSpec",
            "reason": "FieldValueForbidden",
        },
    ],
}
_STATUS: Object = {
    "type": "object",
    "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}},
}


def crontabs() -> Object:
    """Two versions, columns, status, scale, a selectable field and rules."""
    columns = [
        {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"},
        {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
        {"name": "Image", "type": "string", "jsonPath": ".spec.image", "priority": 1},
    ]
    scale = {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    made = definition(
        version(
            schema={
                "type": "object",
                "description": "a table of jobs",
                "properties": {"spec": _SPEC, "status": _STATUS},
            },
            subresources={"status": {}, "scale": scale},
            additionalPrinterColumns=columns,
            selectableFields=[{"jsonPath": ".spec.image"}],
        ),
        version(
            "v1beta1",
            storage=False,
            deprecated=True,
            schema={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        ),
        names={"shortNames": ["ct"], "categories": ["all"]},
    )
    del made["metadata"]["generation"]
    return made


def crontab(name: str = "a", **spec: Any) -> Object:
    return {
        "apiVersion": "stable.example.com/v1",
        "kind": "CronTab",
        "metadata": {"name": name},
        "spec": {"cronSpec": "* * * * */5", **spec},
    }


@asynccontextmanager
async def serving_definitions(cluster: Cluster) -> AsyncIterator[None]:
    """Runs the controller."""
    informers = Informers(cluster.resources)
    recorder = Recorder(cluster.resources, "test", system_clock)
    controller = new_custom_resource_definition_controller(
        cluster.resources, informers, recorder, system_clock
    )
    running = [asyncio.create_task(part.run()) for part in (informers, controller)]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def established(cluster: Cluster, made: Object) -> None:
    """Waits until it is, by watching."""
    resources = cluster.resources
    watch = resources.watch(CUSTOM_RESOURCE_DEFINITION, since=resources.store.revision)
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not is_condition_true(
                resources.get(CUSTOM_RESOURCE_DEFINITION, None, name_of(made)), "Established"
            ):
                await watch.next_batch()
    finally:
        watch.close()
