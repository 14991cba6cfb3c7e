"""A Node: the host that Pods run on."""

from collections.abc import Callable, Mapping, Sequence

from minikube_py.kinds.columns import AGE, NAME, NONE, UNKNOWN, from_object, from_path, joined
from minikube_py.kinds.fields import (
    check,
    check_choice,
    cidr_problem,
    duplicate,
    forbidden,
    required,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.quantities import default_resource_list
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, find_condition, get_path, labels_of

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def default_node(obj: Object) -> None:
    obj["spec"] = obj.get("spec") or {}
    status = obj.get("status") or {}
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])
    default_resource_list(status.get("capacity"))
    default_resource_list(status.get("allocatable"))
    if obj["spec"].get("podCIDR") and not obj["spec"].get("podCIDRs"):
        obj["spec"]["podCIDRs"] = [obj["spec"]["podCIDR"]]


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = _validate_taints(spec.get("taints") or [])
    for index, cidr in enumerate(spec.get("podCIDRs") or []):
        errors += check(f"spec.podCIDRs[{index}]", cidr, cidr_problem)
    return errors


def _validate_taints(taints: Sequence[Object]) -> list[FieldError]:
    errors = []
    seen = set()
    for index, taint in enumerate(taints):
        at = f"spec.taints[{index}]"
        if taint.get("key"):
            errors += check(f"{at}.key", taint["key"], names.qualified_name_problem)
        else:
            errors.append(required(f"{at}.key"))
        errors += check(f"{at}.value", taint.get("value") or "", names.label_value_problem)
        errors += check_choice(f"{at}.effect", taint.get("effect"), _EFFECTS)
        pair = (taint.get("key"), taint.get("effect"))
        if pair in seen:
            errors.append(duplicate(at, taint))
        seen.add(pair)
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    errors = []
    for field in ("podCIDR", "providerID"):
        before, after = get_path(old, "spec", field), get_path(new, "spec", field)
        if before and before != after:
            detail = "node updates may not change " + field
            if field == "podCIDR":
                detail += ' except from "" to valid'
            errors.append(forbidden(f"spec.{field}", detail))
    return errors


def selectable_fields(obj: Object) -> Mapping[str, str]:
    unschedulable = get_path(obj, "spec", "unschedulable", default=False)
    return {"spec.unschedulable": "true" if unschedulable else "false"}


def _status(obj: Object) -> str:
    ready = find_condition(obj, "Ready")
    if ready is None:
        status = "Unknown"
    else:
        status = "Ready" if ready.get("status") == "True" else "NotReady"
    if get_path(obj, "spec", "unschedulable", default=False):
        status += ",SchedulingDisabled"
    return status


def _roles(obj: Object) -> str:
    roles = set()
    for key, value in labels_of(obj).items():
        if key.startswith(_ROLE_PREFIX):
            roles.add(key.removeprefix(_ROLE_PREFIX))
        elif key == _ROLE_LABEL:
            roles.add(value)
    return joined(sorted(roles - {""}))


def _address(type_: str) -> Callable[[Object], str]:
    def text(obj: Object) -> str:
        for address in get_path(obj, "status", "addresses", default=[]):
            if address.get("type") == type_:
                return str(address.get("address"))
        return NONE

    return text


KIND = Kind(
    group="",
    version="v1",
    kind="Node",
    plural="nodes",
    columns=(
        NAME,
        Column("Status", from_object(_status), description="The status of the node"),
        Column("Roles", from_object(_roles), description="The roles of the node"),
        AGE,
        Column(
            "Version",
            from_path("status", "nodeInfo", "kubeletVersion"),
            description="Version that the node's kubelet reports.",
        ),
        Column("Internal-IP", from_object(_address("InternalIP")), priority=1),
        Column("External-IP", from_object(_address("ExternalIP")), priority=1),
        Column("OS-Image", from_path("status", "nodeInfo", "osImage", default=UNKNOWN), priority=1),
        Column(
            "Kernel-Version",
            from_path("status", "nodeInfo", "kernelVersion", default=UNKNOWN),
            priority=1,
        ),
        Column(
            "Container-Runtime",
            from_path("status", "nodeInfo", "containerRuntimeVersion", default=UNKNOWN),
            priority=1,
        ),
    ),
    short_names=("no",),
    namespaced=False,
    has_generation=False,
    subresources=("proxy",),
    default=default_node,
    validate_create=validate_create,
    validate_update=validate_update,
    selectable_fields=selectable_fields,
)
