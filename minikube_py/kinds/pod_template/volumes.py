"""Validation of volumes and of the mounts that refer to them.

A source that no kubelet of ours can mount (csi, nfs, …) is accepted as Kubernetes accepts it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from minikube_py.kinds.fields import (
    check,
    check_unique,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
)
from minikube_py.kinds.pod_template.environment import (
    VOLUME_FIELD_PATHS,
    validate_field_ref,
    validate_resource_field_ref,
)
from minikube_py.kinds.quantities import validate_not_negative
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_HOST_PATH_TYPES = frozenset(
    {
        "",
        "DirectoryOrCreate",
        "Directory",
        "FileOrCreate",
        "File",
        "Socket",
        "CharDevice",
        "BlockDevice",
    }
)
_PROPAGATIONS = frozenset({"None", "HostToContainer", "Bidirectional"})
_MODE_RULE = "must be a number between 0 and 0777 (octal), both inclusive"
_PROJECTIONS = (
    "secret",
    "configMap",
    "downwardAPI",
    "serviceAccountToken",
    "clusterTrustBundle",
    "podCertificate",
)


def validate_volumes(volumes: Sequence[Object], path: str) -> list[FieldError]:
    errors = []
    for index, volume in enumerate(volumes):
        at = f"{path}[{index}]"
        if volume.get("name"):
            errors += check(f"{at}.name", volume["name"], names.label_problem)
        else:
            errors.append(required(f"{at}.name"))
        errors += _validate_source(volume, at)
    return errors + check_unique(path, volumes, "name")


def _validate_source(volume: Object, path: str) -> list[FieldError]:
    sources = [name for name, value in volume.items() if name != "name" and value is not None]
    if not sources:
        return [required(path, "must specify a volume type")]
    errors = [
        forbidden(f"{path}.{name}", "may not specify more than 1 volume type")
        for name in sources[1:]
    ]
    validate = _SOURCES.get(sources[0])
    if validate is not None:
        errors += validate(volume[sources[0]], f"{path}.{sources[0]}")
    return errors


def _needs(*fields: str) -> Callable[[Object, str], list[FieldError]]:
    def validate(source: Object, path: str) -> list[FieldError]:
        return [required(f"{path}.{field}") for field in fields if not source.get(field)]

    return validate


def _validate_host_path(source: Object, path: str) -> list[FieldError]:
    if not source.get("path"):
        return [required(f"{path}.path")]
    errors = _check_no_backsteps(source["path"], f"{path}.path")
    if (source.get("type") or "") not in _HOST_PATH_TYPES:
        errors.append(not_supported(f"{path}.type", source["type"], _HOST_PATH_TYPES))
    return errors


def _validate_empty_dir(source: Object, path: str) -> list[FieldError]:
    if source.get("sizeLimit") is None:
        return []
    return validate_not_negative(f"{path}.sizeLimit", source["sizeLimit"])


def _validate_secret(source: Object, path: str) -> list[FieldError]:
    errors = _needs("secretName")(source, path)
    errors += _validate_mode(source.get("defaultMode"), f"{path}.defaultMode")
    return errors + _validate_items(source.get("items") or [], f"{path}.items")


def _validate_config_map(source: Object, path: str) -> list[FieldError]:
    errors = _needs("name")(source, path)
    errors += _validate_mode(source.get("defaultMode"), f"{path}.defaultMode")
    return errors + _validate_items(source.get("items") or [], f"{path}.items")


def _validate_items(items: Sequence[Object], path: str) -> list[FieldError]:
    errors = []
    for index, item in enumerate(items):
        at = f"{path}[{index}]"
        errors += _needs("key", "path")(item, at)
        errors += _check_relative(item.get("path") or "", f"{at}.path")
        errors += _validate_mode(item.get("mode"), f"{at}.mode")
    return errors


def _validate_mode(mode: int | None, path: str) -> list[FieldError]:
    if mode is None or 0 <= mode <= 0o777:
        return []
    return [invalid(path, mode, _MODE_RULE)]


def _validate_downward_api(source: Object, path: str) -> list[FieldError]:
    errors = _validate_mode(source.get("defaultMode"), f"{path}.defaultMode")
    for index, item in enumerate(source.get("items") or []):
        at = f"{path}.items[{index}]"
        errors += _needs("path")(item, at)
        errors += _check_relative(item.get("path") or "", f"{at}.path")
        errors += _validate_downward_item(item, at)
        errors += _validate_mode(item.get("mode"), f"{at}.mode")
    return errors


def _validate_downward_item(item: Object, path: str) -> list[FieldError]:
    field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
    if field is not None and resource is not None:
        detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
        return [invalid(path, "resource", detail)]
    if field is not None:
        return validate_field_ref(field, f"{path}.fieldRef", VOLUME_FIELD_PATHS)
    if resource is not None:
        return validate_resource_field_ref(resource, f"{path}.resourceFieldRef", in_volume=True)
    return [required(path, "one of fieldRef and resourceFieldRef is required")]


def _validate_projected(source: Object, path: str) -> list[FieldError]:
    errors = _validate_mode(source.get("defaultMode"), f"{path}.defaultMode")
    for index, projection in enumerate(source.get("sources") or []):
        errors += _validate_projection(projection, f"{path}.sources[{index}]")
    return errors


def _validate_projection(projection: Object, path: str) -> list[FieldError]:
    chosen = [name for name in _PROJECTIONS if projection.get(name) is not None]
    if len(chosen) > 1:
        return [forbidden(path, "may not specify more than 1 volume type per source")]
    if not chosen:
        return []
    at, source = f"{path}.{chosen[0]}", projection[chosen[0]]
    if chosen[0] in ("secret", "configMap"):
        return _needs("name")(source, at) + _validate_items(
            source.get("items") or [], f"{at}.items"
        )
    if chosen[0] == "downwardAPI":
        return _validate_downward_api(source, at)
    if chosen[0] == "serviceAccountToken":
        return _validate_token(source, at)
    return []


def _validate_token(source: Object, path: str) -> list[FieldError]:
    errors = _needs("path")(source, path)
    seconds = source.get("expirationSeconds")
    if seconds is not None and seconds < 600:
        detail = "may not specify a duration less than 10 minutes"
        errors.append(invalid(f"{path}.expirationSeconds", seconds, detail))
    if seconds is not None and seconds > 1 << 32:
        detail = "may not specify a duration larger than 2^32 seconds"
        errors.append(invalid(f"{path}.expirationSeconds", seconds, detail))
    return errors + _check_relative(source.get("path") or "", f"{path}.path")


_SOURCES: Mapping[str, Callable[[Object, str], list[FieldError]]] = {
    "hostPath": _validate_host_path,
    "emptyDir": _validate_empty_dir,
    "secret": _validate_secret,
    "configMap": _validate_config_map,
    "downwardAPI": _validate_downward_api,
    "projected": _validate_projected,
    "persistentVolumeClaim": _needs("claimName"),
    "nfs": _needs("server", "path"),
    "csi": _needs("driver"),
    "ephemeral": _needs("volumeClaimTemplate"),
    "image": _needs("reference"),
}


def validate_mounts(
    container: Mapping[str, Any], volumes: Collection[str], path: str
) -> list[FieldError]:
    """volumeMounts and volumeDevices of one container."""
    errors = []
    seen: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or []):
        at = f"{path}.volumeMounts[{index}]"
        errors += _validate_mount_target(mount, "mountPath", volumes, at)
        mount_path = mount.get("mountPath")
        if mount_path in seen:
            errors.append(invalid(f"{at}.mountPath", mount_path, "must be unique"))
        seen.add(mount_path or "")
        errors += _validate_mount(mount, at)
    for index, device in enumerate(container.get("volumeDevices") or []):
        at = f"{path}.volumeDevices[{index}]"
        errors += _validate_mount_target(device, "devicePath", volumes, at)
    return errors


def _validate_mount_target(
    mount: Object, field: str, volumes: Collection[str], path: str
) -> list[FieldError]:
    errors = []
    if not mount.get("name"):
        errors.append(required(f"{path}.name"))
    elif mount["name"] not in volumes:
        errors.append(not_found(f"{path}.name", mount["name"]))
    if not mount.get(field):
        errors.append(required(f"{path}.{field}"))
    return errors


def _validate_mount(mount: Object, path: str) -> list[FieldError]:
    errors = _check_relative(mount.get("subPath") or "", f"{path}.subPath")
    errors += _check_relative(mount.get("subPathExpr") or "", f"{path}.subPathExpr")
    if mount.get("subPath") and mount.get("subPathExpr"):
        at = f"{path}.subPathExpr"
        detail = "subPathExpr and subPath are mutually exclusive"
        errors.append(invalid(at, mount["subPathExpr"], detail))
    propagation = mount.get("mountPropagation")
    if propagation and propagation not in _PROPAGATIONS:
        errors.append(not_supported(f"{path}.mountPropagation", propagation, _PROPAGATIONS))
    return errors


def _check_relative(text: str, path: str) -> list[FieldError]:
    if text.startswith("/"):
        return [invalid(path, text, "must be a relative path")]
    return _check_no_backsteps(text, path)


def _check_no_backsteps(text: str, path: str) -> list[FieldError]:
    if ".." in text.split("/"):
        return [invalid(path, text, "must not contain '..'")]
    return []
