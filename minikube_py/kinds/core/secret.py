"""A Secret."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="",
    version="v1",
    kind="Secret",
    plural="secrets",
    columns=(NAME, AGE),
    has_status=False,
    has_generation=False,
)
