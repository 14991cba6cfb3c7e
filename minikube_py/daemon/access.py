"""Who gets in and what they may do: tokens, their keys, and roles, put together for the API."""

from dataclasses import dataclass
from pathlib import Path

from minikube_py.apiserver.bearer_tokens import BearerTokens
from minikube_py.control_loop.informer import Informers
from minikube_py.daemon.credentials import open_signing_key, read_static_tokens
from minikube_py.kinds.catalog import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING
from minikube_py.meta.timestamps import Clock
from minikube_py.meta.users import MASTERS, User
from minikube_py.resources.bootstrap_tokens import BootstrapTokens
from minikube_py.resources.rbac.authorizer import RbacAuthorizer
from minikube_py.resources.rbac.policy import PolicyIndex
from minikube_py.resources.resources import Resources
from minikube_py.resources.service_account_tokens import ServiceAccountTokens

ADMIN = User("kubernetes-admin", (MASTERS,))


@dataclass(frozen=True)
class Access:
    tokens: ServiceAccountTokens
    authenticator: BearerTokens
    authorizer: RbacAuthorizer


def open_access(
    folder: Path, resources: Resources, informers: Informers, clock: Clock, *, domain: str
) -> Access:
    """Keys and the token file are in `folder`; raises StartFailure when they can't be used."""
    issuer = f"https://kubernetes.default.svc.{domain}"
    tokens = ServiceAccountTokens(resources, open_signing_key(folder), issuer=issuer, clock=clock)
    static = read_static_tokens(folder, admin=ADMIN)
    authenticator = BearerTokens(tokens, BootstrapTokens(resources, clock), static)
    return Access(tokens, authenticator, RbacAuthorizer(_follow(informers)))


def _follow(informers: Informers) -> PolicyIndex:
    index = PolicyIndex()
    for kind in (CLUSTER_ROLE, ROLE):
        informers.of(kind).subscribe(index.on_role)
    for kind in (CLUSTER_ROLE_BINDING, ROLE_BINDING):
        informers.of(kind).subscribe(index.on_binding)
    return index
