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
from minikube_py.resources.admission.claim_resize import claim_resize
from minikube_py.resources.admission.default_classes import (
    default_ingress_class,
    default_storage_class,
)
from minikube_py.resources.admission.escalation import no_escalation
from minikube_py.resources.admission.limit_ranger import default_limits, enforce_limits
from minikube_py.resources.admission.namespace_lifecycle import namespace_lifecycle
from minikube_py.resources.admission.not_enforced import tell_not_enforced
from minikube_py.resources.admission.priority import one_default_class, pod_priority
from minikube_py.resources.admission.request import AdmissionRequest, Lookup, Step
from minikube_py.resources.admission.runtime_class import runtime_class
from minikube_py.resources.admission.service_account import service_account
from minikube_py.resources.admission.signers import signer_permission
from minikube_py.resources.admission.storage_protection import storage_protection
from minikube_py.resources.admission.tolerations import default_tolerations

_MUTATING: tuple[Step, ...] = (
    namespace_lifecycle,
    default_limits,
    service_account,
    pod_priority,
    default_tolerations,
    default_storage_class,
    storage_protection,
    runtime_class,
    default_ingress_class,
    certificate_requester,
    no_escalation,
)
_VALIDATING: tuple[Step, ...] = (
    enforce_limits,
    one_default_class,
    claim_resize,
    signer_permission,
    certificate_subject,
    tell_not_enforced,
)


def admit(request: AdmissionRequest, lookup: Lookup) -> None:
    """Fills in and refuses; raises Forbidden or NotFound."""
    for step in _MUTATING:
        step(request, lookup)


def review(request: AdmissionRequest, lookup: Lookup) -> None:
    """Refuses or warns of what is otherwise valid; raises Forbidden."""
    for step in _VALIDATING:
        step(request, lookup)
