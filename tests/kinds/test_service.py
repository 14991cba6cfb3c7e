from typing import Any

import pytest

from minikube_py.kinds.catalog import ENDPOINT_SLICE, ENDPOINTS, SERVICE
from tests.kinds.builders import creation_errors, of, service, update_errors

LOOPBACK = "may not be in the loopback range (127.0.0.0/8, ::1/128)"


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"clusterIP": "None", "ports": []},
        {"clusterIP": "10.0.0.1"},
        {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]},
        {"type": "ExternalName", "externalName": "example.com.", "ports": []},
        {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]},
        {"ports": [{"port": 53, "name": "a"}, {"port": 53, "protocol": "UDP", "name": "b"}]},
        {"sessionAffinity": "ClientIP"},
    ],
)
def test_good_services(spec: dict[str, Any]) -> None:
    assert creation_errors(SERVICE, service(**spec)) == []


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        ({"type": "x"}, "spec.type", 'Unsupported value: "x"'),
        ({"ports": []}, "spec.ports", "Required value"),
        ({"ports": [{"port": 0}]}, "spec.ports[0].port", "Invalid value: 0: must be between 1"),
        (
            {"ports": [{"port": 80}, {"port": 81}]},
            "spec.ports[0].name",
            "Required value",
        ),
        (
            {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]},
            "spec.ports[1].name",
            'Duplicate value: "a"',
        ),
        (
            {"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]},
            "spec.ports[1]",
            'Duplicate value: {"port":80,"protocol":"TCP"}',
        ),
        (
            {"ports": [{"port": 80, "targetPort": 70000}]},
            "spec.ports[0].targetPort",
            "Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            {"ports": [{"port": 80, "appProtocol": "a b"}]},
            "spec.ports[0].appProtocol",
            'Invalid value: "a b"',
        ),
        (
            {"ports": [{"port": 80, "nodePort": 30000}]},
            "spec.ports[0].nodePort",
            "Forbidden: may not be used when `type` is 'ClusterIP'",
        ),
        (
            {
                "type": "NodePort",
                "ports": [
                    {"port": 80, "name": "a", "nodePort": 30000},
                    {"port": 81, "name": "b", "nodePort": 30000},
                ],
            },
            "spec.ports[1].nodePort",
            "Duplicate value: 30000",
        ),
        ({"selector": {"a b": "c"}}, "spec.selector", 'Invalid value: "a b"'),
        (
            {"clusterIP": "x"},
            "spec.clusterIPs[0]",
            'Invalid value: "x": must be a valid IP address',
        ),
        (
            {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.2"]},
            "spec.clusterIPs",
            'Invalid value: ["10.0.0.2"]: first value must match `clusterIP`',
        ),
        (
            {"type": "NodePort", "clusterIP": "None"},
            "spec.clusterIPs[0]",
            "Invalid value: \"None\": may not be set to 'None' for NodePort services",
        ),
        (
            {"type": "ExternalName", "externalName": "a", "clusterIP": "10.0.0.1"},
            "spec.clusterIPs",
            "Forbidden: may not be set for ExternalName services",
        ),
        ({"type": "ExternalName"}, "spec.externalName", "Required value"),
        ({"type": "ExternalName", "externalName": "A"}, "spec.externalName", 'Invalid value: "A"'),
        (
            {"loadBalancerClass": "a/b"},
            "spec.loadBalancerClass",
            "Forbidden: may only be used when `type` is 'LoadBalancer'",
        ),
        (
            {"allocateLoadBalancerNodePorts": True},
            "spec.allocateLoadBalancerNodePorts",
            "Forbidden: may only be used when `type` is 'LoadBalancer'",
        ),
        (
            {"type": "LoadBalancer", "loadBalancerSourceRanges": ["x"]},
            "spec.loadBalancerSourceRanges[0]",
            'Invalid value: "x": must be a valid CIDR value',
        ),
        ({"sessionAffinity": "x"}, "spec.sessionAffinity", 'Unsupported value: "x"'),
        (
            {
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}},
            },
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
            "Invalid value: 0: must be greater than 0 and less than 86400",
        ),
        ({"externalIPs": ["x"]}, "spec.externalIPs[0]", 'Invalid value: "x"'),
        (
            {"externalIPs": ["127.0.0.1"]},
            "spec.externalIPs[0]",
            f'Invalid value: "127.0.0.1": {LOOPBACK}',
        ),
        ({"internalTrafficPolicy": "x"}, "spec.internalTrafficPolicy", 'Unsupported value: "x"'),
        (
            {"externalTrafficPolicy": "Local"},
            "spec.externalTrafficPolicy",
            'Invalid value: "Local": may only be set for externally-accessible services',
        ),
        ({"trafficDistribution": "x"}, "spec.trafficDistribution", 'Unsupported value: "x"'),
        ({"ipFamilies": ["x"]}, "spec.ipFamilies[0]", 'Unsupported value: "x"'),
        ({"ipFamilyPolicy": "x"}, "spec.ipFamilyPolicy", 'Unsupported value: "x"'),
    ],
)
def test_a_bad_service_is_refused(spec: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(SERVICE, service(**spec))

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


def test_the_address_of_a_service_stays() -> None:
    old, new = service(clusterIP="10.0.0.1"), service(clusterIP="10.0.0.2")

    assert update_errors(SERVICE, new, old) == [
        'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set'
    ]
    assert update_errors(SERVICE, old, old) == []


def test_a_service_that_becomes_a_name_gives_up_what_only_addresses_need() -> None:
    old = service(clusterIP="10.0.0.1")
    SERVICE.default(old)
    new = service(**{**old["spec"], "type": "ExternalName", "externalName": "a.b"})

    SERVICE.prepare(new, old)

    assert set(new["spec"]) >= {"type", "externalName"}
    assert not set(new["spec"]) & {"ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"}


def test_a_node_port_service_that_turns_inward_gives_up_its_outer_policy() -> None:
    old = service(type="NodePort")
    SERVICE.default(old)
    new = service(**{**old["spec"], "type": "ClusterIP"})
    outside = service(**{**old["spec"], "type": "ClusterIP", "externalIPs": ["1.2.3.4"]})

    SERVICE.prepare(new, old)
    SERVICE.prepare(outside, old)

    assert "externalTrafficPolicy" not in new["spec"]
    assert outside["spec"]["externalTrafficPolicy"] == "Cluster"


def test_services_are_chosen_by_type_and_address() -> None:
    fields = SERVICE.selectable_fields(service(type="ClusterIP", clusterIP="10.0.0.1"))

    assert fields == {"spec.type": "ClusterIP", "spec.clusterIP": "10.0.0.1"}


def test_a_service_name_starts_with_a_letter() -> None:
    assert SERVICE.name_problem is not None
    assert SERVICE.name_problem("1a")


@pytest.mark.parametrize(
    ("subset", "path", "message"),
    [
        ({}, "", "Required value: must specify `addresses` or `notReadyAddresses`"),
        ({"addresses": [{"ip": "x"}]}, ".addresses[0].ip", 'Invalid value: "x"'),
        ({"addresses": [{"ip": "127.0.0.1"}]}, ".addresses[0].ip", 'Invalid value: "127.0.0.1"'),
        (
            {"notReadyAddresses": [{"ip": "1.1.1.1", "hostname": "A"}]},
            ".notReadyAddresses[0].hostname",
            'Invalid value: "A"',
        ),
        (
            {"addresses": [{"ip": "1.1.1.1"}], "ports": [{"port": 1}, {"port": 2, "name": "A"}]},
            ".ports[0].name",
            "Required value",
        ),
        (
            {"addresses": [{"ip": "1.1.1.1"}], "ports": [{"port": 0}]},
            ".ports[0].port",
            "Invalid value: 0",
        ),
    ],
)
def test_bad_endpoints_are_refused(subset: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(ENDPOINTS, of(ENDPOINTS, subsets=[subset]))

    assert any(error.startswith(f"subsets[0]{path}: {message}") for error in errors), errors


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"addressType": ""}, "addressType", "Required value"),
        ({"endpoints": [{}]}, "endpoints[0].addresses", "Required value: must contain at least 1"),
        (
            {"endpoints": [{"addresses": ["::1"]}]},
            "endpoints[0].addresses[0]",
            'Invalid value: "::1"',
        ),
        (
            {"endpoints": [{"addresses": ["127.0.0.1"]}]},
            "endpoints[0].addresses[0]",
            "Invalid value",
        ),
        (
            {"endpoints": [{"addresses": ["1.1.1.1"] * 101}]},
            "endpoints[0].addresses",
            "Too many: 101",
        ),
        ({"endpoints": [{"addresses": ["1.1.1.1"]}] * 1001}, "endpoints", "Too many: 1001"),
        (
            {"endpoints": [{"addresses": ["1.1.1.1"], "hostname": "A"}]},
            "endpoints[0].hostname",
            'Invalid value: "A"',
        ),
        (
            {"endpoints": [{"addresses": ["1.1.1.1"], "nodeName": "A"}]},
            "endpoints[0].nodeName",
            'Invalid value: "A"',
        ),
        ({"endpoints": [{"addresses": ["x"]}]}, "endpoints[0].addresses[0]", 'Invalid value: "x"'),
        ({"ports": [{}, {}]}, "ports[1].name", 'Duplicate value: ""'),
        ({"ports": [{"name": "A"}]}, "ports[0].name", 'Invalid value: "A"'),
        ({"ports": [{"port": 0}]}, "ports[0].port", "Invalid value: 0"),
        ({"ports": [{"appProtocol": "a b"}]}, "ports[0].appProtocol", 'Invalid value: "a b"'),
        ({"ports": [{}] * 20001}, "ports", "Too many: 20001: must have at most 20000 items"),
    ],
)
def test_a_bad_slice_is_refused(fields: dict[str, Any], path: str, message: str) -> None:
    obj = of(ENDPOINT_SLICE, **{"addressType": "IPv4", "endpoints": [], **fields})

    errors = creation_errors(ENDPOINT_SLICE, obj)

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors[:3]


