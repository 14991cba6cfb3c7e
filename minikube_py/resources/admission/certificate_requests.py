"""A certificate request says truly who asks, and nobody asks to be a master of the cluster
(certificates' strategy.go and the admission plugin CertificateSubjectRestriction).
"""

import base64

from minikube_py.kinds.catalog import CERTIFICATE_SIGNING_REQUEST
from minikube_py.meta.users import MASTERS
from minikube_py.resources.admission.request import AdmissionRequest, Lookup

_CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"


def certificate_requester(request: AdmissionRequest, _lookup: Lookup) -> None:
    """Stamps the user of the request, whatever the object says."""
    if not request.is_a(CERTIFICATE_SIGNING_REQUEST, "CREATE"):
        return
    spec, user = request.obj.setdefault("spec", {}), request.user
    for field in ("username", "uid", "groups", "extra"):
        spec.pop(field, None)
    spec["username"] = user.name
    if user.uid:
        spec["uid"] = user.uid
    if user.groups:
        spec["groups"] = list(user.groups)
    if user.extra:
        spec["extra"] = {key: list(values) for key, values in user.extra.items()}


def certificate_subject(request: AdmissionRequest, _lookup: Lookup) -> None:
    """Runs on what is valid: the request parses."""
    if not request.is_a(CERTIFICATE_SIGNING_REQUEST, "CREATE"):
        return
    spec = request.obj["spec"]
    if spec["signerName"] != _CLIENT_SIGNER:
        return
    if MASTERS in _organizations(spec["request"]):
        raise request.forbidden(
            f"use of {_CLIENT_SIGNER} signer with {MASTERS} group is not allowed"
        )


def _organizations(encoded: str) -> list[str]:
    from cryptography import x509  # slow to import, only for who sends requests

    subject = x509.load_pem_x509_csr(base64.b64decode(encoded)).subject
    names = subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    return [str(name.value) for name in names]
