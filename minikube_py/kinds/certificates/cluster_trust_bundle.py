"""A ClusterTrustBundle: the certificates of authorities that Pods may trust."""

from collections.abc import Sequence

from minikube_py.kinds.certificates.pem import validate_trust_bundle
from minikube_py.kinds.certificates.signer_name import selectable_signer, validate_signer_name
from minikube_py.kinds.columns import NAME, from_path
from minikube_py.kinds.fields import check, check_immutable, invalid
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path, name_of


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    signer = spec.get("signerName") or ""
    errors = _validate_name(name_of(obj), signer)
    if signer:
        errors += validate_signer_name(signer, "spec.signerName")
    return errors + validate_trust_bundle(spec.get("trustBundle") or "", "spec.trustBundle")


def _validate_name(name: str, signer: str) -> list[FieldError]:
    path = "metadata.name"
    if not signer:
        if ":" in name:
            detail = 'ClusterTrustBundle without signer name must not have ":" in its name'
            return [invalid(path, name, detail)]
        return check(path, name, names.subdomain_problem) if name else []
    prefix = f"{signer.replace('/', ':')}:"
    if not name.startswith(prefix):
        detail = f"ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}"
        return [invalid(path, name, detail)]
    problem = names.subdomain_problem(name.removeprefix(prefix))
    return [invalid(path, name, problem)] if problem else []


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    path = ("spec", "signerName")
    return check_immutable("spec.signerName", get_path(new, *path), get_path(old, *path))


KIND = Kind(
    group="certificates.k8s.io",
    version="v1",
    kind="ClusterTrustBundle",
    plural="clustertrustbundles",
    columns=(
        NAME,
        Column(
            "SignerName", from_path("spec", "signerName"), description="Whose certificates it has."
        ),
    ),
    namespaced=False,
    has_status=False,
    has_generation=False,
    name_problem=names.path_segment_problem,
    validate_create=validate_create,
    validate_update=validate_update,
    selectable_fields=selectable_signer,
)
