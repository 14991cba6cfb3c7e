"""A Lease: who holds a role, and the heartbeat of nodes."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_path
from minikube_py.kinds.fields import check_not_negative, invalid
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = []
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        errors.append(invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    errors += check_not_negative("spec.leaseTransitions", spec.get("leaseTransitions"))
    if spec.get("holderIdentity") == "":
        errors.append(invalid("spec.holderIdentity", "", "must not be empty"))
    return errors


KIND = Kind(
    group="coordination.k8s.io",
    version="v1",
    kind="Lease",
    plural="leases",
    columns=(
        NAME,
        Column(
            "Holder", from_path("spec", "holderIdentity"), description="Who holds the lease now."
        ),
        AGE,
    ),
    has_status=False,
    has_generation=False,
    validate_create=validate_create,
)
