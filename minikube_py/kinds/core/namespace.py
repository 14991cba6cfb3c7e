"""A Namespace: the scope of names."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="",
    version="v1",
    kind="Namespace",
    plural="namespaces",
    columns=(NAME, AGE),
    short_names=("ns",),
    namespaced=False,
    subresources=("finalize",),
)
