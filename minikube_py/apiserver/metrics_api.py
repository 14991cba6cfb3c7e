"""`metrics.k8s.io/v1beta1`: what nodes and pods use now, for `kubectl top` and autoscalers. Nothing
of it is stored: each answer is measured when asked for.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from aiohttp import web

from minikube_py.apiserver import options
from minikube_py.apiserver.context import server_of, state_of, target_of
from minikube_py.apiserver.negotiation import Media, negotiate
from minikube_py.apiserver.node_side import UsageSource
from minikube_py.apiserver.responses import send_object
from minikube_py.apiserver.tables import partial_metadata
from minikube_py.apiserver.targets import Target
from minikube_py.container_runtime.interface import RuntimeFailure
from minikube_py.container_runtime.usage import ContainerUsage, NodeUsage
from minikube_py.kinds.catalog import NODE, POD
from minikube_py.meta.errors import MethodNotAllowed, NotFound, ServiceUnavailable
from minikube_py.meta.objects import Object, labels_of, name_of, namespace_of, uid_of
from minikube_py.meta.quantity import format_quantity
from minikube_py.meta.timestamps import format_time
from minikube_py.resources.options import ListOptions

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
_API_VERSION = f"{GROUP}/{VERSION}"
_KINDS = {"nodes": "NodeMetrics", "pods": "PodMetrics"}
_KIBI = 1024


def serves(target: Target) -> bool:
    return (target.group, target.version) == (GROUP, VERSION) and target.resource in _KINDS


async def answer(request: web.Request) -> web.StreamResponse:
    """get and list of nodes and pods, nothing else."""
    state, target = state_of(request), target_of(request)
    if state.verb not in ("get", "list") or target.subresource or request.method != "GET":
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    media = negotiate(request.headers.get("Accept", ""))
    items = await _items(request, target)
    if not target.name:
        return await send_object(request, Media(media.format), _listed(items, media, target))
    if not items:
        key = f"{target.namespace}/{target.name}" if target.namespace else target.name
        raise NotFound.of(GROUP, _KINDS[target.resource].lower(), key)
    found = _table(items) if media.is_table else items[0]
    if media.is_metadata_only:
        found = partial_metadata(items[0], media.version)
    return await send_object(request, Media(media.format), found)


async def _items(request: web.Request, target: Target) -> list[Object]:
    server = server_of(request)
    if server.node.usage is None:
        raise ServiceUnavailable("nobody measures usage here: no kubelet runs")
    try:
        if target.resource == "nodes":
            return await _nodes(request, target, server.node.usage)
        return _pods(request, target, await server.node.usage.read())
    except RuntimeFailure as error:
        raise ServiceUnavailable(f"the container runtime does not answer: {error}") from error


def _selected(request: web.Request, target: Target) -> Sequence[Object]:
    """The nodes or pods asked for."""
    resources = server_of(request).resources
    kind = NODE if target.resource == "nodes" else POD
    namespace = target.namespace or None
    if target.name:
        found = resources.get_or_none(kind, namespace, target.name)
        return [found] if found is not None else []
    asked = options.list_options(request.query)
    selected = ListOptions(labels=asked.labels, fields=asked.fields)
    return resources.list(kind, namespace, selected).objects()


async def _nodes(request: web.Request, target: Target, whole: UsageSource) -> list[Object]:
    """Where nobody tells the nodes apart there is one."""
    endpoints = server_of(request).node.endpoints
    found = []
    for node in _selected(request, target):
        if endpoints and name_of(node) not in endpoints:
            continue
        usage = await (endpoints[name_of(node)].usage() if endpoints else whole.read())
        used = _quantities(usage.cpu_nanocores, usage.sample.memory_working_set_bytes)
        found.append({**_head(node, "NodeMetrics", usage), "usage": used})
    return found


def _pods(request: web.Request, target: Target, usage: NodeUsage) -> list[Object]:
    by_pod: dict[str, list[ContainerUsage]] = {}
    for one in usage.containers:
        by_pod.setdefault(one.stats.pod_uid, []).append(one)
    return [
        {
            **_head(pod, "PodMetrics", usage),
            "containers": [
                {
                    "name": one.stats.container_name,
                    "usage": _quantities(one.cpu_nanocores, one.stats.memory_working_set_bytes),
                }
                for one in sorted(by_pod[uid_of(pod)], key=lambda one: one.stats.container_name)
            ],
        }
        for pod in _selected(request, target)
        if uid_of(pod) in by_pod
    ]


def _head(obj: Object, kind: str, usage: NodeUsage) -> Object:
    at = format_time(usage.sample.at)
    metadata: dict[str, Any] = {"name": name_of(obj)}
    if namespace_of(obj):
        metadata["namespace"] = namespace_of(obj)
    metadata["creationTimestamp"] = at
    if labels := labels_of(obj):
        metadata["labels"] = dict(labels)
    window = f"{usage.window_seconds:.3f}".rstrip("0").rstrip(".") + "s"
    return {
        "kind": kind,
        "apiVersion": _API_VERSION,
        "metadata": metadata,
        "timestamp": at,
        "window": window,
    }


def _quantities(nanocores: int, memory: int) -> Mapping[str, str]:
    """As metrics-server writes them."""
    return {"cpu": f"{nanocores}n" if nanocores else "0", "memory": f"{memory // _KIBI}Ki"}


def _listed(items: list[Object], media: Media, target: Target) -> Object:
    if media.is_table:
        return _table(items)
    if media.is_metadata_only:
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": f"meta.k8s.io/{media.version}",
            "metadata": {},
            "items": [partial_metadata(item, media.version) for item in items],
        }
    kind = f"{_KINDS[target.resource]}List"
    return {"kind": kind, "apiVersion": _API_VERSION, "metadata": {}, "items": items}


def _table(items: Sequence[Object]) -> Object:
    """The columns of metrics-server: usage summed up, and its window."""
    columns = [
        {"name": "Name", "type": "string", "format": "name", "description": "Name of the resource"},
        {"name": "cpu", "type": "string", "format": "quantity", "description": "CPU in cores"},
        {"name": "memory", "type": "string", "format": "quantity", "description": "Working set"},
        {"name": "Window", "type": "string", "format": "duration", "description": "Measured over"},
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": [{**column, "priority": 0} for column in columns],
        "rows": [_row(item) for item in items],
    }


def _row(item: Object) -> Object:
    parts = [item["usage"]] if "usage" in item else [one["usage"] for one in item["containers"]]
    nanocores = sum(int(str(part["cpu"]).rstrip("n")) for part in parts)
    kibibytes = sum(int(str(part["memory"]).removesuffix("Ki")) for part in parts)
    cpu = format_quantity(Decimal(nanocores).scaleb(-9))
    memory = format_quantity(Decimal(kibibytes * _KIBI), binary=True)
    return {
        "cells": [name_of(item), cpu, memory, item["window"]],
        "object": partial_metadata(item),
    }
