"""Nothing is made in a namespace that is missing or going, and three namespaces never go."""

from minikube_py.kinds.catalog import NAMESPACE
from minikube_py.meta.errors import NotFound
from minikube_py.resources.admission.request import AdmissionRequest, Lookup
from minikube_py.resources.namespaces import IMMORTAL, is_namespace, is_terminating


def namespace_lifecycle(request: AdmissionRequest, lookup: Lookup) -> None:
    if request.operation == "DELETE":
        if is_namespace(request.kind) and request.name in IMMORTAL:
            raise request.forbidden("this namespace may not be deleted")
        return
    if request.operation != "CREATE" or not request.kind.namespaced:
        return
    namespace = lookup.find(NAMESPACE, None, request.namespace or "")
    if namespace is None:
        raise NotFound.of("", "namespaces", request.namespace or "")
    if is_terminating(namespace):
        error = request.forbidden(
            f"unable to create new content in namespace {request.namespace} because it is being "
            "terminated"
        )
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {request.namespace} is being terminated",
            "field": "metadata.namespace",
        }
        error.details = {**(error.details or {}), "causes": [cause]}
        raise error