def test_the_type_of_a_slice_stays() -> None:
    old = of(ENDPOINT_SLICE, addressType="FQDN", endpoints=[{"addresses": ["a.b"]}])
    new = {**old, "addressType": "IPv4", "endpoints": []}

    assert update_errors(ENDPOINT_SLICE, new, old) == [
        'addressType: Invalid value: "IPv4": field is immutable'
    ]


def test_a_good_slice_has_ports_with_and_without_numbers() -> None:
    endpoints = [{"addresses": ["1.1.1.1"], "hostname": "a", "nodeName": "b.c"}]
    ports = [{"port": 80, "appProtocol": "http"}, {"name": "any"}]
    obj = of(ENDPOINT_SLICE, addressType="IPv4", endpoints=endpoints, ports=ports)
    unknown_type = {**obj, "addressType": "x"}

    assert creation_errors(ENDPOINT_SLICE, obj) == []
    assert creation_errors(ENDPOINT_SLICE, unknown_type)[0].startswith("addressType: Unsupported")


def test_the_addresses_of_a_slice_of_names_are_names() -> None:
    good = of(ENDPOINT_SLICE, addressType="FQDN", endpoints=[{"addresses": ["a.b"]}])
    bad = of(ENDPOINT_SLICE, addressType="FQDN", endpoints=[{"addresses": ["A"]}])

    assert creation_errors(ENDPOINT_SLICE, good) == []
    assert creation_errors(ENDPOINT_SLICE, bad)[0].startswith(
        'endpoints[0].addresses[0]: Invalid value: "A": a lowercase RFC 1123 subdomain'
    )
