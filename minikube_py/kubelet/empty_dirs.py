"""How large an emptyDir may grow. Pure."""

from collections.abc import Mapping
from typing import Any

from minikube_py.kubelet.podspec import members_of
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import parse_quantity, to_bytes


def disk_limits(pod: Object) -> dict[str, str]:
    """Those on disk that may not grow beyond a size (the kernel limits memory)."""
    limited = {
        volume["name"]: str(volume["emptyDir"]["sizeLimit"])
        for volume in get_path(pod, "spec", "volumes", default=[])
        if get_path(volume, "emptyDir", "sizeLimit") and not volume["emptyDir"].get("medium")
    }
    return {name: limit for name, limit in limited.items() if parse_quantity(limit) > 0}


def memory_size(pod: Object, spec: Mapping[str, Any]) -> int:
    """As kubelet sizes it: what the volume may have, and never more than the pod; 0 = unsaid."""
    wanted = to_bytes(parse_quantity(spec.get("sizeLimit") or "0"))
    limits = [
        get_path(member.container, "resources", "limits", "memory")
        for member in members_of(pod, "sidecar", "main")
    ]
    if not all(limits):
        return wanted
    of_pod = sum(to_bytes(parse_quantity(limit)) for limit in limits)
    return min(wanted or of_pod, of_pod)
