"""Questions about who someone is and what they may do: answered from the request, the authorizer
and the authenticator, never stored (pkg/registry/authorization and authentication).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from minikube_py.apiserver import responses
from minikube_py.apiserver.authn import as_authenticated
from minikube_py.apiserver.context import server_of, state_of, target_of
from minikube_py.apiserver.handlers import read_object
from minikube_py.apiserver.negotiation import Media, negotiate
from minikube_py.apiserver.options import write_options
from minikube_py.apiserver.review_validation import (
    validate_access,
    validate_local,
    validate_metadata,
    validate_subject,
)
from minikube_py.apiserver.targets import Target
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import BadRequest, FieldError, Invalid
from minikube_py.meta.objects import Object, namespace_of
from minikube_py.meta.timestamps import format_time
from minikube_py.meta.users import User
from minikube_py.resources.decode import decode_object
from minikube_py.resources.rbac.attributes import Attributes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"
_KINDS = {
    f"{kind.lower()}s": Kind(group, "v1", kind, f"{kind.lower()}s", columns=())
    for group, kind in (
        (AUTHENTICATION, "SelfSubjectReview"),
        (AUTHENTICATION, "TokenReview"),
        (AUTHORIZATION, "LocalSubjectAccessReview"),
        (AUTHORIZATION, "SelfSubjectAccessReview"),
        (AUTHORIZATION, "SelfSubjectRulesReview"),
        (AUTHORIZATION, "SubjectAccessReview"),
    )
}


async def self_subject_review(request: web.Request) -> web.StreamResponse:
    """`kubectl auth whoami`."""
    review = await _read(request)
    review["metadata"] = {"creationTimestamp": format_time(server_of(request).clock())}
    review["status"] = {"userInfo": _user_info(state_of(request).user)}
    return await _send(request, review)


async def token_review(request: web.Request) -> web.StreamResponse:
    """Whose token is this, and for whom was it made?"""
    review = await _read(request)
    spec = review.get("spec") or {}
    if not spec.get("token"):
        raise BadRequest("token is required for TokenReview in authentication")
    authenticator = server_of(request).authenticator
    found = None
    if authenticator is not None:
        found = authenticator.authenticate(spec["token"], spec.get("audiences") or ())
    if found is None:
        review["status"] = {"user": {}, "error": "invalid bearer token"}
    else:
        review["status"] = {
            "authenticated": True,
            "user": _user_info(as_authenticated(found.user)),
            "audiences": list(found.audiences),
        }
    return await _send(request, review)


async def self_subject_access_review(request: web.Request) -> web.StreamResponse:
    """`kubectl auth can-i`."""
    review = await _read(request)
    spec = review.get("spec") or {}
    _refuse("SelfSubjectAccessReview", [*validate_access(spec), *validate_metadata(review)])
    return await _decided(request, review, state_of(request).user)


async def subject_access_review(request: web.Request) -> web.StreamResponse:
    review = await _read(request)
    spec = review.get("spec") or {}
    errors = [*validate_access(spec), *validate_subject(spec), *validate_metadata(review)]
    _refuse("SubjectAccessReview", errors)
    return await _decided(request, review, _subject_of(spec))


async def local_subject_access_review(request: web.Request) -> web.StreamResponse:
    """About one namespace, so that its own admin may ask."""
    review = await _read(request)
    spec, namespace = review.get("spec") or {}, target_of(request).namespace
    if namespace_of(review) not in ("", namespace):
        raise BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    review["metadata"]["namespace"] = namespace
    errors = [*validate_access(spec), *validate_subject(spec), *validate_local(review, spec)]
    _refuse("LocalSubjectAccessReview", errors)
    return await _decided(request, review, _subject_of(spec))


async def self_subject_rules_review(request: web.Request) -> web.StreamResponse:
    """`kubectl auth can-i --list`."""
    review = await _read(request)
    namespace = (review.get("spec") or {}).get("namespace")
    if not namespace:
        raise BadRequest("no namespace on request")
    user = state_of(request).user
    rules, problems = server_of(request).authorizer.rules_for(user, namespace)
    spelled = [rule.as_object() for rule in rules]
    status: Object = {
        "resourceRules": [each for each in spelled if "nonResourceURLs" not in each],
        "nonResourceRules": [each for each in spelled if "nonResourceURLs" in each],
        "incomplete": False,
    }
    if problems:
        status["evaluationError"] = ", ".join(problems)
    review["status"] = status
    return await _send(request, review)


HANDLERS: Mapping[tuple[str, str, str], Handler] = {
    (AUTHENTICATION, "v1", "selfsubjectreviews"): self_subject_review,
    (AUTHENTICATION, "v1", "tokenreviews"): token_review,
    (AUTHORIZATION, "v1", "localsubjectaccessreviews"): local_subject_access_review,
    (AUTHORIZATION, "v1", "selfsubjectaccessreviews"): self_subject_access_review,
    (AUTHORIZATION, "v1", "selfsubjectrulesreviews"): self_subject_rules_review,
    (AUTHORIZATION, "v1", "subjectaccessreviews"): subject_access_review,
}


def handler_of(target: Target) -> Handler | None:
    """None for what is no review, or is asked for in the wrong place."""
    handler = HANDLERS.get((target.group, target.version, target.resource))
    if handler is None or target.name:
        return None
    is_local = handler is local_subject_access_review
    return handler if bool(target.namespace) is is_local else None


async def _decided(request: web.Request, review: Object, user: User) -> web.StreamResponse:
    asked = _attributes(user, review["spec"])
    decision = server_of(request).authorizer.authorize(asked)
    status: Object = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    review["status"] = status
    return await _send(request, review)


def _attributes(user: User, spec: Object) -> Attributes:
    path = spec.get("nonResourceAttributes")
    if path is not None:
        return Attributes(user, path.get("verb") or "", path=path.get("path") or "")
    resource = spec["resourceAttributes"]
    names = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Attributes(user, **{name: resource.get(name) or "" for name in names})


def _subject_of(spec: Object) -> User:
    extra = {name: tuple(values or ()) for name, values in (spec.get("extra") or {}).items()}
    groups = tuple(spec.get("groups") or ())
    return User(spec.get("user") or "", groups, spec.get("uid") or "", extra)


def _user_info(user: User) -> dict[str, Any]:
    info: dict[str, Any] = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {name: list(values) for name, values in user.extra.items()}
    return info


def _refuse(kind: str, errors: list[FieldError]) -> None:
    if errors:
        raise Invalid.of(AUTHORIZATION, kind, "", errors)


async def _read(request: web.Request) -> Object:
    return await read_review(request, _KINDS[target_of(request).resource])


async def read_review(request: web.Request, kind: Kind) -> Object:
    """What was sent, its fields and their types checked as those of stored kinds are."""
    state = state_of(request)
    options = write_options(request.query, user=state.user, user_agent="")
    body = await read_object(request, state, options)
    review, warnings = decode_object(kind, body, options.field_validation)
    state.warnings.extend(warnings)
    return review


async def _send(request: web.Request, review: Object) -> web.StreamResponse:
    media = Media(negotiate(request.headers.get("Accept", "")).format)
    return await responses.send_object(request, media, review, status=201)
