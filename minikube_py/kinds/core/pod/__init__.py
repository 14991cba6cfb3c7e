"""A Pod: containers that share a network, volumes and a fate."""

from minikube_py.kinds.core.pod.columns import COLUMNS
from minikube_py.kinds.core.pod.defaults import default_pod
from minikube_py.kinds.core.pod.resize import validate_resize
from minikube_py.kinds.core.pod.strategy import grace_seconds, prepare, selectable_fields
from minikube_py.kinds.core.pod.validation import (
    validate_create,
    validate_debuggers,
    validate_update,
)
from minikube_py.kinds.kind import Kind, Part

KIND = Kind(
    group="",
    version="v1",
    kind="Pod",
    plural="pods",
    columns=COLUMNS,
    short_names=("po",),
    categories=("all",),
    subresources=(
        "attach",
        "binding",
        "ephemeralcontainers",
        "eviction",
        "exec",
        "log",
        "portforward",
        "proxy",
        "resize",
    ),
    parts={
        "ephemeralcontainers": Part(("spec", "ephemeralContainers"), validate_debuggers),
        "resize": Part(("spec",), validate_resize),
    },
    default=default_pod,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
    selectable_fields=selectable_fields,
    default_grace_seconds=grace_seconds,
)
