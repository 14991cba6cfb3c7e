"""A PersistentVolume."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="",
    version="v1",
    kind="PersistentVolume",
    plural="persistentvolumes",
    columns=(NAME, AGE),
    short_names=("pv",),
    namespaced=False,
    has_generation=False,
)
