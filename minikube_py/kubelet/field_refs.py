"""Fields of the pod that environment variables and downwardAPI files may show. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from minikube_py.kubelet.podspec import member
from minikube_py.meta.objects import Object, annotations_of, get_path, labels_of
from minikube_py.meta.quantity import parse_quantity

_SUBSCRIPT = re.compile(r"metadata\.(?P<what>labels|annotations)\['(?P<key>.*)'\]")
_PATHS = {
    "metadata.name": ("metadata", "name"),
    "metadata.namespace": ("metadata", "namespace"),
    "metadata.uid": ("metadata", "uid"),
    "spec.nodeName": ("spec", "nodeName"),
    "spec.serviceAccountName": ("spec", "serviceAccountName"),
}


class BadFieldRef(Exception):
    """The message names the field and is fit for a container's status."""


@dataclass(frozen=True)
class PodPlace:
    """Where the pod runs. `allocatable` stands in for limits a container does not set."""

    host_ip: str
    pod_ip: str = ""
    allocatable: Mapping[str, str] | None = None


def field_value(pod: Object, path: str, place: PodPlace) -> str:
    """What `fieldRef.fieldPath` stands for; raises BadFieldRef for one that is not supported."""
    if path in _PATHS:
        return str(get_path(pod, *_PATHS[path], default=""))
    if path in ("status.hostIP", "status.hostIPs"):
        return place.host_ip
    if path in ("status.podIP", "status.podIPs"):
        return place.pod_ip
    if path in ("metadata.labels", "metadata.annotations"):
        return _all_pairs(labels_of(pod) if path.endswith("labels") else annotations_of(pod))
    if match := _SUBSCRIPT.fullmatch(path):
        values = labels_of(pod) if match["what"] == "labels" else annotations_of(pod)
        return values.get(match["key"], "")
    raise BadFieldRef(f"fieldPath {path!r} is not supported")


def needs_address(path: str) -> bool:
    return path in ("status.podIP", "status.podIPs")


def resource_value(
    pod: Object, ref: Mapping[str, Any], place: PodPlace, own: Mapping[str, Any] | None = None
) -> str:
    """What a resourceFieldRef stands for, divided and rounded up; `own` is the container that asks,
    when the reference names none.
    """
    container = _container_of(pod, ref, own)
    which, _, resource = str(ref.get("resource", "")).partition(".")
    if which not in ("limits", "requests") or not resource:
        raise BadFieldRef(f"resource {ref.get('resource')!r} is not supported")
    amounts = get_path(container, "resources", which, default={})
    amount = amounts.get(resource)
    if amount is None and which == "limits":
        amount = (place.allocatable or {}).get(resource)
    divisor = parse_quantity(ref.get("divisor") or "1") or Decimal(1)
    value = parse_quantity(amount or "0") / divisor
    return str(int(value.to_integral_value(rounding=ROUND_CEILING)))


def _container_of(
    pod: Object, ref: Mapping[str, Any], own: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    name = ref.get("containerName")
    if not name and own is not None:
        return own
    found = member(pod, str(name))
    if found is None:
        raise BadFieldRef(f"container {name!r} not found in the pod")
    return found.container


def _all_pairs(values: Mapping[str, str]) -> str:
    """`key="value"` lines, sorted, the value quoted as Go quotes it."""
    return "\n".join(f"{key}={_quoted(values[key])}" for key in sorted(values))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") + '"'
