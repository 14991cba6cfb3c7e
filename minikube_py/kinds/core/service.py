"""A Service."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="",
    version="v1",
    kind="Service",
    plural="services",
    columns=(NAME, AGE),
    short_names=("svc",),
    categories=("all",),
    subresources=("proxy",),
)
