"""Who approves or signs a certificate request needs a right to its signer, beside the one to write
it (the admission plugins CertificateApproval and CertificateSigning).
"""

from minikube_py.kinds.catalog import CERTIFICATE_SIGNING_REQUEST
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.users import MASTERS
from minikube_py.resources.admission.request import AdmissionRequest, Lookup
from minikube_py.resources.rbac.attributes import Attributes
from minikube_py.resources.rbac.authorizer import decide
from minikube_py.resources.rbac.policy import StoredPolicy


def signer_permission(request: AdmissionRequest, lookup: Lookup) -> None:
    """`approve` or `sign` on the resource `signers`, by the signer's name or its whole domain."""
    verb = _verb(request)
    if verb is None or MASTERS in request.user.groups:
        return
    signer = get_path(request.old, "spec", "signerName", default="")
    domain = signer.partition("/")[0]
    policy, group = StoredPolicy(lookup), CERTIFICATE_SIGNING_REQUEST.group
    for name in (signer, f"{domain}/*"):
        if decide(policy, Attributes(request.user, verb, group, "signers", name=name)).allowed:
            return
    raise request.forbidden(f'user not permitted to {verb} requests with signerName "{signer}"')


def _verb(request: AdmissionRequest) -> str | None:
    """None for what needs no such right."""
    if request.kind is not CERTIFICATE_SIGNING_REQUEST or request.operation != "UPDATE":
        return None
    if request.subresource == "approval":
        return "approve"
    is_signing = request.subresource == "status" and _signed(request.obj) != _signed(request.old)
    return "sign" if is_signing else None


def _signed(obj: Object | None) -> tuple[object, object]:
    """What signers write: the certificate, and why there is none."""
    return (
        get_path(obj, "status", "certificate"),
        get_path(obj, "status", "conditions", default=[]),
    )
