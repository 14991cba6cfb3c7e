"""Endpoints."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="",
    version="v1",
    kind="Endpoints",
    plural="endpoints",
    columns=(NAME, AGE),
    singular="endpoints",
    short_names=("ep",),
    has_status=False,
    has_generation=False,
)
