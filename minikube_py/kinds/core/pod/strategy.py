"""What of a Pod a client may not set, how long it gets to stop, and what it is selected by."""

from collections.abc import Mapping

from minikube_py.kinds.core.pod.qos import qos_class
from minikube_py.kinds.fields import forbidden
from minikube_py.meta.errors import Invalid
from minikube_py.meta.objects import Object, get_path, name_of

_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


def prepare(new: Object, old: Object | None) -> None:
    """A new Pod is Pending. Raises Invalid when it brings ephemeral containers along."""
    if old is None:
        if (new.get("spec") or {}).get("ephemeralContainers"):
            error = forbidden("spec.ephemeralContainers", "cannot be set on create")
            raise Invalid.of("", "Pod", name_of(new), [error])
        new["status"] = {"phase": "Pending", "qosClass": qos_class(new.get("spec") or {})}
        if get_path(new, "spec", "schedulingGates"):
            new["status"]["conditions"] = [dict(_GATED)]
    elif "status" in old:
        new["status"] = old["status"]


def grace_seconds(obj: Object) -> int:
    """Seconds between asking and killing; 0 where no container runs."""
    if not get_path(obj, "spec", "nodeName"):
        return 0
    if get_path(obj, "status", "phase") in ("Succeeded", "Failed"):
        return 0
    return int(get_path(obj, "spec", "terminationGracePeriodSeconds", default=30))


def selectable_fields(obj: Object) -> Mapping[str, str]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return {
        "spec.nodeName": spec.get("nodeName") or "",
        "spec.restartPolicy": spec.get("restartPolicy") or "",
        "spec.schedulerName": spec.get("schedulerName") or "",
        "spec.serviceAccountName": spec.get("serviceAccountName") or "",
        "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
        "status.phase": status.get("phase") or "",
        "status.podIP": status.get("podIP") or "",
        "status.nominatedNodeName": status.get("nominatedNodeName") or "",
    }
