"""ServiceAccount tokens over HTTP: asking for one, and the keys by which others can check them."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from minikube_py.apiserver import options, responses
from minikube_py.apiserver.context import server_of, state_of, target_of
from minikube_py.apiserver.middleware import no_such_resource
from minikube_py.apiserver.negotiation import Media, negotiate
from minikube_py.apiserver.reviews import read_review
from minikube_py.kinds.catalog import SERVICE_ACCOUNT
from minikube_py.kinds.fields import invalid
from minikube_py.kinds.kind import Kind
from minikube_py.meta.encoding import encode
from minikube_py.meta.errors import BadRequest, FieldError, Invalid
from minikube_py.meta.objects import Object, name_of, namespace_of
from minikube_py.meta.timestamps import format_time
from minikube_py.resources.service_account_tokens import BoundObject, ServiceAccountTokens

TOKEN_REQUEST = Kind("authentication.k8s.io", "v1", "TokenRequest", "tokenrequests", columns=())
_DEFAULT_SECONDS, _MIN_SECONDS, _MAX_SECONDS = 3600, 600, 1 << 32


async def create_token(request: web.Request, _kind: Kind) -> web.StreamResponse:
    """`serviceaccounts/<name>/token`; nothing is stored, so a dry run is answered alike."""
    server, target = server_of(request), target_of(request)
    media = Media(negotiate(request.headers.get("Accept", "")).format)
    tokens = server.tokens
    if tokens is None:
        raise no_such_resource(target)
    options.write_options(request.query, user=state_of(request).user, user_agent="")
    wanted = await read_review(request, TOKEN_REQUEST)
    spec = {"expirationSeconds": _DEFAULT_SECONDS, **(wanted.get("spec") or {})}
    _check_seconds(spec["expirationSeconds"])
    server.resources.get(SERVICE_ACCOUNT, target.namespace, target.name)
    wanted["metadata"] = _metadata(wanted, target.namespace, target.name)
    issued = tokens.issue(
        target.namespace,
        target.name,
        audiences=spec.get("audiences") or (),
        expiration_seconds=spec["expirationSeconds"],
        bound=_bound(spec.get("boundObjectRef")),
    )
    spec["audiences"] = list(spec.get("audiences") or [tokens.default_audience])
    wanted["metadata"]["creationTimestamp"] = format_time(server.clock())
    wanted["spec"] = spec
    wanted["status"] = {"token": issued.token, "expirationTimestamp": format_time(issued.expires)}
    return await responses.send_object(request, media, wanted, status=201)


async def openid_configuration(request: web.Request) -> web.StreamResponse:
    return _published(_tokens(request).openid_configuration(), "application/json")


async def jwks(request: web.Request) -> web.StreamResponse:
    return _published(_tokens(request).jwks(), "application/jwk-set+json")


def _tokens(request: web.Request) -> ServiceAccountTokens:
    tokens = server_of(request).tokens
    if tokens is None:
        raise no_such_resource(None)
    return tokens


def _published(document: Mapping[str, Any], content_type: str) -> web.Response:
    headers = {"Content-Type": content_type, "Cache-Control": "public, max-age=3600"}
    return web.Response(body=encode(document), headers=headers)


def _check_seconds(seconds: int) -> None:
    path, errors = "spec.expirationSeconds", list[FieldError]()
    if seconds < _MIN_SECONDS:
        errors.append(invalid(path, seconds, "may not specify a duration less than 10 minutes"))
    if seconds > _MAX_SECONDS:
        detail = "may not specify a duration larger than 2^32 seconds"
        errors.append(invalid(path, seconds, detail))
    if errors:
        raise Invalid.of("authentication.k8s.io", "TokenRequest", "", errors)


def _metadata(wanted: Object, namespace: str, name: str) -> Object:
    if name_of(wanted) not in ("", name):
        raise BadRequest(
            f"the name of the object ({name_of(wanted)}) does not match the name on the URL "
            f"({name})"
        )
    if namespace_of(wanted) not in ("", namespace):
        raise BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    return {**(wanted.get("metadata") or {}), "name": name, "namespace": namespace}


def _bound(reference: Mapping[str, Any] | None) -> BoundObject | None:
    if reference is None:
        return None
    kind, version = reference.get("kind") or "", reference.get("apiVersion") or ""
    if version not in ("", "v1"):
        raise BadRequest(f"cannot bind token to object of type {version}, Kind={kind}")
    return BoundObject(kind, reference.get("name") or "", reference.get("uid") or "")
