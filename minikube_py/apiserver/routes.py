"""From a path to its handler. One generic route serves every resource of the catalog, also of kinds
that are added while the server runs.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from minikube_py.apiserver import (
    component_statuses,
    discovery,
    handlers,
    health,
    metrics_api,
    openapi,
    reviews,
    subresources,
    tokens,
    watch,
)
from minikube_py.apiserver.aggregation import AGGREGATOR
from minikube_py.apiserver.context import server_of, state_of
from minikube_py.apiserver.middleware import no_such_resource
from minikube_py.apiserver.negotiation import Media
from minikube_py.apiserver.responses import send_object
from minikube_py.apiserver.targets import Target
from minikube_py.kinds.catalog import COMPONENT_STATUS, POD
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import MethodNotAllowed
from minikube_py.meta.objects import Object

_VERBS: dict[str, Callable[[web.Request, Kind], Awaitable[web.StreamResponse]]] = {
    "get": handlers.get,
    "list": handlers.list_,
    "watch": watch.watch,
    "create": handlers.create,
    "update": handlers.update,
    "patch": handlers.patch,
    "delete": handlers.delete,
    "deletecollection": handlers.delete_collection,
}
_ACROSS_NAMESPACES = ("list", "watch")


def add_routes(app: web.Application) -> None:
    router = app.router
    for name, handler in (
        ("healthz", health.healthz),
        ("livez", health.livez),
        ("readyz", health.readyz),
    ):
        router.add_get(f"/{name}", handler)
        router.add_get(f"/{name}/{{check}}", handler)
    router.add_get("/", paths)
    router.add_get("/metrics", health.metrics)
    for path, describe in (
        ("/version", discovery.version),
        ("/api", discovery.core_versions),
        ("/apis", discovery.groups),
        ("/api/{version}", discovery.resources),
        ("/apis/{group}", discovery.group),
        ("/apis/{group}/{version}", discovery.resources),
    ):
        router.add_get(path, describe)
        router.add_get(f"{path}/", describe)
    router.add_get("/.well-known/openid-configuration", tokens.openid_configuration)
    router.add_get("/openid/v1/jwks", tokens.jwks)
    router.add_get("/openapi/v2", openapi.version_2)
    router.add_get("/openapi/v3", openapi.index)
    router.add_get("/openapi/v3/{path:.+}", openapi.document)
    router.add_route("*", "/api/{version}/{path:.+}", resource)
    router.add_route("*", "/apis/{group}/{version}/{path:.+}", resource)


async def resource(request: web.Request) -> web.StreamResponse:
    """Every request for a resource, whatever its verb."""
    state = state_of(request)
    target = state.target
    if target is not None and (other := _aggregated(request, target)) is not None:
        return await request.app[AGGREGATOR].pass_on(request, other)
    if target is None or (target.rest and target.subresource != "proxy"):
        raise no_such_resource(target)
    if metrics_api.serves(target):
        return await metrics_api.answer(request)
    review = reviews.handler_of(target)
    if review is not None and request.method == "POST":
        return await review(request)
    if (target.group, target.resource, request.method) == ("", "bindings", "POST"):
        return await subresources.bind_pod(request, POD)
    kind = _find_kind(request, target)
    if kind is COMPONENT_STATUS:
        return await component_statuses.answer(request)
    if target.subresource:
        return await subresources.find_handler(request, kind)()
    if (
        state.verb not in kind.verbs
        or request.method == "HEAD"
        or _needs_namespace(kind, target, state.verb)
    ):
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    return await _VERBS[state.verb](request, kind)


async def paths(request: web.Request) -> web.StreamResponse:
    """`/`: where there is something to look at."""
    catalog = server_of(request).resources.catalog
    groups = [
        f"/apis/{group}/{version}" if group else f"/api/{version}"
        for group, versions in catalog.groups().items()
        for version in versions
    ]
    fixed = ["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3"]
    document = {"paths": sorted({*fixed, *groups, "/readyz", "/version"})}
    return await send_object(request, Media(), document)


def _aggregated(request: web.Request, target: Target) -> Object | None:
    """The APIService of another server that answers for it."""
    catalog = server_of(request).resources.catalog
    if catalog.by_resource(target.group, target.version, target.resource) is not None:
        return None
    return request.app[AGGREGATOR].find(target.group, target.version)


def _find_kind(request: web.Request, target: Target) -> Kind:
    kind = server_of(request).resources.catalog.by_resource(
        target.group, target.version, target.resource
    )
    if kind is None:
        raise no_such_resource(target)
    is_in_namespace = bool(target.namespace) and target.resource != "namespaces"
    if is_in_namespace and not kind.namespaced:
        raise no_such_resource(target)
    if target.name and kind.namespaced and not target.namespace:
        raise no_such_resource(target)
    if target.subresource and not subresources.is_known(kind, target.subresource):
        raise no_such_resource(target)
    if kind.deprecation:
        state_of(request).warnings.append(kind.deprecation)
    return kind


def _needs_namespace(kind: Kind, target: Target, verb: str) -> bool:
    return kind.namespaced and not target.namespace and verb not in _ACROSS_NAMESPACES
