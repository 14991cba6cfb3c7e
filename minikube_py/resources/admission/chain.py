"""What happens to an object between its defaults and its validation: one ordered chain.

Each step sees every write of its kinds and changes the object or refuses it. Quotas, priorities,
webhooks and policies join here, in Kubernetes' own order.
"""

from minikube_py.resources.admission.default_classes import (
    default_ingress_class,
    default_storage_class,
)
from minikube_py.resources.admission.namespace_lifecycle import namespace_lifecycle
from minikube_py.resources.admission.pods import default_tolerations, service_account
from minikube_py.resources.admission.request import AdmissionRequest, Lookup, Step
from minikube_py.resources.admission.storage_protection import storage_protection

_CHAIN: tuple[Step, ...] = (
    namespace_lifecycle,
    service_account,
    default_tolerations,
    default_storage_class,
    default_ingress_class,
    storage_protection,
)


def admit(request: AdmissionRequest, lookup: Lookup) -> None:
    """Runs the chain; raises Forbidden or NotFound."""
    for step in _CHAIN:
        step(request, lookup)
