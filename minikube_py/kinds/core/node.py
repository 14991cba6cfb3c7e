"""A Node: the host that Pods run on."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="",
    version="v1",
    kind="Node",
    plural="nodes",
    columns=(NAME, AGE),
    short_names=("no",),
    namespaced=False,
    subresources=("proxy",),
)
