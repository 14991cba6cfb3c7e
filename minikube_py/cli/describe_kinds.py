"""Workloads, Services, Ingresses, claims, nodes, configuration: one short function a kind."""

import base64
from collections.abc import Callable, Iterable

from minikube_py.cli.describe_page import Page
from minikube_py.cli.describe_pod import describe_pod, describe_template
from minikube_py.cli.readiness import readiness
from minikube_py.meta.objects import Object, controller_of, get_path
from minikube_py.meta.selectors import format_label_selector

Fetch = Callable[[str, dict[str, str]], list[Object]]
"""(path, query) → the items listed there, or nothing."""


def describe_workload(page: Page, obj: Object, _fetch: Fetch) -> None:
    page.head(obj)
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    page.row("Selector", format_label_selector(spec.get("selector")))
    page.row("State", readiness(obj).why)
    counts = {
        "desired": spec.get("replicas", status.get("desiredNumberScheduled")),
        "updated": status.get("updatedReplicas", status.get("updatedNumberScheduled")),
        "total": status.get("replicas", status.get("currentNumberScheduled")),
        "ready": status.get("readyReplicas", status.get("numberReady")),
        "available": status.get("availableReplicas", status.get("numberAvailable")),
    }
    if obj.get("kind") == "ReplicaSet":  # its Pods are never updated
        del counts["updated"]
    shown = [f"{int(value or 0)} {word}" for word, value in counts.items()]
    page.row("Replicas", " | ".join(shown))
    strategy = spec.get("strategy") or spec.get("updateStrategy")
    if strategy:
        rolling = strategy.get("rollingUpdate") or {}
        detail = ", ".join(f"{key} {value}" for key, value in rolling.items())
        page.row("Strategy", f"{strategy.get('type')}{f' ({detail})' if detail else ''}")
    page.row("Service Name", spec.get("serviceName") or None)
    page.row("Paused", spec.get("paused"))
    owner = controller_of(obj)
    if owner:
        page.row("Controlled By", f"{owner['kind']}/{owner['name']}")
    describe_template(page, spec.get("template") or {})
    for claim in spec.get("volumeClaimTemplates") or []:
        page.row("Volume Claim", f"{claim['metadata']['name']} {_size(claim)}")
    page.conditions(obj)


def describe_service(page: Page, service: Object, fetch: Fetch) -> None:
    page.head(service)
    spec = service.get("spec") or {}
    page.pairs("Selector", spec.get("selector") or {})
    page.row("Type", spec.get("type"))
    page.row("IP", spec.get("clusterIP") or "<none>")
    page.row("External Name", spec.get("externalName"))
    outside = get_path(service, "status", "loadBalancer", "ingress", default=[])
    page.row("LoadBalancer", _addresses(outside) or None)
    metadata = service["metadata"]
    slices = fetch(
        f"/apis/discovery.k8s.io/v1/namespaces/{metadata['namespace']}/endpointslices",
        {"labelSelector": f"kubernetes.io/service-name={metadata['name']}"},
    )
    rows = [["Name", "Port", "Target", "NodePort", "Endpoints"]]
    rows += [_port_row(port, slices) for port in spec.get("ports") or []]
    page.table("Ports", rows)
    page.row("Session Affinity", spec.get("sessionAffinity"))
    page.row("Traffic Policy", spec.get("internalTrafficPolicy"))


def _port_row(port: Object, slices: Iterable[Object]) -> list[str]:
    return [
        port.get("name") or "<unset>",
        f"{port.get('port')}/{port.get('protocol', 'TCP')}",
        str(port.get("targetPort", port.get("port"))),
        str(port.get("nodePort") or "<none>"),
        ",".join(_endpoints(slices, port)) or "<none>",
    ]


def _endpoints(slices: Iterable[Object], port: Object) -> list[str]:
    found = []
    for one in slices:
        for known in one.get("ports") or []:
            if (known.get("name") or "") != (port.get("name") or ""):
                continue
            for endpoint in one.get("endpoints") or []:
                if (endpoint.get("conditions") or {}).get("ready") is not False:
                    found += [f"{ip}:{known.get('port')}" for ip in endpoint.get("addresses") or []]
    return found


def describe_ingress(page: Page, ingress: Object, _fetch: Fetch) -> None:
    page.head(ingress)
    spec = ingress.get("spec") or {}
    where = get_path(ingress, "status", "loadBalancer", "ingress", default=[])
    page.row("Address", _addresses(where) or "<none>")
    page.row("Ingress Class", spec.get("ingressClassName") or "<none>")
    page.row("Default backend", _backend(spec.get("defaultBackend")))
    for tls in spec.get("tls") or []:
        secret = tls.get("secretName") or "a certificate of mk's own CA"
        page.row("TLS", f"{secret} terminates {', '.join(tls.get('hosts') or []) or 'all hosts'}")
    rows = [["Host", "Path", "Type", "Backend"]]
    for rule in spec.get("rules") or []:
        rows += [_path_row(rule, path) for path in get_path(rule, "http", "paths", default=[])]
    page.table("Rules", rows)


def _path_row(rule: Object, path: Object) -> list[str]:
    return [
        rule.get("host") or "*",
        path.get("path") or "/",
        path.get("pathType", ""),
        _backend(path.get("backend")),
    ]


def _backend(backend: Object | None) -> str:
    service = (backend or {}).get("service") or {}
    if not service:
        return "<default>"
    port = service.get("port") or {}
    return f"{service.get('name')}:{port.get('name') or port.get('number')}"


