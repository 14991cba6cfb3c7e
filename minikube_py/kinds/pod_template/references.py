"""Which ConfigMaps, Secrets and claims a pod uses: a change of one must find the pods that show it,
and the workloads that want to be rolled.

Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from minikube_py.meta.objects import Object, get_path

SourceKind = Literal["ConfigMap", "Secret"]
ReferenceKind = Literal["ConfigMap", "Secret", "PersistentVolumeClaim"]
Reference = tuple[ReferenceKind, str]
"""(kind, name) in the pod's namespace."""

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def references(pod: Object) -> frozenset[Reference]:
    """`pod` is a Pod or a template of one."""
    found: set[Reference] = set(content_references(pod))
    for volume in get_path(pod, "spec", "volumes", default=[]):
        found.update(_of_claims(volume, str(get_path(pod, "metadata", "name", default=""))))
    for secret in get_path(pod, "spec", "imagePullSecrets", default=[]):
        found.add(("Secret", secret.get("name", "")))
    return frozenset(found)


def content_references(pod: Object) -> frozenset[Reference]:
    """Those whose content its containers see, in files or variables."""
    return frozenset(reference for reference, _ in _content(pod))


def required_references(pod: Object) -> frozenset[Reference]:
    """Those of them without which a container does not start."""
    return frozenset(reference for reference, optional in _content(pod) if not optional)


def _content(pod: Object) -> Iterator[tuple[Reference, bool]]:
    """(reference, whether it is optional)."""
    for volume in get_path(pod, "spec", "volumes", default=[]):
        yield from _of_source(volume)
        for source in get_path(volume, "projected", "sources", default=[]):
            yield from _of_source(source)
    for field in _CONTAINERS:
        for container in get_path(pod, "spec", field, default=[]):
            yield from _of_environment(container)


def _of_source(source: Mapping[str, Any]) -> Iterator[tuple[Reference, bool]]:
    if config_map := source.get("configMap"):
        yield ("ConfigMap", config_map.get("name", "")), bool(config_map.get("optional"))
    if secret := source.get("secret"):
        name = secret.get("secretName") or secret.get("name", "")
        yield ("Secret", name), bool(secret.get("optional"))


def _of_claims(volume: Mapping[str, Any], pod_name: str) -> Iterator[Reference]:
    if claim := volume.get("persistentVolumeClaim"):
        yield "PersistentVolumeClaim", claim.get("claimName", "")
    if "ephemeral" in volume:
        yield "PersistentVolumeClaim", f"{pod_name}-{volume['name']}"


def _of_environment(container: Mapping[str, Any]) -> Iterator[tuple[Reference, bool]]:
    for source in container.get("envFrom") or []:
        yield from _of_refs(source, "configMapRef", "secretRef")
    for entry in container.get("env") or []:
        yield from _of_refs(entry.get("valueFrom") or {}, "configMapKeyRef", "secretKeyRef")


def _of_refs(
    source: Mapping[str, Any], config_map: str, secret: str
) -> Iterator[tuple[Reference, bool]]:
    if ref := source.get(config_map):
        yield ("ConfigMap", ref.get("name", "")), bool(ref.get("optional"))
    if ref := source.get(secret):
        yield ("Secret", ref.get("name", "")), bool(ref.get("optional"))
