"""Validation of volumes and their sources.

A source that no kubelet of ours can mount (csi, nfs, …) is accepted as Kubernetes accepts it.
"""

from collections.abc import Callable, Mapping, Sequence

from minikube_py.kinds.claim_spec import validate_claim_spec
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_unique,
    forbidden,
    invalid,
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
    return errors + validate_source(sources[0], volume[sources[0]], path)


def validate_source(name: str, source: Object, path: str) -> list[FieldError]:
    """What one source needs, in a Pod as in a PersistentVolume."""
    validate = _SOURCES.get(name)
    return validate(source, f"{path}.{name}") if validate is not None else []


def _needs(*fields: str) -> Callable[[Object, str], list[FieldError]]:
    def validate(source: Object, path: str) -> list[FieldError]:
        return [required(f"{path}.{field}") for field in fields if not source.get(field)]

    return validate


def _validate_host_path(source: Object, path: str) -> list[FieldError]:
    if not source.get("path"):
        return [required(f"{path}.path")]
    errors = check_no_backsteps(source["path"], f"{path}.path")
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
        errors += check_relative(item.get("path") or "", f"{at}.path")
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
        errors += check_relative(item.get("path") or "", f"{at}.path")
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
    return errors + check_relative(source.get("path") or "", f"{path}.path")


def _validate_nfs(source: Object, path: str) -> list[FieldError]:
    errors = _needs("server", "path")(source, path)
    if source.get("path") and not source["path"].startswith("/"):
        errors.append(invalid(f"{path}.path", source["path"], "must be an absolute path"))
    return errors


def _validate_ephemeral(source: Object, path: str) -> list[FieldError]:
    at, template = f"{path}.volumeClaimTemplate", source.get("volumeClaimTemplate")
    if not template:
        return [required(at)]
    return validate_claim_spec(template.get("spec") or {}, f"{at}.spec")


def _validate_image(source: Object, path: str) -> list[FieldError]:
    policy, policies = source.get("pullPolicy"), ("Always", "IfNotPresent", "Never")
    errors = _needs("reference")(source, path)
    return errors + check_choice(f"{path}.pullPolicy", policy, policies, must_be_set=False)


def _validate_fibre_channel(source: Object, path: str) -> list[FieldError]:
    names_, wwids = source.get("targetWWNs"), source.get("wwids")
    if not names_ and not wwids:
        detail = "must specify either targetWWNs or wwids, but not both"
        return [required(f"{path}.targetWWNs", detail)]
    if names_ and wwids:
        detail = "targetWWNs and wwids can not be specified simultaneously"
        return [invalid(f"{path}.targetWWNs", names_, detail)]
    if names_ and source.get("lun") is None:
        return [required(f"{path}.lun", "lun is required if targetWWNs is specified")]
    return []


def _validate_flocker(source: Object, path: str) -> list[FieldError]:
    name, uuid = source.get("datasetName"), source.get("datasetUUID")
    if not name and not uuid:
        return [required(path, "one of datasetName and datasetUUID is required")]
    if name and uuid:
        detail = "resource datasetName and datasetUUID can not be specified simultaneously"
        return [invalid(path, "resource", detail)]
    return []


def _validate_git_repo(source: Object, path: str) -> list[FieldError]:
    errors = _needs("repository")(source, path)
    return errors + check_relative(source.get("directory") or "", f"{path}.directory")


_SOURCES: Mapping[str, Callable[[Object, str], list[FieldError]]] = {
    "hostPath": _validate_host_path,
    "emptyDir": _validate_empty_dir,
    "secret": _validate_secret,
    "configMap": _validate_config_map,
    "downwardAPI": _validate_downward_api,
    "projected": _validate_projected,
    "persistentVolumeClaim": _needs("claimName"),
    "nfs": _validate_nfs,
    "csi": _needs("driver"),
    "ephemeral": _validate_ephemeral,
    "image": _validate_image,
    "awsElasticBlockStore": _needs("volumeID"),
    "azureDisk": _needs("diskName", "diskURI"),
    "azureFile": _needs("secretName", "shareName"),
    "cephfs": _needs("monitors"),
    "cinder": _needs("volumeID"),
    "fc": _validate_fibre_channel,
    "flexVolume": _needs("driver"),
    "flocker": _validate_flocker,
    "gcePersistentDisk": _needs("pdName"),
    "gitRepo": _validate_git_repo,
    "glusterfs": _needs("endpoints", "path"),
    "iscsi": _needs("targetPortal", "iqn"),
    "photonPersistentDisk": _needs("pdID"),
    "portworxVolume": _needs("volumeID"),
    "quobyte": _needs("registry", "volume"),
    "rbd": _needs("monitors", "image"),
    "scaleIO": _needs("gateway", "system", "volumeName"),
    "vsphereVolume": _needs("volumePath"),
}


def check_relative(text: str, path: str) -> list[FieldError]:
    if text.startswith("/"):
        return [invalid(path, text, "must be a relative path")]
    return check_no_backsteps(text, path)


def check_no_backsteps(text: str, path: str) -> list[FieldError]:
    if ".." in text.split("/"):
        return [invalid(path, text, "must not contain '..'")]
    return []
