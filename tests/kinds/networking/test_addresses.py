from typing import Any

import pytest

from minikube_py.kinds.catalog import IP_ADDRESS, SERVICE_CIDR
from tests.kinds.examples import GONE, altered, errors_of_change, errors_with, example
from tests.kinds.test_columns import cells


def test_the_name_of_an_address_is_the_address() -> None:
    problem = IP_ADDRESS.name_problem
    assert problem is not None

    assert problem("10.96.0.1") is None
    assert problem("2001:db8::1") is None
    assert problem("2001:DB8::1") == 'must be in canonical form ("2001:db8::1")'
    assert problem("web") == "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("spec.parentRef", GONE, "spec.parentRef: Required value"),
        ("spec.parentRef.resource", "", "spec.parentRef.resource: Required value"),
        ("spec.parentRef.name", "", "spec.parentRef.name: Required value"),
        (
            "spec.parentRef.namespace",
            "a/b",
            "spec.parentRef.namespace: Invalid value: \"a/b\": may not contain '/'",
        ),
    ],
)
def test_an_address_is_somebodys(path: str, value: Any, error: str) -> None:
    assert errors_with(IP_ADDRESS, path, value) == [error]


def test_an_address_stays_whose_it_is() -> None:
    (error,) = errors_of_change(IP_ADDRESS, "spec.parentRef.name", "other")

    assert error.startswith("spec.parentRef: Invalid value")
    assert error.endswith("field is immutable")


def test_the_table_shows_whose_an_address_is() -> None:
    gateway = altered(example(IP_ADDRESS), "spec.parentRef.group", "example.com")

    assert cells(IP_ADDRESS, example(IP_ADDRESS))["PARENTREF"] == "services/default/kubernetes"
    assert cells(IP_ADDRESS, gateway)["PARENTREF"] == "services.example.com/default/kubernetes"


@pytest.mark.parametrize(
    ("cidrs", "error"),
    [
        ([], "spec.cidrs: Required value: at least one CIDR required"),
        (
            ["10.0.0.0/16", "10.1.0.0/16"],
            'spec.cidrs: Invalid value: ["10.0.0.0/16","10.1.0.0/16"]: may specify no more than '
            "one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
        ),
        (
            ["10.0.0.0/16", "2001:db8::/64", "10.1.0.0/16"],
            'spec.cidrs: Invalid value: ["10.0.0.0/16","2001:db8::/64","10.1.0.0/16"]: may only '
            "hold up to 2 values",
        ),
        (
            ["10.0.0.1/16"],
            'spec.cidrs[0]: Invalid value: "10.0.0.1/16": must be in canonical form '
            '("10.0.0.0/16")',
        ),
        (
            ["all"],
            'spec.cidrs[0]: Invalid value: "all": must be a valid CIDR value, (e.g. 10.9.8.0/24 or '
            "2001:db8::/64)",
        ),
    ],
)
def test_ranges_are_one_of_each_family(cidrs: list[str], error: str) -> None:
    assert errors_with(SERVICE_CIDR, "spec.cidrs", cidrs) == [error]


def test_the_other_family_may_join_and_nothing_else() -> None:
    both = ["10.0.0.0/16", "2001:db8::/64"]

    assert errors_of_change(SERVICE_CIDR, "spec.cidrs", both) == []
    assert errors_of_change(SERVICE_CIDR, "spec.cidrs", ["10.1.0.0/16"]) == [
        'spec.cidrs: Invalid value: ["10.1.0.0/16"]: field is immutable'
    ]
    shown = altered(example(SERVICE_CIDR), "spec.cidrs", both)
    assert cells(SERVICE_CIDR, shown)["CIDRS"] == "10.0.0.0/16,2001:db8::/64"
