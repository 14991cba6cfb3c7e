"""Questions a client asks about itself, answered from the request and the authorizer, never
stored.
"""

from typing import Any

from aiohttp import web

from minikube_py.apiserver import bodies, responses
from minikube_py.apiserver.authz import attributes_of
from minikube_py.apiserver.context import server_of, state_of
from minikube_py.apiserver.negotiation import Media, body_format, negotiate
from minikube_py.apiserver.targets import Target
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import format_time
from minikube_py.meta.users import User
from minikube_py.resources.rbac.attributes import Attributes

_EVERYTHING = ["*"]


async def self_subject_review(request: web.Request) -> web.StreamResponse:
    """`kubectl auth whoami`."""
    review = await _read(request)
    user = state_of(request).user
    review["metadata"] = {"creationTimestamp": format_time(server_of(request).clock())}
    review["status"] = {"userInfo": _user_info(user)}
    return await _send(request, review)


async def self_subject_access_review(request: web.Request) -> web.StreamResponse:
    """`kubectl auth can-i`."""
    review = await _read(request)
    attributes = _attributes(state_of(request).user, review.get("spec") or {})
    decision = server_of(request).authorizer.authorize(attributes)
    review["status"] = {"allowed": decision.allowed}
    return await _send(request, review)


async def self_subject_rules_review(request: web.Request) -> web.StreamResponse:
    """`kubectl auth can-i --list`: everything, for those who may do everything."""
    review = await _read(request)
    anything = attributes_of(
        state_of(request).user, "*", "", Target(group="*", version="*", resource="*")
    )
    status: Object = {"resourceRules": [], "nonResourceRules": [], "incomplete": False}
    if server_of(request).authorizer.authorize(anything).allowed:
        status["resourceRules"] = [
            {"verbs": _EVERYTHING, "apiGroups": _EVERYTHING, "resources": _EVERYTHING}
        ]
        status["nonResourceRules"] = [{"verbs": _EVERYTHING, "nonResourceURLs": _EVERYTHING}]
    review["status"] = status
    return await _send(request, review)


HANDLERS = {
    ("authentication.k8s.io", "v1", "selfsubjectreviews"): self_subject_review,
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews"): self_subject_access_review,
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews"): self_subject_rules_review,
}


def _attributes(user: User, spec: Object) -> Attributes:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) is (path is None):
        raise BadRequest(
            "spec must have exactly one of resourceAttributes and nonResourceAttributes"
        )
    if path is not None:
        return attributes_of(user, str(path.get("verb", "")), str(path.get("path", "")), None)
    names = ("group", "version", "resource", "namespace", "name", "subresource")
    target = Target(**{name: str((resource or {}).get(name, "")) for name in names})
    return attributes_of(user, str((resource or {}).get("verb", "")), "", target)


def _user_info(user: User) -> dict[str, Any]:
    info: dict[str, Any] = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        info["uid"] = user.uid
    if user.extra:
        info["extra"] = {name: list(values) for name, values in user.extra.items()}
    return info


async def _read(request: web.Request) -> Object:
    format_ = body_format(request.headers.get("Content-Type", ""))
    value: Object = bodies.parse_object(await bodies.read_limited(request), format_).value
    return value


async def _send(request: web.Request, review: Object) -> web.StreamResponse:
    media = Media(negotiate(request.headers.get("Accept", "")).format)
    return await responses.send_object(request, media, review, status=201)
