"""Which kinds a PUT may create, and which it may only replace from a named state.

From AllowCreateOnUpdate and AllowUnconditionalUpdate of the strategies in Kubernetes' pkg/registry.
"""

from minikube_py.kinds import fields
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import AlreadyExists, Invalid
from minikube_py.meta.objects import Object, name_of

_RBAC = "rbac.authorization.k8s.io"
_HOOKS = "admissionregistration.k8s.io"
_CREATED = frozenset(
    {
        f"clusterrolebindings.{_RBAC}",
        f"clusterroles.{_RBAC}",
        "endpoints",
        "events",
        "events.events.k8s.io",
        "leases.coordination.k8s.io",
        "limitranges",
        f"rolebindings.{_RBAC}",
        f"roles.{_RBAC}",
        "runtimeclasses.node.k8s.io",
        "services",
    }
)
_FROM_A_NAMED_STATE = frozenset(
    {
        "apiservices.apiregistration.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
        "leases.coordination.k8s.io",
        f"mutatingwebhookconfigurations.{_HOOKS}",
        "poddisruptionbudgets.policy",
        f"validatingwebhookconfigurations.{_HOOKS}",
        "volumeattachments.storage.k8s.io",
    }
)


def is_created_by_update(kind: Kind) -> bool:
    return kind.resource in _CREATED


def check_names_state(kind: Kind, obj: Object) -> None:
    """Raises Invalid for an update that would overwrite whatever is there, where that's refused."""
    if obj["metadata"].get("resourceVersion") not in (None, "", "0"):
        return
    if kind.is_custom or kind.resource in _FROM_A_NAMED_STATE:
        error = fields.invalid("metadata.resourceVersion", 0, "must be specified for an update")
        raise Invalid.of(kind.group, kind.plural, name_of(obj), [error])


def no_free_name(error: AlreadyExists) -> AlreadyExists:
    """Every name that was generated is taken: clients may try again."""
    message = f"{error.message}, the server was not able to generate a unique name for the object"
    return AlreadyExists(message, details={**(error.details or {}), "retryAfterSeconds": 1})
