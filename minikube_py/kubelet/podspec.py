"""Questions about a Pod's spec that deciding and acting both ask. Pure, reads only.

Specs arrive with the API's defaults filled in; what may still be missing is read as Kubernetes
reads it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from minikube_py.container_runtime.interface import PodIdentity
from minikube_py.kinds.core.pod.qos import QosClass
from minikube_py.kinds.core.pod.qos import qos_class as qos_class_of_spec
from minikube_py.kinds.dev_annotations import RESTARTED_AT
from minikube_py.meta.encoding import encode
from minikube_py.meta.objects import Object, annotations_of, get_path, name_of, namespace_of, uid_of
from minikube_py.meta.timestamps import parse_time

Role = Literal["init", "sidecar", "main", "ephemeral"]

RESTART_ALL = "RestartAllContainers"
DEFAULT_GRACE_SECONDS = 30
FINAL_PHASES = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Member:
    """One container of the spec and the part it plays in the pod."""

    name: str
    role: Role
    container: Mapping[str, Any]

    @property
    def hash(self) -> str:
        return container_hash(self.container)


def members(pod: Object) -> list[Member]:
    """Init containers and sidecars in order, then main ones, then ephemeral ones."""
    spec = pod.get("spec") or {}
    found = [
        Member(c["name"], "sidecar" if c.get("restartPolicy") == "Always" else "init", c)
        for c in spec.get("initContainers") or []
    ]
    found += [Member(c["name"], "main", c) for c in spec.get("containers") or []]
    found += [Member(c["name"], "ephemeral", c) for c in spec.get("ephemeralContainers") or []]
    return found


def members_of(pod: Object, *roles: Role) -> list[Member]:
    return [member for member in members(pod) if member.role in roles]


def member(pod: Object, name: str) -> Member | None:
    return next((found for found in members(pod) if found.name == name), None)


def identity(pod: Object) -> PodIdentity:
    return PodIdentity(namespace_of(pod), name_of(pod), uid_of(pod))


def container_hash(container: Mapping[str, Any]) -> str:
    """Changes exactly when a running container must be replaced: kubelet, too, looks at name and
    image only, the one field of a container the API lets change (resources change in place).
    """
    picked = {"name": container["name"], "image": container.get("image", "")}
    return hashlib.sha256(encode(picked)).hexdigest()[:16]


def restart_policy(pod: Object, container: Mapping[str, Any]) -> str:
    """Always, OnFailure or Never; a container's own comes first."""
    own = container.get("restartPolicy")
    return str(own or get_path(pod, "spec", "restartPolicy", default="Always"))


def comes_back_after(pod: Object, container: Mapping[str, Any], code: int) -> bool:
    """Whether a container that ended with `code` starts again, alone or with all of its pod: its
    rules first, then its policy (KEP-5307). What an init container owes ends with its success,
    whatever the policy.
    """
    if matching_action(container, code):
        return True
    policy = restart_policy(pod, container)
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def matching_action(container: Mapping[str, Any], code: int) -> str:
    """Of the first rule that is for an end with `code`, "" when none is."""
    for rule in container.get("restartPolicyRules") or []:
        if _matches(rule.get("exitCodes") or {}, code):
            return str(rule.get("action"))
    return ""


def _matches(exit_codes: Mapping[str, Any], code: int) -> bool:
    is_listed = code in (exit_codes.get("values") or [])
    return is_listed if exit_codes.get("operator") == "In" else not is_listed


def phase_of(pod: Object) -> str:
    return str(get_path(pod, "status", "phase", default="Pending"))


def is_finished(pod: Object) -> bool:
    return phase_of(pod) in FINAL_PHASES


def uses_host_network(pod: Object) -> bool:
    return bool(get_path(pod, "spec", "hostNetwork", default=False))


def hostname_of(pod: Object) -> str:
    """The name inside the pod, cut to what Linux takes."""
    name = str(get_path(pod, "spec", "hostname") or name_of(pod))
    return name[:63].rstrip("-.")


def inner_hostname(pod: Object, cluster_domain: str) -> str:
    """What `hostname` says in the pod: the short name unless it asks for the full or another."""
    spec = pod.get("spec") or {}
    if spec.get("hostnameOverride"):
        return str(spec["hostnameOverride"])
    name = hostname_of(pod)
    if spec.get("setHostnameAsFQDN") and spec.get("subdomain"):
        return f"{name}.{spec['subdomain']}.{namespace_of(pod)}.svc.{cluster_domain}"
    return name


def grace_seconds(pod: Object) -> float:
    """What the pod asks for, seconds."""
    value = get_path(pod, "spec", "terminationGracePeriodSeconds", default=DEFAULT_GRACE_SECONDS)
    return float(value)


def remaining_grace(pod: Object, now: datetime) -> float:
    """Seconds a pod being deleted still has, also when the daemon was away meanwhile.

    deletionTimestamp is request time plus grace, cut to whole seconds; hence the second on top.
    """
    granted = get_path(pod, "metadata", "deletionGracePeriodSeconds")
    grace = grace_seconds(pod) if granted is None else float(granted)
    deadline = parse_time(pod["metadata"]["deletionTimestamp"]) + timedelta(seconds=1)
    return max(0.0, min(grace, (deadline - now).total_seconds()))


def active_deadline(pod: Object) -> datetime | None:
    """When activeDeadlineSeconds is over, counted from status.startTime."""
    seconds = get_path(pod, "spec", "activeDeadlineSeconds")
    started = get_path(pod, "status", "startTime")
    if seconds is None or not started:
        return None
    return parse_time(started) + timedelta(seconds=int(seconds))


def previous_status(pod: Object, name: str) -> Mapping[str, Any]:
    """The container's status as last written, {} when there is none."""
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for entry in status.get(field) or []:
            if entry.get("name") == name:
                return dict(entry)
    return {}


def bare_id(container_id: str) -> str:
    """`docker://abc` → `abc`."""
    return container_id.rpartition("://")[2]


def qos_class(pod: Object) -> QosClass:
    return qos_class_of_spec(pod.get("spec") or {})


def probes_of(container: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(`startup` | `readiness` | `liveness`, probe) for each the container has."""
    for kind in ("startup", "readiness", "liveness"):
        probe = container.get(f"{kind}Probe")
        if probe:
            yield kind, probe


def annotation(pod: Object, name: str) -> str | None:
    return annotations_of(pod).get(name)


def asked_to_restart(pod: Object) -> str:
    """What `mk restart` wrote, "" = nothing."""
    return annotation(pod, RESTARTED_AT) or ""


def asked_to_restart_at(pod: Object) -> datetime | None:
    """By `mk restart`: what began before starts again, whatever back-off it owes."""
    text = asked_to_restart(pod)
    try:
        return parse_time(text) if text else None
    except ValueError:  # of a pod that is older than the check
        return None


def port_number(container: Mapping[str, Any], port: int | str) -> int | None:
    """A number as it is, a name looked up among the container's ports; None when there is none."""
    if isinstance(port, int) or str(port).isdigit():
        return int(port)
    for entry in container.get("ports") or []:
        if entry.get("name") == port:
            return int(entry["containerPort"])
    return None
