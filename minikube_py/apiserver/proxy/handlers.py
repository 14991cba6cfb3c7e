"""`pods|services|nodes/<name>/proxy/<path>`, for every method: find the address, then pass on."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from minikube_py.apiserver.context import server_of, target_of
from minikube_py.apiserver.middleware import no_such_resource
from minikube_py.apiserver.proxy import node
from minikube_py.apiserver.proxy.location import (
    Location,
    node_location,
    parse_reference,
    pod_location,
    service_location,
)
from minikube_py.apiserver.proxy.rewriting import Rewriter
from minikube_py.apiserver.proxy.transport import PROXY, forward, wants_upgrade
from minikube_py.apiserver.proxy.upgrade import forward_upgrade
from minikube_py.kinds.catalog import ENDPOINT_SLICE, NODE, POD, SERVICE
from minikube_py.kinds.kind import Kind
from minikube_py.meta.selectors import parse_label_selector
from minikube_py.resources.options import ListOptions

_KUBELET_PORT = "10250"


async def pod_proxy(request: web.Request) -> web.StreamResponse:
    server, target = server_of(request), target_of(request)
    wanted = parse_reference(target.name, "pod")
    pod = server.resources.get(POD, target.namespace, wanted.name)
    return await _pass_on(request, pod_location(pod, wanted))


async def service_proxy(request: web.Request) -> web.StreamResponse:
    resources, target = server_of(request).resources, target_of(request)
    wanted = parse_reference(target.name, "service")
    service = resources.get(SERVICE, target.namespace, wanted.name)
    labels = parse_label_selector(f"kubernetes.io/service-name={wanted.name}")
    slices = resources.list(ENDPOINT_SLICE, target.namespace, ListOptions(labels=labels)).objects()
    return await _pass_on(request, service_location(service, slices, wanted))


async def node_proxy(request: web.Request) -> web.StreamResponse:
    """The kubelet's own endpoints are answered in this process: it has no port of its own."""
    server, target = server_of(request), target_of(request)
    wanted = parse_reference(target.name, "node")
    found = server.resources.get(NODE, None, wanted.name)
    if wanted.port in ("", _KUBELET_PORT):
        _, path = split_path(request)
        return await node.answer(request, wanted.name, path)
    return await _pass_on(request, node_location(found, wanted))


HANDLERS: Mapping[Kind, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
    NODE: node_proxy,
    POD: pod_proxy,
    SERVICE: service_proxy,
}


def split_path(request: web.Request) -> tuple[str, str]:
    """The path up to and with `/proxy`, and what follows, both as the client escaped them."""
    path = request.raw_path.partition("?")[0]
    before = 8 if target_of(request).namespace else 6
    prefix = "/".join(path.split("/")[:before])
    if not prefix.endswith("/proxy"):  # a slash doubled, or escaped in a name
        raise no_such_resource(target_of(request))
    return prefix, path[len(prefix) :]


async def _pass_on(request: web.Request, location: Location) -> web.StreamResponse:
    prefix, path = split_path(request)
    _, has_query, query = request.raw_path.partition("?")
    target = (path or "/") + has_query + query
    transport = request.app[PROXY]
    if wants_upgrade(request):
        return await forward_upgrade(request, transport, location, target)
    if not path and request.method in ("GET", "HEAD"):
        place = f"{prefix}/{has_query}{query}"
        return web.Response(status=301, headers={"Location": place})
    hosts = (request.host, location.authority)
    return await forward(request, transport, location, target, Rewriter(prefix, hosts))
