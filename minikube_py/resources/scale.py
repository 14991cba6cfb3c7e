"""`/scale`: one number in and one number out, whatever the kind (autoscaling/v1 Scale)."""

from typing import Any

from minikube_py.kinds import fields
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import BadRequest, Invalid, NotFound
from minikube_py.meta.objects import Object, get_path, name_of

_API_VERSION = "autoscaling/v1"
_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(kind: Kind, obj: Object) -> Object:
    """The Scale of `obj`; raises NotFound when its kind can't be scaled."""
    if kind.scale is None:
        raise NotFound(f"the server could not find the requested resource: {kind.resource}/scale")
    metadata = {name: obj["metadata"][name] for name in _METADATA if name in obj["metadata"]}
    status: Object = {"replicas": get_path(obj, *kind.scale.status_replicas, default=0)}
    selector = kind.scale.selector(obj)
    if selector:
        status["selector"] = selector
    return {
        "apiVersion": _API_VERSION,
        "kind": "Scale",
        "metadata": metadata,
        "spec": {"replicas": get_path(obj, *kind.scale.spec_replicas, default=0)},
        "status": status,
    }


def with_scale(kind: Kind, obj: Object, scale: Any) -> Object:
    """`obj`, changed in place to have the replicas `scale` asks for; raises BadRequest, Invalid."""
    if kind.scale is None:
        raise NotFound(f"the server could not find the requested resource: {kind.resource}/scale")
    _check(scale)
    metadata = scale.get("metadata") or {}
    for name in ("name", "namespace", "uid", "resourceVersion"):
        if metadata.get(name):
            obj["metadata"][name] = metadata[name]
    replicas = get_path(scale, "spec", "replicas", default=0)
    holder = obj
    for step in kind.scale.spec_replicas[:-1]:
        holder = holder.setdefault(step, {})
    holder[kind.scale.spec_replicas[-1]] = replicas
    return obj


def _check(scale: Any) -> None:
    if not isinstance(scale, dict):
        raise BadRequest(f"a Scale must be an object, not {type(scale).__name__}")
    version, kind = scale.get("apiVersion", _API_VERSION), scale.get("kind", "Scale")
    if (version, kind) != (_API_VERSION, "Scale"):
        raise BadRequest(f"expected a Scale of {_API_VERSION}, got a {kind} of {version}")
    for name in ("metadata", "spec"):
        if not isinstance(scale.get(name, {}), dict):
            raise BadRequest(f"Scale: {name}: must be an object")
    replicas = get_path(scale, "spec", "replicas", default=0)
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        raise BadRequest(f"Scale: spec.replicas: must be an integer, not {replicas!r}")
    errors = fields.check_not_negative("spec.replicas", replicas)
    if errors:
        raise Invalid.of("autoscaling", "Scale", name_of(scale), errors)
