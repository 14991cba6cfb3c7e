"""Kubernetes' defaults of a PodSpec (pkg/apis/core/v1/defaults.go), in place and idempotent."""

from collections.abc import Callable, Mapping
from typing import Any

from minikube_py.kinds.quantities import canonical, default_resource_list
from minikube_py.meta.objects import Object

_SHARED_FILE_MODE = 0o644
_VOLUME_FIELDS_BESIDE_SOURCES = frozenset({"name"})


def default_template(spec: Object) -> None:
    """`template` in the spec of a workload, made when it is missing so that all of it is judged."""
    template = spec["template"] = spec.get("template") or {}
    template["metadata"] = template.get("metadata") or {}
    template["spec"] = template.get("spec") or {}
    default_pod_spec(template["spec"])


def default_pod_spec(spec: Object) -> None:
    """What both Pods and templates get; what only Pods get is in core/pod/defaults."""
    _default(spec, "restartPolicy", "Always")
    _default(spec, "dnsPolicy", "ClusterFirst")
    _default(spec, "schedulerName", "default-scheduler")
    if spec.get("securityContext") is None:
        spec["securityContext"] = {}
    _default_grace_period(spec)
    _default_service_account(spec)
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(field) or []:
            default_container(container)
    for volume in spec.get("volumes") or []:
        _default_volume(volume)
    _default_resources(spec.get("resources"))
    default_resource_list(spec.get("overhead"))


def _default_grace_period(spec: Object) -> None:
    seconds = spec.get("terminationGracePeriodSeconds")
    if seconds is None:
        spec["terminationGracePeriodSeconds"] = 30
    elif seconds < 0:
        # A negative period means "now" but never skips SIGTERM.
        spec["terminationGracePeriodSeconds"] = 1


def _default_service_account(spec: Object) -> None:
    """`serviceAccount` is the deprecated alias; both always show the same name."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def default_container(container: Object) -> None:
    _default(container, "imagePullPolicy", _pull_policy(container.get("image") or ""))
    _default(container, "terminationMessagePath", "/dev/termination-log")
    _default(container, "terminationMessagePolicy", "File")
    if container.get("resources") is None:
        container["resources"] = {}
    _default_resources(container["resources"])
    for port in container.get("ports") or []:
        _default(port, "protocol", "TCP")
    for variable in container.get("env") or []:
        _default_source(variable.get("valueFrom"))
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name) is not None:
            _default_probe(container[name])
    for handler in (container.get("lifecycle") or {}).values():
        _default_handler(handler)


def _pull_policy(image: str) -> str:
    """Always for the tag `latest`, named or implied; a digest alone implies no tag."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2] or ("" if digest else "latest")
    return "Always" if tag == "latest" else "IfNotPresent"


def _default_resources(resources: Object | None) -> None:
    for field in ("requests", "limits"):
        default_resource_list((resources or {}).get(field))


def _default_source(source: Mapping[str, Any] | None) -> None:
    """Of an env variable or a downward API file."""
    if source and source.get("fieldRef") is not None:
        _default(source["fieldRef"], "apiVersion", "v1")
    resource = (source or {}).get("resourceFieldRef")
    if resource is not None:
        resource["divisor"] = canonical(resource.get("divisor") or 0)


def _default_probe(probe: Object) -> None:
    _default(probe, "timeoutSeconds", 1)
    _default(probe, "periodSeconds", 10)
    _default(probe, "successThreshold", 1)
    _default(probe, "failureThreshold", 3)
    _default_handler(probe)
    if probe.get("grpc") is not None and probe["grpc"].get("service") is None:
        probe["grpc"]["service"] = ""


def _default_handler(handler: Any) -> None:
    """Of a probe or a lifecycle hook."""
    request = handler.get("httpGet") if isinstance(handler, dict) else None
    if request is not None:
        _default(request, "path", "/")
        _default(request, "scheme", "HTTP")


def _default_volume(volume: Object) -> None:
    sources = [
        name
        for name, value in volume.items()
        if name not in _VOLUME_FIELDS_BESIDE_SOURCES and value is not None
    ]
    if not sources:
        volume["emptyDir"] = {}
    for name in sources:
        if name in _VOLUME_DEFAULTS:
            _VOLUME_DEFAULTS[name](volume[name])


def _default_mode(source: Object) -> None:
    if source.get("defaultMode") is None:
        source["defaultMode"] = _SHARED_FILE_MODE


def _default_downward_api(source: Object) -> None:
    _default_mode(source)
    for item in source.get("items") or []:
        _default_source(item)


def _default_projected(source: Object) -> None:
    _default_mode(source)
    for projection in source.get("sources") or []:
        token = projection.get("serviceAccountToken")
        if token is not None and token.get("expirationSeconds") is None:
            token["expirationSeconds"] = 3600
        for item in (projection.get("downwardAPI") or {}).get("items") or []:
            _default_source(item)


def _default_host_path(source: Object) -> None:
    if source.get("type") is None:
        source["type"] = ""


def _default_empty_dir(source: Object) -> None:
    if source.get("sizeLimit") is not None:
        source["sizeLimit"] = canonical(source["sizeLimit"])


def _default_ephemeral(source: Object) -> None:
    spec = (source.get("volumeClaimTemplate") or {}).get("spec")
    if spec is not None:
        _default(spec, "volumeMode", "Filesystem")
        _default_resources(spec.get("resources"))


def _default_image_volume(source: Object) -> None:
    _default(source, "pullPolicy", _pull_policy(source.get("reference") or ""))


def _default_iscsi(source: Object) -> None:
    _default(source, "iscsiInterface", "default")


def _default_rbd(source: Object) -> None:
    for field, value in (("pool", "rbd"), ("user", "admin"), ("keyring", "/etc/ceph/keyring")):
        _default(source, field, value)


_VOLUME_DEFAULTS: Mapping[str, Callable[[Object], None]] = {
    "secret": _default_mode,
    "configMap": _default_mode,
    "downwardAPI": _default_downward_api,
    "projected": _default_projected,
    "hostPath": _default_host_path,
    "emptyDir": _default_empty_dir,
    "ephemeral": _default_ephemeral,
    "image": _default_image_volume,
    "iscsi": _default_iscsi,
    "rbd": _default_rbd,
}


def _default(holder: Object, field: str, value: Any) -> None:
    """Zero values count as unset, as in Kubernetes' own defaulting of these fields."""
    if not holder.get(field):
        holder[field] = value
