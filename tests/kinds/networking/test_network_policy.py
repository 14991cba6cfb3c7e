from typing import Any

import pytest

from minikube_py.kinds.catalog import NETWORK_POLICY
from minikube_py.meta.objects import Object
from tests.kinds.builders import creation_errors
from tests.kinds.examples import altered, errors_with, example
from tests.kinds.test_columns import cells

FROM = "spec.ingress[0].from[0]"
PORT = "spec.ingress[0].ports[0]"


def _defaulted(**spec: Any) -> Object:
    made = altered(example(NETWORK_POLICY), "spec", {"podSelector": {}, **spec})
    NETWORK_POLICY.default(made)
    return made


def test_a_policy_is_about_what_comes_in_and_about_what_goes_out_if_it_says_so() -> None:
    assert _defaulted()["spec"]["policyTypes"] == ["Ingress"]
    assert _defaulted(egress=[{}])["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert _defaulted(policyTypes=["Egress"])["spec"]["policyTypes"] == ["Egress"]
    ports = [{"port": 53}, {"port": 53, "protocol": "UDP"}]
    made = _defaulted(egress=[{"ports": ports}])["spec"]["egress"][0]["ports"]
    assert [port["protocol"] for port in made] == ["TCP", "UDP"]


@pytest.mark.parametrize(
    ("port", "error"),
    [
        (
            {"protocol": "ICMP"},
            '.protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
        ),
        ({"port": 0}, ".port: Invalid value: 0: must be between 1 and 65535, inclusive"),
        (
            {"port": "-"},
            '.port: Invalid value: "-": must contain at least one letter (a-z)',
        ),
        (
            {"port": 90, "endPort": 80},
            ".endPort: Invalid value: 90: must be greater than or equal to `port`",
        ),
        (
            {"port": 90, "endPort": 70000},
            ".endPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            {"port": "http", "endPort": 80},
            ".endPort: Invalid value: 80: may not be specified when `port` is non-numeric",
        ),
        (
            {"endPort": 80},
            ".endPort: Invalid value: 80: may not be specified when `port` is not specified",
        ),
    ],
)
def test_ports_are_numbers_names_or_ranges(port: Any, error: str) -> None:
    assert errors_with(NETWORK_POLICY, "spec.ingress.0.ports.0", port) == [PORT + error]


@pytest.mark.parametrize(
    ("peer", "error"),
    [
        ({}, ": Required value: must specify a peer"),
        (
            {"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}},
            ": Forbidden: may not specify both ipBlock and another peer",
        ),
        ({"ipBlock": {}}, ".ipBlock.cidr: Required value"),
        (
            {"ipBlock": {"cidr": "10.0.0.0/33"}},
            '.ipBlock.cidr: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. '
            "10.9.8.0/24 or 2001:db8::/64)",
        ),
        (
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}},
            '.ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
        ),
        (
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}},
            '.ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
        ),
        (
            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}},
            ".namespaceSelector.matchExpressions[0].operator: Invalid value: "
            '"Is": not a valid selector operator',
        ),
    ],
)
def test_peers_are_pods_or_addresses(peer: Any, error: str) -> None:
    made = altered(example(NETWORK_POLICY), "spec.ingress.0.from", [peer])

    assert creation_errors(NETWORK_POLICY, made) == [FROM + error]


def test_what_goes_out_is_checked_alike() -> None:
    assert errors_with(NETWORK_POLICY, "spec.egress", [{"to": [{}]}]) == [
        "spec.egress[0].to[0]: Required value: must specify a peer"
    ]
    block = {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}
    assert errors_with(NETWORK_POLICY, "spec.egress", [{"to": [block]}]) == []


def test_there_are_two_types() -> None:
    assert errors_with(NETWORK_POLICY, "spec.policyTypes", ["Ingress", "Up"]) == [
        'spec.policyTypes[1]: Unsupported value: "Up": supported values: "Egress", "Ingress"'
    ]
    (error,) = errors_with(NETWORK_POLICY, "spec.policyTypes", ["Ingress", "Egress", "Ingress"])
    assert error.endswith("may not specify more than two policyTypes")


def test_the_table_shows_whom_it_is_about() -> None:
    web = _defaulted(podSelector={"matchLabels": {"app": "web"}})

    assert cells(NETWORK_POLICY, web) == {"NAME": "a", "POD-SELECTOR": "app=web", "AGE": "90s"}
    assert cells(NETWORK_POLICY, _defaulted())["POD-SELECTOR"] == "<none>"
