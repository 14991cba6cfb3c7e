"""What a handler must ask beside the verb of its request."""

from aiohttp import web

from minikube_py.apiserver.authz import attributes_of, forbidden
from minikube_py.apiserver.context import server_of, state_of, target_of
from minikube_py.kinds.kind import Kind


def require(request: web.Request, verb: str) -> None:
    """The user may also `verb` what the request names, or Forbidden is raised."""
    server, state = server_of(request), state_of(request)
    asked = attributes_of(state.user, verb, request.path, state.target)
    decision = server.authorizer.authorize(asked)
    if not decision.allowed:
        raise forbidden(asked, decision.reason)


def require_create_of_new(request: web.Request, kind: Kind) -> None:
    """For updates and patches that make what is not there yet; raises Forbidden."""
    target = target_of(request)
    found = server_of(request).resources.get_or_none(kind, target.namespace or None, target.name)
    if found is None:
        require(request, "create")
