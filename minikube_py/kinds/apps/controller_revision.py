"""A ControllerRevision."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="apps",
    version="v1",
    kind="ControllerRevision",
    plural="controllerrevisions",
    columns=(NAME, AGE),
    has_status=False,
    has_generation=False,
)
