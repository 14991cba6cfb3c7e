"""A ConfigMap."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="",
    version="v1",
    kind="ConfigMap",
    plural="configmaps",
    columns=(NAME, AGE),
    short_names=("cm",),
    has_status=False,
    has_generation=False,
)
