from typing import Any

import pytest

from minikube_py.meta.objects import Key
from minikube_py.network.endpoints import Endpoint
from minikube_py.network.service_proxy.targets import Mode, ProxySettings, service_ports
from tests.network.objects import endpoint, endpoint_slice, service

SETTINGS = ProxySettings("10.96.0.0/16")


def port(**fields: Any) -> dict[str, Any]:
    return {"port": 80, "protocol": "TCP", **fields}


def path_of(
    mode: Mode = "auto", annotation: str = "", *, kernel: bool = True, **fields: Any
) -> str:
    body = service("web", ports=[port(**fields)])
    if annotation:
        body["metadata"]["annotations"] = {"mk.dev/service-proxy": annotation}
    settings = ProxySettings("10.96.0.0/16", mode=mode, kernel=kernel)
    (found,) = service_ports(body, [], settings)
    return found.path


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": "http"}, "http"),
        ({"name": "http-admin"}, "http"),
        ({"appProtocol": "http"}, "http"),
        ({"appProtocol": "HTTP", "name": "web"}, "http"),
        ({"name": "https"}, "kernel"),
        ({"name": "http2"}, "kernel"),
        ({"name": "http", "appProtocol": "kubernetes.io/h2c"}, "kernel"),
        ({"name": "http", "protocol": "UDP"}, "kernel"),
        ({}, "kernel"),
    ],
)
def test_a_port_takes_the_http_path_only_when_it_declares_http(
    fields: dict[str, Any], path: str
) -> None:
    assert path_of(**fields) == path


def test_a_service_may_choose_its_path_against_the_default() -> None:
    assert path_of(annotation="kernel", name="http") == "kernel"
    assert path_of(annotation="userspace") == "userspace"
    assert path_of("kernel", "http", name="anything") == "http"
    assert path_of("kernel", "auto", name="http") == "http"
    assert path_of(annotation="nonsense", name="http") == "http"


def test_http_as_the_default_leaves_alone_what_declares_something_else() -> None:
    assert path_of("http") == "http"
    assert path_of("http", name="postgres") == "kernel"
    assert path_of("http", protocol="UDP") == "kernel"


def test_without_nftables_the_daemon_relays() -> None:
    assert path_of(kernel=False) == "userspace"
    assert path_of("kernel", kernel=False) == "userspace"
    assert path_of(kernel=False, name="http") == "http"


def test_ready_pods_of_every_slice_answer_and_others_do_not() -> None:
    slices = [
        endpoint_slice("web", endpoint("10.0.0.2", ready=True), endpoint("10.0.0.1")),
        endpoint_slice("web", endpoint("10.0.0.3", ready=False, serving=False), port=9090),
        endpoint_slice("web", endpoint("10.0.0.4", ready=True), port_name="other"),
    ]

    (found,) = service_ports(service("web"), slices, SETTINGS)

    assert found.endpoints == (Endpoint("10.0.0.1", 8080), Endpoint("10.0.0.2", 8080))


def test_pods_that_leave_still_serve_when_no_other_is_ready() -> None:
    leaving = endpoint("10.0.0.1", ready=False, serving=True, terminating=True)
    slices = [endpoint_slice("web", leaving, endpoint("10.0.0.2", ready=False))]

    (found,) = service_ports(service("web"), slices, SETTINGS)

    assert found.endpoints == (Endpoint("10.0.0.1", 8080),)


@pytest.mark.parametrize(
    "spec",
    [
        {"clusterIP": "None"},
        {"clusterIP": ""},
        {"type": "ExternalName", "externalName": "a.example"},
        {"clusterIP": "fd00::1"},
    ],
)
def test_services_without_an_address_of_ours_need_no_proxy(spec: dict[str, Any]) -> None:
    assert service_ports(service("web", **spec), [], SETTINGS) == ()


def test_reserved_addresses_are_left_alone_and_local_targets_relayed() -> None:
    settings = ProxySettings(
        "10.96.0.0/16",
        reserved=frozenset({"10.96.0.10"}),
        local=((Key("default/kubernetes"), Endpoint("127.0.0.1", 6443)),),
    )

    assert service_ports(service("dns", clusterIP="10.96.0.10"), [], settings) == ()
    (found,) = service_ports(service("kubernetes"), [], settings)
    assert (found.path, found.endpoints) == ("userspace", (Endpoint("127.0.0.1", 6443),))


def test_affinity_node_ports_and_external_addresses_are_seen() -> None:
    body = service(
        "web",
        ports=[port(nodePort=30080)],
        externalIPs=["192.0.2.7", "fd00::1"],
        sessionAffinity="ClientIP",
        sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}},
    )

    (found,) = service_ports(body, [], SETTINGS)

    assert found.addresses == ("10.96.1.1", "192.0.2.7")
    assert (found.node_port, found.affinity_seconds) == (30080, 60)