def describe_config(page: Page, obj: Object, _fetch: Fetch) -> None:
    """ConfigMaps in full; of Secrets only how long each value is."""
    page.head(obj)
    page.row("Type", obj.get("type"))
    page.row("Immutable", obj.get("immutable"))
    page.title("Data")
    for key, value in sorted((obj.get("data") or {}).items()):
        if obj.get("kind") == "Secret":
            page.row(key, f"{len(base64.b64decode(value))} bytes", 1)
        elif "\n" in value:
            page.title(key, 1)
            for line in value.splitlines():
                page.text(line, 2)
        else:
            page.row(key, value, 1)
    for key, value in sorted((obj.get("binaryData") or {}).items()):
        page.row(key, f"{len(base64.b64decode(value))} bytes (binary)", 1)


def describe_claim(page: Page, claim: Object, fetch: Fetch) -> None:
    page.head(claim)
    spec = claim.get("spec") or {}
    page.row("Status", get_path(claim, "status", "phase"))
    page.row("Volume", spec.get("volumeName") or "<none>")
    page.row("StorageClass", spec.get("storageClassName") or "<none>")
    page.row("Requested", _size(claim))
    page.row("Capacity", get_path(claim, "status", "capacity", "storage"))
    page.row("Access Modes", ", ".join(spec.get("accessModes") or []))
    pods = fetch(f"/api/v1/namespaces/{claim['metadata']['namespace']}/pods", {})
    users = [pod["metadata"]["name"] for pod in pods if _uses(pod, claim["metadata"]["name"])]
    page.row("Used By", ", ".join(users) or "<none>")
    page.conditions(claim)


def describe_volume(page: Page, volume: Object, _fetch: Fetch) -> None:
    page.head(volume, namespaced=False)
    spec = volume.get("spec") or {}
    page.row("Status", get_path(volume, "status", "phase"))
    claim = spec.get("claimRef") or {}
    page.row("Claim", f"{claim.get('namespace')}/{claim.get('name')}" if claim else "<none>")
    page.row("Reclaim Policy", spec.get("persistentVolumeReclaimPolicy"))
    page.row("Capacity", get_path(spec, "capacity", "storage"))
    page.row("Access Modes", ", ".join(spec.get("accessModes") or []))
    page.row("StorageClass", spec.get("storageClassName") or "<none>")


def describe_node(page: Page, node: Object, fetch: Fetch) -> None:
    page.head(node, namespaced=False)
    taints = get_path(node, "spec", "taints", default=[])
    page.row("Taints", ", ".join(f"{t.get('key')}:{t.get('effect')}" for t in taints) or "<none>")
    page.row("Pod CIDR", get_path(node, "spec", "podCIDR"))
    for address in get_path(node, "status", "addresses", default=[]):
        page.row(address.get("type", "Address"), address.get("address"))
    page.conditions(node)
    for word in ("capacity", "allocatable"):
        values = get_path(node, "status", word, default={})
        page.row(word.capitalize(), ", ".join(f"{k} {v}" for k, v in values.items()))
    info = get_path(node, "status", "nodeInfo", default={})
    for field in ("osImage", "kernelVersion", "containerRuntimeVersion", "kubeletVersion"):
        page.row(field, info.get(field))
    rows = [["Namespace", "Name", "Phase"]]
    query = {"fieldSelector": f"spec.nodeName={node['metadata']['name']}"}
    for pod in fetch("/api/v1/pods", query):
        metadata = pod["metadata"]
        rows.append([metadata["namespace"], metadata["name"], get_path(pod, "status", "phase")])
    page.table(f"Pods ({len(rows) - 1})", rows)


def describe_generic(page: Page, obj: Object, _fetch: Fetch) -> None:
    """Any kind: its fields as they are, less what the head says."""
    page.head(obj)
    for name, value in obj.items():
        if name not in ("metadata", "apiVersion", "kind"):
            _tree(page, name, value, 0)


def _tree(page: Page, name: str, value: object, level: int) -> None:
    label = name[:1].upper() + name[1:]
    if isinstance(value, dict):
        page.title(label, level)
        for key, child in value.items():
            _tree(page, str(key), child, level + 1)
    elif isinstance(value, list) and any(isinstance(child, (dict, list)) for child in value):
        page.title(label, level)
        for index, child in enumerate(value):
            _tree(page, f"[{index}]", child, level + 1)
    elif isinstance(value, list):
        page.row(label, ", ".join(map(str, value)) or "<none>", level)
    else:
        page.row(label, value, level)


def _pod(page: Page, pod: Object, _fetch: Fetch) -> None:
    describe_pod(page, pod)


def _size(claim: Object) -> str:
    return str(get_path(claim, "spec", "resources", "requests", "storage", default="<none>"))


def _uses(pod: Object, claim: str) -> bool:
    return any(
        get_path(volume, "persistentVolumeClaim", "claimName") == claim
        for volume in get_path(pod, "spec", "volumes", default=[])
    )


def _addresses(entries: list[Object]) -> str:
    return ", ".join(str(entry.get("ip") or entry.get("hostname")) for entry in entries)


DESCRIBERS: dict[str, Callable[[Page, Object, Fetch], None]] = {
    "Pod": _pod,
    "Deployment": describe_workload,
    "StatefulSet": describe_workload,
    "ReplicaSet": describe_workload,
    "DaemonSet": describe_workload,
    "Service": describe_service,
    "Ingress": describe_ingress,
    "ConfigMap": describe_config,
    "Secret": describe_config,
    "PersistentVolumeClaim": describe_claim,
    "PersistentVolume": describe_volume,
    "Node": describe_node,
}
