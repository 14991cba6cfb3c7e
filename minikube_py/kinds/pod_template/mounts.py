"""Validation of a container's volumeMounts and volumeDevices."""

from collections.abc import Mapping, Sequence
from typing import Any

from minikube_py.kinds.fields import (
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
)
from minikube_py.kinds.pod_template.volumes import check_no_backsteps, check_relative
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

Mountable = Mapping[str, bool]
"""Names that mounts may use; whether a claim is behind it, which may be a block device."""
_PROPAGATIONS = frozenset({"None", "HostToContainer", "Bidirectional"})
_READ_ONLY = frozenset({"Disabled", "Enabled", "IfPossible"})


def validate_mounts(
    container: Mapping[str, Any], volumes: Mountable, path: str
) -> list[FieldError]:
    mounts = container.get("volumeMounts") or []
    devices = container.get("volumeDevices") or []
    return [
        *_validate_places(mounts, "mountPath", volumes, f"{path}.volumeMounts"),
        *_validate_apart(mounts, "mountPath", devices, "devicePath", f"{path}.volumeMounts"),
        *_validate_each_mount(container, mounts, f"{path}.volumeMounts"),
        *_validate_places(devices, "devicePath", volumes, f"{path}.volumeDevices"),
        *_validate_apart(devices, "devicePath", mounts, "mountPath", f"{path}.volumeDevices"),
        *_validate_each_device(devices, volumes, f"{path}.volumeDevices"),
    ]


def _validate_places(
    places: Sequence[Object], field: str, volumes: Mountable, path: str
) -> list[FieldError]:
    errors = []
    seen: set[str] = set()
    for index, place in enumerate(places):
        at, where = f"{path}[{index}]", place.get(field)
        if not place.get("name"):
            errors.append(required(f"{at}.name"))
        elif place["name"] not in volumes:
            errors.append(not_found(f"{at}.name", place["name"]))
        if not where:
            errors.append(required(f"{at}.{field}"))
        elif where in seen:
            errors.append(invalid(f"{at}.{field}", where, "must be unique"))
        seen.add(where or "")
    return errors


def _validate_apart(
    places: Sequence[Object],
    field: str,
    others: Sequence[Object],
    others_field: str,
    path: str,
) -> list[FieldError]:
    """A volume is a file system or a device in a container, and a path is one of them."""
    errors = []
    names = {other.get("name") for other in others}
    paths = {other.get(others_field) for other in others}
    where = "volumeDevices" if others_field == "devicePath" else "volumeMounts"
    for index, place in enumerate(places):
        at, name, target = f"{path}[{index}]", place.get("name"), place.get(field)
        if name and name in names:
            errors.append(invalid(f"{at}.name", name, f"must not already exist in {where}"))
        if target and target in paths:
            detail = f"must not already exist as a path in {where}"
            errors.append(invalid(f"{at}.{field}", target, detail))
    return errors


def _validate_each_mount(
    container: Mapping[str, Any], mounts: Sequence[Object], path: str
) -> list[FieldError]:
    privileged = bool(get_path(container, "securityContext", "privileged", default=False))
    errors = []
    for index, mount in enumerate(mounts):
        at = f"{path}[{index}]"
        errors += _validate_sub_path(mount, at)
        errors += _validate_propagation(mount, at, privileged=privileged)
        errors += _validate_read_only(mount, at)
    return errors


def _validate_sub_path(mount: Object, path: str) -> list[FieldError]:
    errors = check_relative(mount.get("subPath") or "", f"{path}.subPath")
    errors += check_relative(mount.get("subPathExpr") or "", f"{path}.subPathExpr")
    if mount.get("subPath") and mount.get("subPathExpr"):
        at = f"{path}.subPathExpr"
        detail = "subPathExpr and subPath are mutually exclusive"
        errors.append(invalid(at, mount["subPathExpr"], detail))
    return errors


def _validate_propagation(mount: Object, path: str, *, privileged: bool) -> list[FieldError]:
    propagation, at = mount.get("mountPropagation"), f"{path}.mountPropagation"
    if propagation and propagation not in _PROPAGATIONS:
        return [not_supported(at, propagation, _PROPAGATIONS)]
    if propagation == "Bidirectional" and not privileged:
        detail = "Bidirectional mount propagation is available only to privileged containers"
        return [forbidden(at, detail)]
    return []


def _validate_read_only(mount: Object, path: str) -> list[FieldError]:
    mode, at = mount.get("recursiveReadOnly"), f"{path}.recursiveReadOnly"
    if mode in (None, "Disabled"):
        return []
    if mode not in _READ_ONLY:
        return [not_supported(at, mode, _READ_ONLY)]
    if not mount.get("readOnly"):
        return [forbidden(at, "may only be specified when readOnly is true")]
    if mount.get("mountPropagation") not in (None, "None"):
        detail = "may only be specified when mountPropagation is None or not specified"
        return [forbidden(at, detail)]
    return []


def _validate_each_device(
    devices: Sequence[Object], volumes: Mountable, path: str
) -> list[FieldError]:
    errors = []
    seen: set[str] = set()
    for index, device in enumerate(devices):
        at, name = f"{path}[{index}]", device.get("name") or ""
        if name and name in seen:
            errors.append(invalid(f"{at}.name", name, "must be unique"))
        seen.add(name)
        if not volumes.get(name, True):
            detail = (
                "can only use volume source type of PersistentVolumeClaim or Ephemeral for block "
                "mode"
            )
            errors.append(invalid(f"{at}.name", name, detail))
        target = device.get("devicePath") or ""
        if check_no_backsteps(target, at):
            detail = "can not contain backsteps ('..')"
            errors.append(invalid(f"{at}.devicePath", target, detail))
    return errors
