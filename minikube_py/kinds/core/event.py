"""An Event."""

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group="",
    version="v1",
    kind="Event",
    plural="events",
    columns=(NAME, AGE),
    short_names=("ev",),
    has_status=False,
    has_generation=False,
)
EVENTS_KIND = Kind(
    group="events.k8s.io",
    version="v1",
    kind="Event",
    plural="events",
    columns=(NAME, AGE),
    short_names=("ev",),
    has_status=False,
    has_generation=False,
)
