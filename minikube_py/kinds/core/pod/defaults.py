"""Defaults that only Pods get; templates stay without them (SetDefaults_Pod)."""

from minikube_py.kinds.pod_template import default_pod_spec
from minikube_py.kinds.pod_template.pod_resources import default_pod_resources
from minikube_py.meta.objects import Object


def default_pod(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    default_pod_spec(spec)
    if spec.get("enableServiceLinks") is None:
        spec["enableServiceLinks"] = True
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or []:
            _default_requests(container)
            if spec.get("hostNetwork"):
                _default_host_ports(container)
    default_pod_resources(spec)


def _default_requests(container: Object) -> None:
    """A limit without a request is the request as well."""
    limits = container["resources"].get("limits")
    if limits:
        requests = container["resources"].get("requests") or {}
        container["resources"]["requests"] = {**limits, **requests}


def _default_host_ports(container: Object) -> None:
    for port in container.get("ports") or []:
        if not port.get("hostPort") and port.get("containerPort"):
            port["hostPort"] = port["containerPort"]
