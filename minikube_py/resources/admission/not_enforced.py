"""Objects that are kept but not acted upon yet: whoever writes one is told."""

from minikube_py.resources.admission.request import AdmissionRequest, Lookup

_GROUP = "admissionregistration.k8s.io"


def tell_not_enforced(request: AdmissionRequest, _lookup: Lookup) -> None:
    """Webhooks and policies are stored, so that charts that bring them install."""
    if request.kind.group != _GROUP or request.subresource or request.operation == "DELETE":
        return
    request.warnings.append(
        f"{request.kind.kind} {request.name} is stored but not enforced yet: no request is "
        "changed or refused because of it"
    )
