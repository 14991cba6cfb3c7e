"""A Pod in detail, and the Pod template of a workload."""

import json
from typing import Any

from minikube_py.cli.describe_page import START_TRACE, Page
from minikube_py.cli.readiness import pod_problem, pod_state
from minikube_py.meta.objects import Object, annotations_of, controller_of, get_path, labels_of

_SOURCES = {
    "configMap": ("ConfigMap", "name"),
    "secret": ("Secret", "secretName"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
    "hostPath": ("HostPath", "path"),
    "emptyDir": ("EmptyDir", "medium"),
    "projected": ("Projected", ""),
    "downwardAPI": ("DownwardAPI", ""),
    "nfs": ("NFS", "server"),
    "csi": ("CSI", "driver"),
    "ephemeral": ("Ephemeral", ""),
}

_STEPS = (
    "schedule",
    "watch",
    "sandbox",
    "network",
    "volumes",
    "create",
    "start",
    "status",
    "total",
)


def describe_pod(page: Page, pod: Object) -> None:
    page.head(pod)
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    page.row("Status", pod_state(pod))
    page.row("Problem", pod_problem(pod))
    page.row(
        "Node",
        f"{spec['nodeName']}/{status.get('hostIP', '')}" if spec.get("nodeName") else "<none>",
    )
    page.row("IP", status.get("podIP") or "<none>")
    owner = controller_of(pod)
    if owner:
        page.row("Controlled By", f"{owner['kind']}/{owner['name']}")
    page.row("Service Account", spec.get("serviceAccountName"))
    page.row("Priority Class", spec.get("priorityClassName"))
    page.row("QoS Class", status.get("qosClass"))
    page.row("Grace Period", f"{spec.get('terminationGracePeriodSeconds', 30)}s")
    _containers(
        page, "Init Containers", spec.get("initContainers"), status.get("initContainerStatuses")
    )
    _containers(page, "Containers", spec.get("containers"), status.get("containerStatuses"))
    page.conditions(pod)
    _start(page, pod)
    _volumes(page, spec)
    page.pairs("Node-Selectors", spec.get("nodeSelector") or {})
    tolerations = [_toleration(one) for one in spec.get("tolerations") or []]
    page.row("Tolerations", "; ".join(tolerations) or "<none>")


def _start(page: Page, pod: Object) -> None:
    """Where the time of its start went. Some steps happen side by side, so they exceed the total;
    an annotation that somebody rewrote is not shown.
    """
    try:
        steps = json.loads(annotations_of(pod).get(START_TRACE, "{}"))
        rows = [[step, f"{int(steps[step])} ms"] for step in _STEPS if step in steps]
    except (ValueError, TypeError):
        return
    if rows:
        page.table("Start", [["Step", "Took"], *rows])


def describe_template(page: Page, template: Object) -> None:
    spec = template.get("spec") or {}
    page.title("Pod Template")
    page.pairs("Labels", labels_of(template), 1)
    annotations = get_path(template, "metadata", "annotations")
    if annotations:
        page.pairs("Annotations", annotations, 1)
    page.row("Service Account", spec.get("serviceAccountName"), 1)
    _containers(page, "Init Containers", spec.get("initContainers"), None, 1)
    _containers(page, "Containers", spec.get("containers"), None, 1)
    _volumes(page, spec, 1)


def _containers(
    page: Page,
    title: str,
    containers: list[Object] | None,
    statuses: list[Object] | None,
    level: int = 0,
) -> None:
    if not containers:
        return
    page.title(title, level)
    found = {status["name"]: status for status in statuses or []}
    for container in containers:
        page.title(container["name"], level + 1)
        _container(page, container, found.get(container["name"]), level + 2)


def _container(page: Page, container: Object, status: Object | None, level: int) -> None:
    page.row("Image", container.get("image"), level)
    if status:
        page.row("Container ID", status.get("containerID") or None, level)
        page.row("Image ID", status.get("imageID") or None, level)
    ports = [_port(port) for port in container.get("ports") or []]
    page.row("Ports", ", ".join(ports) or None, level)
    for word in ("command", "args"):
        if container.get(word):
            page.row(word.capitalize(), " ".join(map(str, container[word])), level)
    if status:
        _state(page, "State", status.get("state") or {}, level)
        if status.get("lastState"):
            _state(page, "Last State", status["lastState"], level)
        page.row("Ready", status.get("ready"), level)
        page.row("Restart Count", status.get("restartCount"), level)
    for word in ("limits", "requests"):
        values = get_path(container, "resources", word)
        if values:
            page.row(word.capitalize(), ", ".join(f"{k} {v}" for k, v in values.items()), level)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        if container.get(probe):
            page.row(probe.removesuffix("Probe").capitalize(), _probe(container[probe]), level)
    _environment(page, container, level)
    _mounts(page, container, level)


def _port(port: Object) -> str:
    host = f" (host {port['hostPort']})" if port.get("hostPort") else ""
    name = f"{port['name']} " if port.get("name") else ""
    return f"{name}{port.get('containerPort')}/{port.get('protocol', 'TCP')}{host}"


def _state(page: Page, label: str, state: Object, level: int) -> None:
    for word, detail in state.items():
        page.row(label, word.capitalize(), level)
        for name in ("reason", "message", "exitCode", "signal", "startedAt", "finishedAt"):
            value = (detail or {}).get(name)
            if value is not None and value != "":
                page.row(name[0].upper() + name[1:], value, level + 1)


def _probe(probe: Object) -> str:
    if "exec" in probe:
        what = "exec " + " ".join(probe["exec"].get("command") or [])
    elif "httpGet" in probe:
        get = probe["httpGet"]
        what = f"{get.get('scheme', 'HTTP').lower()}-get :{get.get('port')}{get.get('path', '/')}"
    elif "tcpSocket" in probe:
        what = f"tcp :{probe['tcpSocket'].get('port')}"
    else:
        what = f"grpc :{get_path(probe, 'grpc', 'port')}"
    return (
        f"{what} delay={probe.get('initialDelaySeconds', 0)}s"
        f" timeout={probe.get('timeoutSeconds', 1)}s"
        f" period={probe.get('periodSeconds', 10)}s #success={probe.get('successThreshold', 1)}"
        f" #failure={probe.get('failureThreshold', 3)}"
    )


def _environment(page: Page, container: Object, level: int) -> None:
    sources = container.get("envFrom") or []
    if sources:
        page.title("Environment Variables from", level)
        for source in sources:
            kind = "ConfigMap" if "configMapRef" in source else "Secret"
            reference = source.get("configMapRef") or source.get("secretRef") or {}
            page.text(f"{reference.get('name')} ({kind})", level + 1)
    if container.get("env"):
        page.title("Environment", level)
        for variable in container["env"]:
            page.row(variable["name"], _variable(variable), level + 1)


def _variable(variable: Object) -> str:
    source = variable.get("valueFrom")
    if not source:
        return str(variable.get("value", ""))
    for word, kind in (("secretKeyRef", "secret"), ("configMapKeyRef", "config map")):
        if word in source:
            reference = source[word]
            return f"<set to the key '{reference.get('key')}' in {kind} '{reference.get('name')}'>"
    path = get_path(source, "fieldRef", "fieldPath") or get_path(
        source, "resourceFieldRef", "resource"
    )
    return f"({path})"


def _mounts(page: Page, container: Object, level: int) -> None:
    mounts = container.get("volumeMounts") or []
    if not mounts:
        return
    page.title("Mounts", level)
    for mount in mounts:
        mode = "ro" if mount.get("readOnly") else "rw"
        path = f", path={mount['subPath']}" if mount.get("subPath") else ""
        page.text(f"{mount.get('mountPath')} from {mount.get('name')} ({mode}{path})", level + 1)


def _volumes(page: Page, spec: Object, level: int = 0) -> None:
    volumes = spec.get("volumes") or []
    if not volumes:
        page.row("Volumes", "<none>", level)
        return
    page.title("Volumes", level)
    for volume in volumes:
        page.row(str(volume.get("name")), _volume(volume), level + 1)


def _volume(volume: Object) -> str:
    for word, (kind, field) in _SOURCES.items():
        if word in volume:
            source: Any = volume[word] or {}
            detail = source.get(field) if field else ""
            return f"{kind} {detail or ''}".strip()
    return next((word for word in volume if word != "name"), "EmptyDir")


def _toleration(toleration: Object) -> str:
    text = str(toleration.get("key", ""))
    if toleration.get("value"):
        text += f"={toleration['value']}"
    text += f":{toleration['effect']}" if toleration.get("effect") else ""
    text += " op=Exists" if toleration.get("operator") == "Exists" else ""
    seconds = toleration.get("tolerationSeconds")
    return text.strip() + (f" for {seconds}s" if seconds is not None else "")
