"""A Secret: like a ConfigMap, its values base64-encoded and typed."""

import base64
import json
from collections.abc import Mapping, Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object, from_path
from minikube_py.kinds.core.config_map import immutable_data_errors
from minikube_py.kinds.fields import check, check_immutable, invalid, required, too_long
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import config_key_problem
from minikube_py.meta.objects import Object, annotations_of

_MAX_BYTES = 1024 * 1024
_ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name"
_DOCKER_KEYS = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
}


def default_secret(obj: Object) -> None:
    """stringData is write-only: it goes into data here."""
    if not obj.get("type"):
        obj["type"] = "Opaque"
    texts = obj.pop("stringData", None) or {}
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}


def prepare(new: Object, old: Object | None) -> None:
    """An update that leaves the type out keeps it."""
    if old is not None and not new.get("type"):
        new["type"] = old.get("type")


def validate_create(obj: Object) -> Sequence[FieldError]:
    data = obj.get("data") or {}
    errors = []
    size = 0
    for key, value in data.items():
        errors += check(f"data[{key}]", key, config_key_problem)
        size += len(base64.b64decode(value))
    if size > _MAX_BYTES:
        errors.append(too_long("data", _MAX_BYTES))
    return errors + _validate_by_type(obj, data)


def _validate_by_type(obj: Object, data: Mapping[str, str]) -> list[FieldError]:
    type_ = obj.get("type")
    if type_ == "kubernetes.io/service-account-token":
        if not annotations_of(obj).get(_ACCOUNT_ANNOTATION):
            return [required(f"metadata.annotations[{_ACCOUNT_ANNOTATION}]")]
    elif type_ in _DOCKER_KEYS:
        return _validate_docker_config(data, _DOCKER_KEYS[type_])
    elif type_ == "kubernetes.io/basic-auth":
        if "username" not in data and "password" not in data:
            return [required("data[username]"), required("data[password]")]
    elif type_ == "kubernetes.io/ssh-auth":
        if not data.get("ssh-privatekey"):
            return [required("data[ssh-privatekey]")]
    elif type_ == "kubernetes.io/tls":
        return [required(f"data[{key}]") for key in ("tls.crt", "tls.key") if key not in data]
    return []


def _validate_docker_config(data: Mapping[str, str], key: str) -> list[FieldError]:
    if key not in data:
        return [required(f"data[{key}]")]
    try:
        json.loads(base64.b64decode(data[key]))
    except ValueError as error:
        return [invalid(f"data[{key}]", "<secret contents redacted>", str(error))]
    return []


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    errors = check_immutable("type", new.get("type"), old.get("type"))
    return errors + immutable_data_errors(new, old, ("data",))


def selectable_fields(obj: Object) -> Mapping[str, str]:
    return {"type": obj.get("type") or ""}


KIND = Kind(
    group="",
    version="v1",
    kind="Secret",
    plural="secrets",
    columns=(
        NAME,
        Column("Type", from_path("type"), description="What the secret is for."),
        Column(
            "Data",
            from_object(lambda obj: len(obj.get("data") or {})),
            type="integer",
            description="How many keys the secret has.",
        ),
        AGE,
    ),
    has_status=False,
    has_generation=False,
    default=default_secret,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
    selectable_fields=selectable_fields,
)
