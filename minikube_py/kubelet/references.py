"""Which ConfigMaps, Secrets and claims a pod uses: a change of one must find the pods that show it.

Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from minikube_py.kubelet.podspec import members
from minikube_py.meta.objects import Object, get_path

SourceKind = Literal["ConfigMap", "Secret"]
ReferenceKind = Literal["ConfigMap", "Secret", "PersistentVolumeClaim"]
Reference = tuple[ReferenceKind, str]
"""(kind, name) in the pod's namespace."""


def references(pod: Object) -> frozenset[Reference]:
    found = set(_of_volumes(pod))
    for member in members(pod):
        found.update(_of_environment(member.container))
    for secret in get_path(pod, "spec", "imagePullSecrets", default=[]):
        found.add(("Secret", secret.get("name", "")))
    return frozenset(found)


def _of_volumes(pod: Object) -> Iterator[Reference]:
    for volume in get_path(pod, "spec", "volumes", default=[]):
        yield from _of_source(volume)
        for source in get_path(volume, "projected", "sources", default=[]):
            yield from _of_source(source)


def _of_source(source: Mapping[str, Any]) -> Iterator[Reference]:
    if config_map := source.get("configMap"):
        yield "ConfigMap", config_map.get("name", "")
    if secret := source.get("secret"):
        yield "Secret", secret.get("secretName") or secret.get("name", "")
    if claim := source.get("persistentVolumeClaim"):
        yield "PersistentVolumeClaim", claim.get("claimName", "")


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
