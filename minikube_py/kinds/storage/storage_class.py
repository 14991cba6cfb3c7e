"""A StorageClass."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="StorageClass",
    plural="storageclasses",
    columns=(NAME, AGE),
    short_names=("sc",),
    namespaced=False,
    has_status=False,
    has_generation=False,
)
