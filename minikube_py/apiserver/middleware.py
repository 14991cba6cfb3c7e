"""Around every request, in this order: audit id and metrics, errors to Status, who asks, may they.

The only place where an exception becomes an HTTP response.
"""

import logging
import time
from dataclasses import replace
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from minikube_py.apiserver.authn import TokenAuthenticator, authenticate, is_public
from minikube_py.apiserver.authz import attributes_of, forbidden
from minikube_py.apiserver.context import (
    RequestState,
    find_state,
    server_of,
    set_state,
    state_of,
)
from minikube_py.apiserver.impersonation import impersonated, wants_other
from minikube_py.apiserver.targets import CONNECT, Target, parse_target, verb_of
from minikube_py.meta.encoding import encode
from minikube_py.meta.errors import (
    ApiError,
    BadRequest,
    InternalError,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    ServiceUnavailable,
    Unauthorized,
)
from minikube_py.meta.selectors import parse_field_selector
from minikube_py.meta.users import User
from minikube_py.store.interface import StoreUnavailable

logger = logging.getLogger(__name__)
_MAX_WARNING_CHARACTERS = 4096
NOBODY = User("")


def new_middleware(tokens: TokenAuthenticator | None) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        state = _open_state(request)
        set_state(request, state)
        metrics, started, code = server_of(request).metrics, time.perf_counter(), 0
        metrics.begin()
        try:
            response = await _answer(request, handler, tokens)
            code = response.status
            return response
        finally:
            metrics.end(_measured_verb(state), state.target, code, time.perf_counter() - started)

    return middleware


async def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """A signal handler, so that streamed responses get them too."""
    state = find_state(request)
    response.headers.setdefault("Cache-Control", "no-cache, private")
    if state is None:
        return
    response.headers["Audit-Id"] = state.audit_id
    left = _MAX_WARNING_CHARACTERS
    for warning in dict.fromkeys(map(_quotable, state.warnings)):
        left -= len(warning)
        if left < 0:  # clients bound the size of an answer's head
            break
        response.headers.add("Warning", f'299 - "{warning}"')


def _measured_verb(state: RequestState) -> str:
    """Streams last as long as their clients like: they would drown every other duration."""
    is_stream = state.target is not None and state.target.subresource in CONNECT
    return "connect" if is_stream else state.verb


def _open_state(request: web.Request) -> RequestState:
    target = parse_target(request.path)
    verb = verb_of(request.method, target, request.query) if target else request.method.lower()
    audit_id = request.headers.get("Audit-Id", "")
    if not audit_id or len(audit_id) > 64 or not audit_id.isprintable():
        audit_id = str(uuid4())
    return RequestState(audit_id, verb, target, NOBODY)


async def _answer(
    request: web.Request, handler: Handler, tokens: TokenAuthenticator | None
) -> web.StreamResponse:
    try:
        _admit(request, tokens)
        return await handler(request)
    except ApiError as error:
        return _status_response(error)
    except StoreUnavailable as error:
        return _status_response(ServiceUnavailable(str(error)))
    except web.HTTPException as error:
        return _status_response(_translated(request, error))
    except ConnectionError:
        raise
    except Exception:
        state = state_of(request)
        logger.exception(
            "Request failed method=%s path=%s audit_id=%s",
            request.method,
            request.path,
            state.audit_id,
        )
        return _status_response(
            InternalError(
                "Internal error occurred: the daemon's log has the details under audit id "
                f"{state.audit_id}"
            )
        )


def _admit(request: web.Request, tokens: TokenAuthenticator | None) -> None:
    state, authorizer = state_of(request), server_of(request).authorizer
    user = authenticate(request, tokens)
    if user.is_anonymous and not is_public(request.path):
        raise Unauthorized("Unauthorized")
    if wants_other(request.headers):
        user = impersonated(user, request.headers, authorizer)
    state.user = user
    asked = attributes_of(user, state.verb, request.path, state.target)
    if state.verb in ("list", "watch"):
        asked = replace(asked, name=asked.name or _selected_name(request))
    decision = authorizer.authorize(asked)
    if not decision.allowed:
        raise forbidden(asked, decision.reason)


def _selected_name(request: web.Request) -> str:
    """A list or watch of one object by its name: who may read that one may do this."""
    selector = request.query.get("fieldSelector", "")
    for wanted in parse_field_selector(selector) if selector else ():
        if wanted.field == "metadata.name" and not wanted.negate:
            return wanted.value
    return ""


def _status_response(error: ApiError) -> web.Response:
    headers = {}
    retry_after = (error.details or {}).get("retryAfterSeconds")
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    return web.Response(
        status=error.code,
        body=encode(error.as_status()),
        content_type="application/json",
        headers=headers,
    )


def _translated(request: web.Request, error: web.HTTPException) -> ApiError:
    """What aiohttp itself refuses: no such route, no such method, broken requests."""
    match error.status:
        case 404:
            return no_such_resource(state_of(request).target)
        case 405:
            return MethodNotAllowed(
                "the server does not allow this method on the requested resource"
            )
        case 413:
            return RequestEntityTooLarge(error.reason)
        case _:
            return BadRequest(error.text or error.reason)


def no_such_resource(target: Target | None) -> NotFound:
    """Clients know the sentence's beginning as "this cluster does not have it"; people want to
    read what.
    """
    details = {"group": target.group, "kind": target.resource} if target else {}
    what = ""
    if target:
        name = f"{target.resource}.{target.group}" if target.group else target.resource
        part = f"/{target.subresource}" if target.subresource else ""
        what = f" (this cluster does not serve {name}{part} in {target.version})"
    return NotFound(
        f"the server could not find the requested resource{what}",
        details={name: value for name, value in details.items() if value},
    )


def _quotable(text: str) -> str:
    """A quoted-string of RFC 7230 on one line."""
    line = " ".join(text.split())[:_MAX_WARNING_CHARACTERS]
    return line.replace("\\", "\\\\").replace('"', '\\"')
