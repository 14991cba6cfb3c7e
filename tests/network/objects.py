"""Services and EndpointSlices as tests write them."""

from typing import Any

from minikube_py.meta.objects import Object


def service(name: str, namespace: str = "default", **spec: Any) -> Object:
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
    body = {"clusterIP": "10.96.1.1", "ports": ports} | spec
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": body,
    }


def endpoint(
    ip: str, *, hostname: str | None = None, pod_uid: str | None = None, **conditions: bool
) -> Object:
    made: Object = {"addresses": [ip], "conditions": conditions}
    if hostname:
        made["hostname"] = hostname
    if pod_uid:
        made["targetRef"] = {"kind": "Pod", "name": pod_uid, "uid": pod_uid}
    return made


def endpoint_slice(
    service_name: str,
    *endpoints: Object,
    namespace: str = "default",
    port: int = 8080,
    port_name: str = "http",
    protocol: str = "TCP",
) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service_name}-abcde",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service_name},
        },
        "addressType": "IPv4",
        "endpoints": list(endpoints),
        "ports": [{"name": port_name, "port": port, "protocol": protocol}],
    }
