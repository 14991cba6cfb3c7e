"""A ReplicaSet."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind, Scale
from minikube_py.meta.selectors import format_label_selector

KIND = Kind(
    group="apps",
    version="v1",
    kind="ReplicaSet",
    plural="replicasets",
    columns=(NAME, AGE),
    short_names=("rs",),
    categories=("all",),
    scale=Scale(selector=lambda obj: format_label_selector(obj["spec"]["selector"])),
)
