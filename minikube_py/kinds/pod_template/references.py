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
    found = set(content_references(pod))
    for volume in get_path(pod, "spec", "volumes", default=[]):
        found.update(_of_claims(volume, str(get_path(pod, "metadata", "name", default=""))))
    for secret in get_path(pod, "spec", "imagePullSecrets", default=[]):
        found.add(("Secret", secret.get("name", "")))
    return frozenset(found)


def content_references(pod: Object) -> frozenset[Reference]:
    """Those whose content its containers see, in files or variables."""
    found: set[Reference] = set()
    for volume in get_path(pod, "spec", "volumes", default=[]):
        found.update(_of_source(volume))
        for source in get_path(volume, "projected", "sources", default=[]):
            found.update(_of_source(source))
    for field in _CONTAINERS:
        for container in get_path(pod, "spec", field, default=[]):
            found.update(_of_environment(container))
    return frozenset(found)


def _of_source(source: Mapping[str, Any]) -> Iterator[Reference]:
    if config_map := source.get("configMap"):
        yield "ConfigMap", config_map.get("name", "")
    if secret := source.get("secret"):
        yield "Secret", secret.get("secretName") or secret.get("name", "")


def _of_claims(volume: Mapping[str, Any], pod_name: str) -> Iterator[Reference]:
    if claim := volume.get("persistentVolumeClaim"):
        yield "PersistentVolumeClaim", claim.get("claimName", "")
    if "ephemeral" in volume:
        yield "PersistentVolumeClaim", f"{pod_name}-{volume['name']}"


def _of_environment(container: Mapping[str, Any]) -> Iterator[Reference]:
    for source in container.get("envFrom") or []:
        if ref := source.get("configMapRef"):
            yield "ConfigMap", ref.get("name", "")
        if ref := source.get("secretRef"):
            yield "Secret", ref.get("name", "")
    for entry in container.get("env") or []:
        if ref := get_path(entry, "valueFrom", "configMapKeyRef"):
            yield "ConfigMap", ref.get("name", "")
        if ref := get_path(entry, "valueFrom", "secretKeyRef"):
            yield "Secret", ref.get("name", "")
