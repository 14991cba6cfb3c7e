from typing import Any

import pytest

from minikube_py.kinds.catalog import CSI_DRIVER, CSI_NODE, CSI_STORAGE_CAPACITY
from tests.kinds.examples import GONE, altered, errors_of_change, errors_with, example
from tests.kinds.test_columns import cells

DRIVER = {"name": "d.example.com", "nodeID": "1"}


def test_a_driver_gets_defaults() -> None:
    made = example(CSI_DRIVER)

    CSI_DRIVER.default(made)

    assert made["spec"] == {
        "attachRequired": True,
        "fsGroupPolicy": "ReadWriteOnceWithFSType",
        "podInfoOnMount": False,
        "requiresRepublish": False,
        "seLinuxMount": False,
        "storageCapacity": False,
        "volumeLifecycleModes": ["Persistent"],
    }


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (
            "fsGroupPolicy",
            "Always",
            'fsGroupPolicy: Unsupported value: "Always": supported values: "File", "None", '
            '"ReadWriteOnceWithFSType"',
        ),
        (
            "volumeLifecycleModes",
            ["Eternal"],
            'volumeLifecycleModes: Unsupported value: "Eternal": supported values: "Ephemeral", '
            '"Persistent"',
        ),
        (
            "tokenRequests",
            [{"audience": "a"}, {"audience": "a"}],
            'tokenRequests[1].audience: Duplicate value: "a"',
        ),
        (
            "tokenRequests",
            [{"audience": "a", "expirationSeconds": 60}],
            "tokenRequests[0].expirationSeconds: Invalid value: 60: may not specify a duration "
            "less than 10 minutes",
        ),
        (
            "tokenRequests",
            [{"audience": "a", "expirationSeconds": 1 << 33}],
            "tokenRequests[0].expirationSeconds: Invalid value: 8589934592: may not specify a "
            "duration larger than 2^32 seconds",
        ),
        (
            "nodeAllocatableUpdatePeriodSeconds",
            5,
            "nodeAllocatableUpdatePeriodSeconds: Invalid value: 5: must be greater than or equal "
            "to 10 seconds",
        ),
    ],
)
def test_what_a_driver_may_say(path: str, value: Any, error: str) -> None:
    assert errors_with(CSI_DRIVER, f"spec.{path}", value) == [f"spec.{error}"]


def test_how_a_driver_attaches_stays() -> None:
    assert errors_of_change(CSI_DRIVER, "spec.attachRequired", False) == [
        "spec.attachRequired: Invalid value: false: field is immutable"
    ]
    assert errors_of_change(CSI_DRIVER, "spec.volumeLifecycleModes", ["Ephemeral"]) == [
        'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable'
    ]
    assert errors_of_change(CSI_DRIVER, "spec.podInfoOnMount", True) == []


def test_the_table_of_drivers_shows_what_they_want() -> None:
    tokens = [{"audience": "a"}, {"audience": "b"}]
    made = altered(example(CSI_DRIVER), "spec.tokenRequests", tokens)
    CSI_DRIVER.default(made)

    assert list(cells(CSI_DRIVER, made).values()) == [
        "a",
        True,
        False,
        False,
        "a,b",
        False,
        "Persistent",
        "90s",
    ]
    assert cells(CSI_DRIVER, example(CSI_DRIVER))["TOKENREQUESTS"] == "<unset>"


@pytest.mark.parametrize(
    ("driver", "error"),
    [
        ({"name": "", "nodeID": "1"}, "spec.drivers[0].name: Required value"),
        (
            {"name": "a" * 64, "nodeID": "1"},
            "spec.drivers[0].name: Too long: may not be more than 63 bytes",
        ),
        ({"name": "d", "nodeID": ""}, "spec.drivers[0].nodeID: Required value"),
        (
            {**DRIVER, "allocatable": {"count": -1}},
            "spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal "
            "to 0",
        ),
        (
            {**DRIVER, "topologyKeys": ["zone", "zone"]},
            'spec.drivers[0]: Duplicate value: "zone"',
        ),
    ],
)
def test_what_a_driver_on_a_node_must_say(driver: Any, error: str) -> None:
    assert errors_with(CSI_NODE, "spec.drivers", [driver]) == [error]


def test_names_and_ids_on_nodes_have_their_rules() -> None:
    (name,) = errors_with(CSI_NODE, "spec.drivers.0.name", "a b")
    (node,) = errors_with(CSI_NODE, "spec.drivers.0.nodeID", "x" * 257)
    (key,) = errors_with(CSI_NODE, "spec.drivers.0.topologyKeys", ["a b"])

    assert name.startswith('spec.drivers[0].name: Invalid value: "a b"')
    assert node.endswith("must be 256 characters or less")
    assert key.startswith('spec.drivers[0]: Invalid value: "a b"')
    assert errors_with(CSI_NODE, "spec.drivers.1", DRIVER) == [
        'spec.drivers[1].name: Duplicate value: "d.example.com"'
    ]


def test_only_how_many_volumes_a_driver_takes_may_change() -> None:
    assert errors_of_change(CSI_NODE, "spec.drivers.0.allocatable", {"count": 5}) == []
    assert errors_of_change(CSI_NODE, "spec.drivers.0.nodeID", "2") == [
        'spec.drivers: Invalid value: {"name":"d.example.com","nodeID":"2"}: field is immutable'
    ]
    assert cells(CSI_NODE, example(CSI_NODE))["DRIVERS"] == 1


def test_what_is_left_is_said_of_a_class() -> None:
    made = example(CSI_STORAGE_CAPACITY)
    CSI_STORAGE_CAPACITY.default(made)

    assert cells(CSI_STORAGE_CAPACITY, made) == {
        "NAME": "a",
        "STORAGECLASSNAME": "fast",
        "CAPACITY": "1Gi",
    }
    unknown = altered(example(CSI_STORAGE_CAPACITY), "capacity", GONE)
    assert cells(CSI_STORAGE_CAPACITY, unknown)["CAPACITY"] == "<unset>"


def test_what_is_left_may_change_and_of_what_may_not() -> None:
    assert errors_with(CSI_STORAGE_CAPACITY, "capacity", "-1Gi") == [
        'capacity: Invalid value: "-1Gi": must be greater than or equal to 0'
    ]
    (error,) = errors_with(CSI_STORAGE_CAPACITY, "storageClassName", "A")
    assert error.startswith('storageClassName: Invalid value: "A"')
    assert errors_of_change(CSI_STORAGE_CAPACITY, "storageClassName", "slow") == [
        'storageClassName: Invalid value: "slow": field is immutable'
    ]
    assert errors_of_change(CSI_STORAGE_CAPACITY, "nodeTopology", {"matchLabels": {"a": "b"}}) == [
        'nodeTopology: Invalid value: {"matchLabels":{"a":"b"}}: field is immutable'
    ]
