"""Acting as someone else (`kubectl --as`): who is meant, and may the caller be them?

Each name, group, uid and extra value that is asked for needs the verb `impersonate` on it, as in
apiserver's filters/impersonation.go; from there on the request is the other user's alone.
"""

from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import unquote

from multidict import CIMultiDictProxy

from minikube_py.apiserver.authz import Authorizer, forbidden
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.users import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, User
from minikube_py.resources.rbac.attributes import Attributes

Headers = CIMultiDictProxy[str]
_PREFIX = "impersonate-"
_EXTRA = "impersonate-extra-"
_ACCOUNT = "system:serviceaccount:"
_AUTHENTICATION = "authentication.k8s.io"


def wants_other(headers: Headers) -> bool:
    return any(name.lower().startswith(_PREFIX) for name in headers)


def impersonated(user: User, headers: Headers, authorizer: Authorizer) -> User:
    """The user asked for; raises BadRequest when none is named, Forbidden when `user` may not."""
    wanted = _requested(headers)
    for asked in _permissions(user, wanted):
        decision = authorizer.authorize(asked)
        if not decision.allowed:
            raise forbidden(asked, decision.reason)
    return User(wanted.name, _groups_of(wanted), wanted.uid, wanted.extra)


def _requested(headers: Headers) -> User:
    name, uid = headers.get("Impersonate-User", ""), headers.get("Impersonate-Uid", "")
    groups = tuple(headers.getall("Impersonate-Group", []))
    extra: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for header, value in headers.items():
        if header.lower().startswith(_EXTRA):
            extra[unquote(header[len(_EXTRA) :].lower())] += (value,)
    if not name:
        raise BadRequest(
            f"requested {_shown(uid, groups, extra)} without impersonating a user name: "
            "name one with Impersonate-User (kubectl --as)"
        )
    return User(name, groups, uid, dict(extra))


def _shown(uid: str, groups: tuple[str, ...], extra: dict[str, tuple[str, ...]]) -> str:
    asked = [f"group {group}" for group in groups] + [f"extra {name}" for name in extra]
    return ", ".join([*asked, f"uid {uid}"] if uid else asked) or "nobody"


def _permissions(user: User, wanted: User) -> Iterator[Attributes]:
    account = _account_of(wanted.name)
    if account is not None:
        yield Attributes(
            user, "impersonate", "", "serviceaccounts", namespace=account[0], name=account[1]
        )
    else:
        yield Attributes(user, "impersonate", "", "users", name=wanted.name)
    for group in wanted.groups:
        yield Attributes(user, "impersonate", "", "groups", name=group)
    if wanted.uid:
        yield Attributes(user, "impersonate", _AUTHENTICATION, "uids", name=wanted.uid)
    for key, values in wanted.extra.items():
        for value in values:
            yield Attributes(
                user, "impersonate", _AUTHENTICATION, "userextras", subresource=key, name=value
            )


def _groups_of(wanted: User) -> tuple[str, ...]:
    """A ServiceAccount's own when none are asked for; and whether anyone is authenticated at all
    is always said.
    """
    groups, account = wanted.groups, _account_of(wanted.name)
    if account is not None and not groups:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}")
    if AUTHENTICATED in groups or UNAUTHENTICATED in groups:
        return groups
    return (*groups, UNAUTHENTICATED if wanted.name == ANONYMOUS.name else AUTHENTICATED)


def _account_of(name: str) -> tuple[str, str] | None:
    """(namespace, name) of a ServiceAccount's user name."""
    if not name.startswith(_ACCOUNT):
        return None
    namespace, _, account = name.removeprefix(_ACCOUNT).partition(":")
    return (namespace, account) if namespace and account and ":" not in account else None
