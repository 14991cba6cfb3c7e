"""Fills Secrets of type service-account-token, the older way to get a token that never ends.

Who wants one creates the Secret and names the account in an annotation; it goes with the account
(pkg/controller/serviceaccount/tokens_controller.go).
"""

from base64 import b64encode
from typing import Protocol

from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import SECRET, SERVICE_ACCOUNT
from minikube_py.meta.errors import Conflict, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    annotations_of,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources

TYPE = "kubernetes.io/service-account-token"
NAME, UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
_BY_ACCOUNT = "service-account"


class LegacyTokens(Protocol):
    def issue_legacy(self, account: Object, secret_name: str) -> str: ...


def new_service_account_token_controller(
    resources: Resources,
    informers: Informers,
    _recorder: Recorder,
    _clock: Clock,
    *,
    tokens: LegacyTokens,
    ca_certificate: str,
) -> Controller:
    """`ca_certificate` is PEM."""
    secrets = informers.of(SECRET)
    secrets.add_index(_BY_ACCOUNT, _account_keys)

    async def reconcile(key: Key) -> None:
        secret = secrets.get(key)
        if secret is None or secret.get("type") != TYPE or is_deleting(secret):
            return
        namespace, name = namespace_of(secret), name_of(secret)
        annotations = annotations_of(secret)
        account = resources.get_or_none(SERVICE_ACCOUNT, namespace, annotations.get(NAME, ""))
        if account is None or annotations.get(UID, uid_of(account)) != uid_of(account):
            await _delete(resources, secret)
            return
        if not _lacks(secret, ca_certificate):
            return

        def fill(fresh: Object) -> None:
            data = fresh.setdefault("data", {})
            data.setdefault("token", _encoded(tokens.issue_legacy(account, name)))
            data.setdefault("namespace", _encoded(namespace))
            data["ca.crt"] = _encoded(ca_certificate)
            fresh["metadata"].setdefault("annotations", {})[UID] = uid_of(account)

        try:
            written = await resources.modify(SECRET, namespace, name, fill)
        except NotFound:
            return
        await secrets.observed(written)

    def secrets_of(account: Object) -> list[Key]:
        return [key_of(secret) for secret in secrets.by_index(_BY_ACCOUNT, key_of(account))]

    controller = Controller("service-account-token", reconcile, workers=1)
    controller.watches(secrets)
    controller.watches(informers.of(SERVICE_ACCOUNT), secrets_of)
    return controller


def _account_keys(secret: Object) -> list[str]:
    name = annotations_of(secret).get(NAME)
    is_token = secret.get("type") == TYPE and name
    return [f"{namespace_of(secret)}/{name}"] if is_token else []


def _lacks(secret: Object, ca_certificate: str) -> bool:
    data = secret.get("data") or {}
    return (
        not data.get("token")
        or not data.get("namespace")
        or data.get("ca.crt") != _encoded(ca_certificate)
        or UID not in annotations_of(secret)
    )


async def _delete(resources: Resources, secret: Object) -> None:
    options = DeleteOptions(uid=uid_of(secret))
    try:
        await resources.delete(SECRET, namespace_of(secret), name_of(secret), options)
    except (NotFound, Conflict):
        return


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()
