"""A ServiceAccount."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="",
    version="v1",
    kind="ServiceAccount",
    plural="serviceaccounts",
    columns=(NAME, AGE),
    short_names=("sa",),
    has_status=False,
    has_generation=False,
    subresources=("token",),
)
