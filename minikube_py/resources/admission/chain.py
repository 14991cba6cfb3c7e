"""What happens to an object around its validation: two ordered chains, as in Kubernetes.

`admit` runs between defaults and validation; its steps may change the object. `review` runs on the
valid object; its steps only refuse or warn. The order inside each is kube-apiserver's
(pkg/kubeapiserver/options/plugins.go, AllOrderedPlugins). Quota comes after both, at the very end
(`resources/reserve.py`), because it takes what it grants in the same turn as the write.

Mutating policies, then mutating webhooks will run after the last step of `_MUTATING`; validating
policies, then validating webhooks after the last step of `_VALIDATING`.
"""

from minikube_py.resources.admission.certificate_requests import (
    certificate_requester,
    certificate_subject,
)
from minikube_py.resources.admission.default_classes import (
    default_ingress_class,
    default_storage_class,
)
from minikube_py.resources.admission.namespace_lifecycle import namespace_lifecycle
from minikube_py.resources.admission.pods import default_tolerations, service_account
from minikube_py.resources.admission.request import AdmissionRequest, Lookup, Step
from minikube_py.resources.admission.storage_protection import storage_protection

_MUTATING: tuple[Step, ...] = (
    namespace_lifecycle,
    service_account,
    default_tolerations,
    default_storage_class,
    storage_protection,
    default_ingress_class,
    certificate_requester,
)
_VALIDATING: tuple[Step, ...] = (certificate_subject,)


def admit(request: AdmissionRequest, lookup: Lookup) -> None:
    """Fills in and refuses; raises Forbidden or NotFound."""
    for step in _MUTATING:
        step(request, lookup)


def review(request: AdmissionRequest, lookup: Lookup) -> None:
    """Refuses or warns of what is otherwise valid; raises Forbidden."""
    for step in _VALIDATING:
        step(request, lookup)
