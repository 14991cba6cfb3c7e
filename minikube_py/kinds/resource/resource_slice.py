"""A ResourceSlice: devices that a driver offers, on one node or many."""

from collections.abc import Mapping, Sequence

from minikube_py.kinds.columns import AGE, NAME, NONE, from_path
from minikube_py.kinds.fields import check_immutable, check_unique, invalid, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.resource.device import (
    shown,
    validate_counters,
    validate_device,
    validate_node_choice,
)
from minikube_py.kinds.resource.devices import (
    GROUP,
    check_size,
    stamp_taint,
    validate_driver,
    validate_pool_name,
)
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_MAX_DEVICES, _MAX_COMPLEX_DEVICES, _MAX_COUNTER_SETS = 128, 64, 8
_NODE_FIELDS = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
_ONE_NODE_FIELD = f"exactly one of {', '.join(f'`{field}`' for field in _NODE_FIELDS)} is required"


def prepare(new: Object, _old: Object | None) -> None:
    for device in get_path(new, "spec", "devices", default=[]):
        for taint in device.get("taints") or []:
            stamp_taint(taint, new)


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = validate_driver(spec.get("driver"), "spec.driver")
    errors += _validate_pool(spec.get("pool") or {}, "spec.pool")
    errors += _validate_nodes(spec, "spec")
    devices, counters = spec.get("devices"), spec.get("sharedCounters")
    if devices is not None and counters is not None:
        detail = "only one of `sharedCounters` or `devices` is allowed"
        errors.append(invalid("spec", "", detail))
    errors += _validate_devices(devices or [], bool(spec.get("perDeviceNodeSelection")))
    path = "spec.sharedCounters"
    errors += check_size(counters or [], _MAX_COUNTER_SETS, path)
    for index, one in enumerate(counters or []):
        errors += validate_counters(one, f"{path}[{index}]", "name")
    return errors + check_unique(path, counters or [], "name")


def _validate_pool(pool: Object, path: str) -> list[FieldError]:
    errors = validate_pool_name(pool.get("name"), f"{path}.name")
    count, generation = pool.get("resourceSliceCount") or 0, pool.get("generation") or 0
    if count <= 0:
        detail = "must be greater than zero"
        errors.append(invalid(f"{path}.resourceSliceCount", count, detail))
    if generation < 0:
        detail = "must be greater than or equal to zero"
        errors.append(invalid(f"{path}.generation", generation, detail))
    return errors


def _validate_nodes(spec: Object, path: str) -> list[FieldError]:
    given = [field for field in _NODE_FIELDS if spec.get(field) not in (None, False, "")]
    errors = validate_node_choice(spec, path)
    if spec.get("perDeviceNodeSelection") is False:
        detail = "must be either unset or set to true"
        errors.append(invalid(f"{path}.perDeviceNodeSelection", False, detail))
    terms = get_path(spec, "nodeSelector", "nodeSelectorTerms", default=[])
    if len(terms) > 1:
        detail = "must have exactly one node selector term"
        errors.append(invalid(f"{path}.nodeSelector.nodeSelectorTerms", terms, detail))
    if not given:
        errors.append(required(path, _ONE_NODE_FIELD))
    elif len(given) > 1:
        detail = f"{_ONE_NODE_FIELD}, but multiple fields are set"
        errors.append(invalid(path, shown(given), detail))
    return errors


def _validate_devices(devices: Sequence[Object], chooses_nodes: bool) -> list[FieldError]:
    path = "spec.devices"
    are_complex = any(one.get("taints") or one.get("consumesCounters") for one in devices)
    errors = check_size(devices, _MAX_COMPLEX_DEVICES if are_complex else _MAX_DEVICES, path)
    for index, device in enumerate(devices):
        errors += validate_device(device, f"{path}[{index}]", chooses_nodes=chooses_nodes)
    return errors + check_unique(path, devices, "name")


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    errors = []
    for path in (("pool", "name"), ("driver",), ("nodeName",)):
        ahead, before = get_path(new, "spec", *path), get_path(old, "spec", *path)
        errors += check_immutable(".".join(("spec", *path)), ahead, before)
    return errors


def selectable_fields(obj: Object) -> Mapping[str, str]:
    fields = ("nodeName", "driver")
    return {f"spec.{field}": str(get_path(obj, "spec", field, default="")) for field in fields}


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="ResourceSlice",
    plural="resourceslices",
    columns=(
        NAME,
        Column("Node", from_path("spec", "nodeName", default=NONE), description="Whose they are."),
        Column("Driver", from_path("spec", "driver"), description="Who offers them."),
        Column("Pool", from_path("spec", "pool", "name"), description="What they are part of."),
        AGE,
    ),
    namespaced=False,
    has_status=False,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
    selectable_fields=selectable_fields,
)
