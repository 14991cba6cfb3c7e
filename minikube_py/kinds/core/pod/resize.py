"""What of a running Pod may change through its subresource resize: cpu and memory, within its
quality of service (KEP-1287, ValidatePodResize).
"""

import copy
from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.core.pod.qos import qos_class
from minikube_py.kinds.fields import forbidden, invalid
from minikube_py.kinds.pod_template.pod_resources import validate_pod_resources
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, annotations_of

_MIRROR = "kubernetes.io/config.mirror"
_RESIZED = ("cpu", "memory")


def validate_resize(new: Object, old: Object) -> Sequence[FieldError]:
    if _MIRROR in annotations_of(old):
        return [forbidden("", "static pods cannot be resized")]
    fresh, stored = new["spec"], old["spec"]
    if _without_amounts(fresh) != _without_amounts(stored):
        return [forbidden("spec", "only cpu and memory resources are mutable")]
    if fresh.get("resources") and not stored.get("resources"):
        return [forbidden("spec.resources", "cannot be added to a Pod that was made without")]
    errors = _validate_amounts(fresh, stored, "spec.resources")
    errors += validate_pod_resources(fresh, "spec")
    for field in ("containers", "initContainers"):
        pairs = zip(fresh.get(field) or [], stored.get(field) or [], strict=True)
        for index, (container, before) in enumerate(pairs):
            errors += _validate_container(container, before, f"spec.{field}[{index}].resources")
    if qos_class(fresh) != qos_class(stored):
        detail = "Pod QOS Class may not change as a result of resizing"
        errors.append(invalid("spec", qos_class(fresh), detail))
    return errors


def _validate_container(new: Object, old: Object, path: str) -> list[FieldError]:
    errors = _validate_amounts(new, old, path)
    runs_once = "initContainers" in path and old.get("restartPolicy") != "Always"
    if runs_once and (old.get("resources") or {}) != (new.get("resources") or {}):
        errors.append(forbidden(path, "only sidecars among init containers can be resized"))
    return errors


def _validate_amounts(new: Object, old: Object, path: str) -> list[FieldError]:
    """Of a container, or of the Pod as a whole."""
    errors = []
    before, after = old.get("resources") or {}, new.get("resources") or {}
    for field in ("limits", "requests"):
        gone = _amounts(before, field).keys() - _amounts(after, field).keys()
        errors += [
            forbidden(f"{path}.{field}", f"resource {field} cannot be removed")
            for name in _RESIZED
            if name in gone
        ]
    return errors


def _amounts(resources: Object, field: str) -> dict[str, Any]:
    return {name: value for name, value in (resources.get(field) or {}).items() if name in _RESIZED}


def _without_amounts(spec: Object) -> Object:
    """The spec with no word on the cpu and memory of the Pod and its containers."""
    rest = copy.deepcopy(spec)
    containers = [
        one for field in ("containers", "initContainers") for one in rest.get(field) or []
    ]
    for holder in (rest, *containers):
        resources = holder.get("resources") or {}
        for amounts in ("limits", "requests"):
            listed = resources.get(amounts) or {}
            resources[amounts] = {k: v for k, v in listed.items() if k not in _RESIZED}
        holder["resources"] = resources
    return rest
