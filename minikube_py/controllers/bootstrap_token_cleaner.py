"""Removes the Secrets of bootstrap tokens that have expired (pkg/controller/bootstrap)."""

from base64 import b64decode
from datetime import datetime

from minikube_py.control_loop.controller import Controller, Requeue
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import SECRET
from minikube_py.meta.errors import Conflict, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    get_path,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.meta.timestamps import Clock, parse_time
from minikube_py.resources.bootstrap_tokens import NAMESPACE, TYPE
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources


def new_bootstrap_token_cleaner(
    resources: Resources, informers: Informers, _recorder: Recorder, clock: Clock
) -> Controller:
    secrets = informers.of(SECRET)

    async def reconcile(key: Key) -> Requeue | None:
        secret = secrets.get(key)
        ends = _end_of(secret) if secret is not None and not is_deleting(secret) else None
        if secret is None or ends is None:
            return None
        left = (ends - clock()).total_seconds()
        if left > 0:
            return Requeue(after=left)
        try:
            options = DeleteOptions(uid=uid_of(secret))
            await resources.delete(SECRET, NAMESPACE, name_of(secret), options)
        except (NotFound, Conflict):
            return None
        return None

    controller = Controller("bootstrap-token-cleaner", reconcile, workers=1)
    controller.watches(secrets, _keys_of_tokens)
    return controller


def _keys_of_tokens(secret: Object) -> list[Key]:
    is_token = secret.get("type") == TYPE and namespace_of(secret) == NAMESPACE
    return [key_of(secret)] if is_token else []


def _end_of(secret: Object) -> datetime | None:
    """None for one that lasts, or whose end can't be read."""
    encoded = get_path(secret, "data", "expiration", default="")
    try:
        return parse_time(b64decode(encoded).decode()) if encoded else None
    except ValueError:
        return None
