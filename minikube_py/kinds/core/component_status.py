"""A ComponentStatus: whether a part of the control plane is well, made up when it is asked for.

Deprecated since Kubernetes 1.19 and never stored; tools that print it still ask.
"""

from minikube_py.kinds.columns import NAME, UNKNOWN, from_object
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.objects import Object


def component_status(name: str, problem: str | None = None) -> Object:
    """What is answered for one component; `problem` None = it is well."""
    condition = {
        "type": "Healthy",
        "status": "True" if problem is None else "False",
        "message": "ok" if problem is None else problem,
    }
    return {
        "apiVersion": "v1",
        "kind": "ComponentStatus",
        "metadata": {"name": name},
        "conditions": [condition],
    }


def _healthy(obj: Object) -> Object:
    for condition in obj.get("conditions") or []:
        if condition.get("type") == "Healthy":
            return dict(condition)
    return {}


def _status(obj: Object) -> str:
    status = str(_healthy(obj).get("status") or "Unknown")
    return {"True": "Healthy", "False": "Unhealthy"}.get(status, UNKNOWN)


KIND = Kind(
    group="",
    version="v1",
    kind="ComponentStatus",
    plural="componentstatuses",
    columns=(
        NAME,
        Column("Status", from_object(_status), description="Whether the component is healthy."),
        Column(
            "Message",
            from_object(lambda obj: str(_healthy(obj).get("message") or "")),
            description="What the component says of itself.",
        ),
        Column(
            "Error",
            from_object(lambda obj: str(_healthy(obj).get("error") or "")),
            description="Why it could not be asked.",
        ),
    ),
    short_names=("cs",),
    namespaced=False,
    has_status=False,
    has_generation=False,
    verbs=("get", "list"),
)
