"""The Node object this kubelet answers for: what it is made of, and when it is well. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from minikube_py.container_runtime.interface import ImageInfo, RuntimeInfo
from minikube_py.kinds.dev_annotations import LOGICAL_NODE
from minikube_py.kubelet.pressure import PRESSURES, pressure_condition
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import format_micro_time, format_time

HEARTBEAT_SECONDS = 10.0
LEASE_SECONDS = 40
ZONE = "mk.dev/zone"
"""Marks the Nodes whose topology labels are from `mk up --zones`, not from a user's hand."""
ZONE_LABEL = "topology.kubernetes.io/zone"
REGION_LABEL = "topology.kubernetes.io/region"
_REGION = "local"
_MAX_IMAGES = 50
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class NodeFacts:
    """What is measured on the host; `problem`: why the engine does not answer, "" when it does. The
    node is the `number`th of the `share` that have the host among them.
    """

    name: str
    host_ip: str
    version: str
    info: RuntimeInfo
    max_pods: int
    disk_bytes: int
    pod_cidr: str = ""
    machine_id: str = ""
    boot_id: str = ""
    images: tuple[ImageInfo, ...] = ()
    problem: str = ""
    number: int = 1
    share: int = 1
    zone: str = ""
    pressures: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)


def new_node(facts: NodeFacts) -> Object:
    """Without status: `node_status` gives that."""
    spec: Object = {}
    if facts.pod_cidr:
        spec = {"podCIDR": facts.pod_cidr, "podCIDRs": [facts.pod_cidr]}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": facts.name,
            "labels": node_labels(facts),
            "annotations": node_annotations(facts),
        },
        "spec": spec,
    }


def node_labels(facts: NodeFacts) -> dict[str, str]:
    architecture = _architecture(facts.info)
    role = {"node-role.kubernetes.io/control-plane": ""} if facts.number == 1 else {}
    zone = {ZONE_LABEL: facts.zone, REGION_LABEL: _REGION} if facts.zone else {}
    return {
        "beta.kubernetes.io/arch": architecture,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "kubernetes.io/hostname": facts.name,
        "kubernetes.io/os": "linux",
        **role,
        **zone,
        **facts.labels,
    }


def node_annotations(facts: NodeFacts) -> dict[str, str]:
    zone = {ZONE: facts.zone} if facts.zone else {}
    return {LOGICAL_NODE: f"{facts.number} of {facts.share}", **zone}


def bring_up_to_date(node: Object, facts: NodeFacts) -> None:
    """What an earlier run wrote; labels and annotations of users stay."""
    metadata = node["metadata"]
    labels = dict(metadata.get("labels") or {})
    annotations = dict(metadata.get("annotations") or {})
    if annotations.pop(ZONE, ""):
        labels.pop(ZONE_LABEL, None)
        labels.pop(REGION_LABEL, None)
    metadata["labels"] = {**labels, **node_labels(facts)}
    metadata["annotations"] = {**annotations, **node_annotations(facts)}
    spec = node.setdefault("spec", {})
    if not spec.get("podCIDR"):  # it never changes
        spec.update(new_node(facts)["spec"])


def allocatable(facts: NodeFacts) -> dict[str, str]:
    """All of it: mk keeps nothing back for itself. Nodes that share a host have equal parts of it,
    so that what they promise together is there.
    """
    milli = facts.info.cpus * 1000 // facts.share
    return {
        "cpu": str(milli // 1000) if milli % 1000 == 0 else f"{milli}m",
        "ephemeral-storage": f"{facts.disk_bytes // 1024 // facts.share}Ki",
        "memory": f"{facts.info.memory_bytes // 1024 // facts.share}Ki",
        "pods": str(facts.max_pods),
    }


def node_status(facts: NodeFacts, before: Mapping[str, Any], now: datetime) -> Object:
    """`before` is the status as it stands: transition times are kept where nothing changed."""
    own = allocatable(facts)
    return {
        **before,
        "addresses": [
            {"type": "InternalIP", "address": facts.host_ip},
            {"type": "Hostname", "address": facts.name},
        ],
        "allocatable": {**_extended(before.get("allocatable")), **own},
        "capacity": {**_extended(before.get("capacity")), **own},
        "conditions": _conditions(facts, before.get("conditions") or [], now),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
        "images": _images(facts.images),
        "nodeInfo": _node_info(facts),
    }


def _extended(amounts: Mapping[str, str] | None) -> dict[str, str]:
    """What somebody else says the node has: `example.com/gpu`."""
    return {name: amount for name, amount in (amounts or {}).items() if "/" in name}


def lease(node: Object, now: datetime) -> Object:
    """The heartbeat, as made for the first time."""
    name = node["metadata"]["name"]
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": name,
            "namespace": "kube-node-lease",
            "ownerReferences": [
                {
                    "apiVersion": "v1",
                    "kind": "Node",
                    "name": name,
                    "uid": node["metadata"].get("uid", ""),
                }
            ],
        },
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": format_micro_time(now),
        },
    }


def _conditions(
    facts: NodeFacts, before: Iterable[Mapping[str, Any]], now: datetime
) -> list[Object]:
    old = {condition.get("type"): condition for condition in before}
    wanted = [
        (type_, str(type_ in facts.pressures), *pressure_condition(type_, facts.pressures))
        for type_ in PRESSURES
    ]
    if facts.problem:
        wanted.append(("Ready", "False", "KubeletNotReady", facts.problem))
    else:
        wanted.append(("Ready", "True", "KubeletReady", "kubelet is posting ready status"))
    own = [_condition(*values, old.get(values[0]), format_time(now)) for values in wanted]
    names = {condition["type"] for condition in own}
    return [*(dict(c) for type_, c in old.items() if type_ not in names), *own]


def _condition(
    type_: str, status: str, reason: str, message: str, old: Mapping[str, Any] | None, now: str
) -> Object:
    same = old is not None and old.get("status") == status
    return {
        "type": type_,
        "status": status,
        "lastHeartbeatTime": now,
        "lastTransitionTime": (old or {}).get("lastTransitionTime", now) if same else now,
        "reason": reason,
        "message": message,
    }


def _images(images: Iterable[ImageInfo]) -> list[Object]:
    """The largest, as kubelet reports them."""
    largest = sorted(images, key=lambda image: image.size_bytes, reverse=True)[:_MAX_IMAGES]
    return [
        {"names": [*image.digests, *image.tags], "sizeBytes": image.size_bytes}
        for image in largest
        if image.tags or image.digests
    ]


def _node_info(facts: NodeFacts) -> Object:
    info = facts.info
    return {
        "architecture": _architecture(info),
        "bootID": facts.boot_id,
        "containerRuntimeVersion": f"{info.name}://{info.version}",
        "kernelVersion": info.kernel,
        "kubeProxyVersion": facts.version,
        "kubeletVersion": facts.version,
        "machineID": facts.machine_id,
        "operatingSystem": "linux",
        "osImage": info.operating_system,
        "systemUUID": facts.machine_id,
    }


def _architecture(info: RuntimeInfo) -> str:
    return _ARCHITECTURES.get(info.architecture, info.architecture)
