"""A PodCertificateRequest: a node asks for the certificate of one of its Pods."""

from collections.abc import Mapping, Sequence

from minikube_py.kinds.certificates.signer_name import validate_signer_name
from minikube_py.kinds.columns import AGE, NAME, from_object, from_path
from minikube_py.kinds.fields import check, check_immutable, invalid, required, too_long
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_DAY = 24 * 60 * 60
_MIN_SECONDS, _MAX_SECONDS = 60 * 60, 91 * _DAY
_MAX_UID, _MAX_REQUEST = 128, 10 * 1024
_STATES = ("Issued", "Denied", "Failed")


def default_request(obj: Object) -> None:
    spec = obj.get("spec")
    if spec is not None and spec.get("maxExpirationSeconds") is None:
        spec["maxExpirationSeconds"] = _DAY


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    signer = spec.get("signerName") or ""
    errors = validate_signer_name(signer, "spec.signerName")
    for field in ("podName", "serviceAccountName", "nodeName"):
        errors += check(f"spec.{field}", spec.get(field) or "", names.subdomain_problem)
    for field in ("podUID", "serviceAccountUID", "nodeUID"):
        errors += _validate_uid(spec.get(field) or "", f"spec.{field}")
    errors += _validate_expiration(spec.get("maxExpirationSeconds"), signer)
    return errors + _validate_request(spec.get("stubPKCS10Request") or "")


def _validate_uid(uid: str, path: str) -> list[FieldError]:
    if not uid:
        return [invalid(path, uid, "must not be empty")]
    return [too_long(path, _MAX_UID)] if len(uid) > _MAX_UID else []


def _validate_expiration(seconds: int | None, signer: str) -> list[FieldError]:
    path = "spec.maxExpirationSeconds"
    if seconds is None:
        return [required(path, "must be set")]
    domain = signer.partition("/")[0]
    own = domain == "kubernetes.io" or domain.endswith(".kubernetes.io")
    limit = _DAY if own else _MAX_SECONDS
    if _MIN_SECONDS <= seconds <= limit:
        return []
    return [invalid(path, seconds, f"must be in the range [{_MIN_SECONDS}, {limit}]")]


def _validate_request(encoded: str) -> list[FieldError]:
    path = "spec.stubPKCS10Request"
    if not encoded:
        return [required(path)]
    if len(encoded) * 3 // 4 > _MAX_REQUEST:
        return [too_long(path, _MAX_REQUEST)]
    return []


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    return check_immutable("spec", new.get("spec"), old.get("spec"))


def _state(obj: Object) -> str:
    for condition in get_path(obj, "status", "conditions", default=[]):
        if condition.get("type") in _STATES:
            return str(condition["type"])
    return "Pending"


def selectable_fields(obj: Object) -> Mapping[str, str]:
    fields = ("signerName", "podName", "nodeName")
    return {f"spec.{field}": str(get_path(obj, "spec", field, default="")) for field in fields}


KIND = Kind(
    group="certificates.k8s.io",
    version="v1",
    kind="PodCertificateRequest",
    plural="podcertificaterequests",
    columns=(
        NAME,
        Column("PodName", from_path("spec", "podName"), description="Whose it is to be."),
        Column(
            "ServiceAccountName",
            from_path("spec", "serviceAccountName"),
            description="The account that the Pod runs as.",
        ),
        Column("NodeName", from_path("spec", "nodeName"), description="The Pod's node."),
        Column("SignerName", from_path("spec", "signerName"), description="Who is to sign."),
        Column("State", from_object(_state), description="What became of it."),
        AGE,
    ),
    has_generation=False,
    default=default_request,
    validate_create=validate_create,
    validate_update=validate_update,
    selectable_fields=selectable_fields,
)
