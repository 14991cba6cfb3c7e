"""Which address the name in a proxied path means."""

import pytest

from minikube_py.apiserver.proxy.location import (
    Location,
    Reference,
    node_location,
    parse_reference,
    pod_location,
    service_location,
)
from minikube_py.meta.errors import ApiError, BadRequest, ServiceUnavailable
from minikube_py.meta.objects import Object


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("web", Reference("", "web", ""), id="name"),
        pytest.param("web:80", Reference("", "web", "80"), id="port"),
        pytest.param("https:web:", Reference("https", "web", ""), id="scheme"),
        pytest.param(":web:http", Reference("", "web", "http"), id="port-name"),
    ],
)
def test_names_may_have_a_scheme_and_a_port(text: str, expected: Reference) -> None:
    assert parse_reference(text, "pod") == expected


@pytest.mark.parametrize("text", ["", ":80", "ftp:web:80", "a:b:c:d"])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="invalid pod request"):
        parse_reference(text, "pod")


def pod(ip: str = "10.0.0.9") -> Object:
    ports = [{"name": "http", "containerPort": 8080}]
    return {
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "a"}, {"name": "b", "ports": ports}]},
        "status": {"podIP": ip} if ip else {},
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("web", Location("http", "10.0.0.9", 8080), id="first-declared"),
        pytest.param("https:web:443", Location("https", "10.0.0.9", 443), id="given"),
        pytest.param("web:http", Location("http", "10.0.0.9", 8080), id="by-name"),
    ],
)
def test_a_pod_is_its_address(name: str, expected: Location) -> None:
    assert pod_location(pod(), parse_reference(name, "pod")) == expected


@pytest.mark.parametrize(
    ("ip", "name", "error"),
    [
        pytest.param("", "web", ServiceUnavailable, id="no-address-yet"),
        pytest.param("127.0.0.1", "web", BadRequest, id="loopback"),
        pytest.param("169.254.169.254", "web", BadRequest, id="link-local"),
        pytest.param("10.0.0.9", "web:99999", BadRequest, id="no-such-port"),
        pytest.param("10.0.0.9", "web:none", BadRequest, id="no-such-name"),
        pytest.param("example.com", "web", BadRequest, id="no-ip-address"),
    ],
)
def test_addresses_that_no_pod_may_have_are_refused(
    ip: str, name: str, error: type[ApiError]
) -> None:
    with pytest.raises(error):
        pod_location(pod(ip), parse_reference(name, "pod"))


def test_the_address_of_a_pod_that_has_ended_may_be_anothers() -> None:
    ended = pod()
    ended["status"]["phase"] = "Succeeded"

    with pytest.raises(ServiceUnavailable, match="has ended"):
        pod_location(ended, parse_reference("web", "pod"))


SERVICE: Object = {
    "metadata": {"name": "web"},
    "spec": {"ports": [{"name": "http", "port": 80}, {"name": "admin", "port": 81}]},
}


def endpoints(*, ready: bool | None) -> Object:
    return {
        "ports": [{"name": "http", "port": 8080}],
        "endpoints": [{"addresses": ["10.0.0.9"], "conditions": {"ready": ready}}],
    }


@pytest.mark.parametrize("name", ["web:http", "web:80"])
@pytest.mark.parametrize("ready", [True, None])
def test_a_service_is_one_of_its_ready_endpoints(name: str, ready: bool | None) -> None:
    found = service_location(
        SERVICE,
        [endpoints(ready=False), endpoints(ready=ready)],
        parse_reference(name, "service"),
    )

    assert found == Location("http", "10.0.0.9", 8080)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("web:http", 'no endpoints available for service "web:http"', id="not-ready"),
        pytest.param("web:81", "no endpoints available", id="none-of-that-port"),
        pytest.param("web:99", 'no service port 99 found for service "web"', id="no-port"),
        pytest.param("web", 'no endpoints available for service "web"', id="port-has-a-name"),
    ],
)
def test_a_service_without_a_ready_endpoint_is_unavailable(name: str, message: str) -> None:
    with pytest.raises(ServiceUnavailable, match=message):
        service_location(SERVICE, [endpoints(ready=False)], parse_reference(name, "service"))


def test_a_node_is_its_internal_address() -> None:
    addresses = [
        {"type": "Hostname", "address": "n"},
        {"type": "InternalIP", "address": "10.0.0.1"},
    ]

    found = node_location({"status": {"addresses": addresses}}, Reference("", "n", "9100"))

    assert found == Location("http", "10.0.0.1", 9100)
    with pytest.raises(ServiceUnavailable):
        node_location({}, Reference("", "n", "9100"))
    with pytest.raises(BadRequest, match="must be a number"):
        node_location({}, Reference("", "n", "http"))
