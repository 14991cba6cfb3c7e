"""A Lease."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="coordination.k8s.io",
    version="v1",
    kind="Lease",
    plural="leases",
    columns=(NAME, AGE),
    has_status=False,
    has_generation=False,
)
