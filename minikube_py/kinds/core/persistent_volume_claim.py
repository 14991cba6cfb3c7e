"""A PersistentVolumeClaim."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="",
    version="v1",
    kind="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    columns=(NAME, AGE),
    short_names=("pvc",),
    has_generation=False,
)
