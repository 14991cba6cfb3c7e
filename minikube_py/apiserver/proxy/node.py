"""`nodes/<name>/proxy/<path>`: the reading endpoints of a kubelet, answered in process. What
changes something, or shows the host's own files, is refused by name.
"""

from aiohttp import web

from minikube_py.apiserver.context import server_of
from minikube_py.apiserver.negotiation import Media
from minikube_py.apiserver.node_side import NodeEndpoints
from minikube_py.apiserver.responses import send_object
from minikube_py.apiserver.streams.log import serve_log
from minikube_py.container_runtime.interface import RuntimeFailure
from minikube_py.kinds.catalog import POD
from minikube_py.meta.errors import MethodNotAllowed, NotFound, ServiceUnavailable
from minikube_py.meta.objects import Object, get_path

_PROMETHEUS = "text/plain; version=0.0.4"
_REFUSED = {
    "attach": "use kubectl attach",
    "checkpoint": "the container runtime cannot checkpoint",
    "cri": "use the pod's own exec, attach and portforward",
    "debug": "the daemon has no profiler",
    "exec": "use kubectl exec",
    "logs": "read the daemon's log on the host",
    "portForward": "use kubectl port-forward",
    "run": "use kubectl exec",
}


async def answer(request: web.Request, node: str, path: str) -> web.StreamResponse:
    """`path` is what follows `/proxy`."""
    kubelet = server_of(request).node.endpoints.get(node)
    if kubelet is None:
        raise ServiceUnavailable(f'error trying to reach service: node "{node}" has no kubelet')
    parts = [part for part in path.split("/") if part]
    first = parts[0] if parts else ""
    if first in _REFUSED:
        raise MethodNotAllowed(
            f"/{first} of a node is not supported by this server: {_REFUSED[first]}"
        )
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("only reading is supported through nodes/proxy")
    try:
        if parts == ["pods"]:
            return await send_object(request, Media(), _pods(request, node))
        return await _read(request, kubelet, parts)
    except RuntimeFailure as error:
        raise ServiceUnavailable(f"the container runtime does not answer: {error}") from error


async def _read(
    request: web.Request, kubelet: NodeEndpoints, parts: list[str]
) -> web.StreamResponse:
    match parts:
        case ["healthz"] | ["healthz", "ping" | "log" | "syncloop"]:
            return web.Response(text="ok")
        case ["configz"]:
            return await send_object(request, Media(), kubelet.configuration())
        case ["runningpods"]:
            return await send_object(request, Media(), await kubelet.running_pods())
        case ["stats", "summary"]:
            return await send_object(request, Media(), await kubelet.summary())
        case ["metrics"]:
            return _metrics(await kubelet.metrics())
        case ["metrics", "resource"]:
            return _metrics(await kubelet.resource_metrics())
        case ["containerLogs", namespace, pod, container]:
            server = server_of(request)
            return await serve_log(
                request, server.streams, namespace, pod, server.closing, container=container
            )
    raise NotFound(
        f"a node has no /{'/'.join(parts)} here: there are /healthz, /pods, /runningpods, "
        "/configz, /stats/summary, /metrics, /metrics/resource and "
        "/containerLogs/NAMESPACE/POD/CONTAINER"
    )


def _pods(request: web.Request, node: str) -> Object:
    pods = server_of(request).resources.list(POD, None).objects()
    mine = [pod for pod in pods if get_path(pod, "spec", "nodeName") == node]
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": mine}


def _metrics(text: str) -> web.Response:
    return web.Response(body=text.encode(), headers={"Content-Type": _PROMETHEUS})
