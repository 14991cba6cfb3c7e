"""What hangs below an object and is neither its status nor its scale: pods' streams, binding,
eviction.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from aiohttp import web

from minikube_py.apiserver import bodies, handlers, options, responses, tokens
from minikube_py.apiserver.authz import attributes_of, forbidden
from minikube_py.apiserver.context import server_of, state_of, target_of
from minikube_py.apiserver.negotiation import Media, body_format, negotiate
from minikube_py.apiserver.streams import log
from minikube_py.apiserver.streams.entry import serve_attach, serve_exec, serve_port_forward
from minikube_py.apiserver.targets import Target
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import BadRequest, Conflict, MethodNotAllowed
from minikube_py.meta.objects import Object, name_of
from minikube_py.resources.eviction import evict

Handler = Callable[[web.Request, Kind], Awaitable[web.StreamResponse]]
_SUCCESS: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


async def pod_log(request: web.Request, _kind: Kind) -> web.StreamResponse:
    server, target = server_of(request), target_of(request)
    return await log.serve_log(
        request, server.streams, target.namespace, target.name, server.closing
    )


async def pod_exec(request: web.Request, _kind: Kind) -> web.StreamResponse:
    target = _may_create(request)
    return await serve_exec(request, server_of(request).streams, target.namespace, target.name)


async def pod_attach(request: web.Request, _kind: Kind) -> web.StreamResponse:
    target = _may_create(request)
    return await serve_attach(request, server_of(request).streams, target.namespace, target.name)


async def pod_port_forward(request: web.Request, _kind: Kind) -> web.StreamResponse:
    target = _may_create(request)
    return await serve_port_forward(
        request, server_of(request).streams, target.namespace, target.name
    )


def _may_create(request: web.Request) -> Target:
    """WebSockets begin as a GET, whose verb is `get`: who may only look must not get a shell by it.
    Raises Forbidden.
    """
    server, state, target = server_of(request), state_of(request), target_of(request)
    if state.verb != "create":
        asked = attributes_of(state.user, "create", request.path, target)
        if not (decision := server.authorizer.authorize(asked)).allowed:
            raise forbidden(asked, decision.reason)
    return target


async def _proxy(request: web.Request, kind: Kind) -> web.StreamResponse:
    """Imported when first asked for: most clusters never are."""
    from minikube_py.apiserver.proxy import handlers as proxies

    return await proxies.HANDLERS[kind](request)


async def bind_pod(request: web.Request, _kind: Kind) -> web.StreamResponse:
    """`pods/<name>/binding`, and the older `bindings` that names the pod in the body."""
    server, target = server_of(request), target_of(request)
    binding = await _read(request)
    name, node = target.name or name_of(binding), (binding.get("target") or {}).get("name")
    if not node:
        raise BadRequest("target.name: Required value: the node the pod is to run on")
    if name_of(binding) not in ("", name):
        raise BadRequest(f"the name in the data ({name_of(binding)}) is not the pod's ({name})")
    if not _is_dry_run(request):
        await server.finish(server.resources.bind_pod(target.namespace, name, node))
    return await _send_success(request)


async def evict_pod(request: web.Request, _kind: Kind) -> web.StreamResponse:
    """Deletion that asks politely: a PodDisruptionBudget may say no."""
    server, target = server_of(request), target_of(request)
    eviction = await _read(request)
    if name_of(eviction) not in ("", target.name):
        raise BadRequest(f"name in URL ({target.name}) does not match name in Eviction object")
    wanted = options.delete_options(
        request.query, eviction.get("deleteOptions"), user=state_of(request).user
    )
    wanted = replace(wanted, dry_run=wanted.dry_run or _is_dry_run(request))
    await server.finish(
        evict(server.resources, target.namespace, target.name, wanted, clock=server.clock)
    )
    return await _send_success(request)


async def finalize_namespace(request: web.Request, kind: Kind) -> web.StreamResponse:
    """The namespace controller's last word: spec.finalizers as given, the object gone once
    empty.
    """
    server, target = server_of(request), target_of(request)
    media = Media(negotiate(request.headers.get("Accept", "")).format)
    namespace = await _read(request)
    current = server.resources.get(kind, None, target.name)
    if not (current.get("metadata") or {}).get("deletionTimestamp"):
        return await responses.send_object(request, media, current)
    if (namespace.get("spec") or {}).get("finalizers"):
        why = "only the removal of all spec.finalizers is supported"
        raise Conflict.of(kind.group, kind.plural, target.name, why)
    await server.finish(server.resources.finalize_namespace(target.name))
    return await responses.send_object(request, media, namespace)


HANDLERS: dict[tuple[str, str, str, str], Handler] = {
    ("", "pods", "log", "GET"): pod_log,
    ("", "pods", "exec", "GET"): pod_exec,
    ("", "pods", "exec", "POST"): pod_exec,
    ("", "pods", "attach", "GET"): pod_attach,
    ("", "pods", "attach", "POST"): pod_attach,
    ("", "pods", "portforward", "GET"): pod_port_forward,
    ("", "pods", "portforward", "POST"): pod_port_forward,
    ("", "pods", "binding", "POST"): bind_pod,
    ("", "serviceaccounts", "token", "POST"): tokens.create_token,
    ("", "pods", "eviction", "POST"): evict_pod,
    ("", "namespaces", "finalize", "PUT"): finalize_namespace,
}


def find_handler(request: web.Request, kind: Kind) -> Callable[[], Awaitable[web.StreamResponse]]:
    """Raises MethodNotAllowed."""
    target = target_of(request)
    subresource, method = target.subresource, request.method
    special = HANDLERS.get((kind.group, kind.plural, subresource, method))
    if subresource == "proxy":
        special = _proxy
    if special is not None:
        return lambda: special(request, kind)
    generic = _generic(kind, subresource).get(method)
    if generic is not None:
        return lambda: generic(request, kind)
    raise MethodNotAllowed("the server does not allow this method on the requested resource")


def is_known(kind: Kind, subresource: str) -> bool:
    return (
        subresource in kind.subresources
        or (subresource == "status" and kind.has_status)
        or (subresource == "scale" and kind.scale is not None)
    )


def _generic(kind: Kind, subresource: str) -> dict[str, Handler]:
    def update(request: web.Request, kind: Kind) -> Awaitable[web.StreamResponse]:
        return handlers.update(request, kind, subresource)

    def patch(request: web.Request, kind: Kind) -> Awaitable[web.StreamResponse]:
        return handlers.patch(request, kind, subresource)

    if (subresource == "status" and kind.has_status) or subresource in kind.parts:
        return {"GET": handlers.get, "PUT": update, "PATCH": patch}
    if subresource == "scale" and kind.scale is not None:
        return {"GET": handlers.get_scale, "PUT": update, "PATCH": patch}
    return {}


async def _read(request: web.Request) -> dict[str, Any]:
    format_ = body_format(request.headers.get("Content-Type", ""))
    data = await bodies.read_limited(request)
    value: dict[str, Any] = (await bodies.parse_aside(data, format_, must_be_object=True)).value
    return value


def _is_dry_run(request: web.Request) -> bool:
    state = state_of(request)
    return options.write_options(request.query, user=state.user, user_agent="").dry_run


async def _send_success(request: web.Request) -> web.StreamResponse:
    return await responses.send_object(request, Media(), _SUCCESS, status=201)
