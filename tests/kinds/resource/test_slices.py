from typing import Any

import pytest

from minikube_py.kinds.catalog import DEVICE_TAINT_RULE, RESOURCE_SLICE
from minikube_py.meta.objects import Object
from tests.kinds.examples import GONE, altered, errors_of_change, errors_with, example
from tests.kinds.test_columns import cells

ONE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
TAINT = {"key": "broken", "effect": "NoSchedule"}
DEVICE = "spec.devices[0]"


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("driver", GONE, "spec.driver: Required value"),
        ("pool.name", "", "spec.pool.name: Required value"),
        (
            "pool.name",
            "x" * 254,
            "spec.pool.name: Too long: may not be more than 253 bytes",
        ),
        ("driver", "x" * 64, "spec.driver: Too long: may not be more than 63 bytes"),
        (
            "perDeviceNodeSelection",
            False,
            "spec.perDeviceNodeSelection: Invalid value: false: must be either unset or set to "
            "true",
        ),
        (
            "devices.0.attributes",
            {"d.example.com/": {"int": 1}},
            f'{DEVICE}.attributes: Invalid value: "": the name must not be empty',
        ),
        (
            "devices.0.attributes",
            {"x" * 33: {"int": 1}},
            f"{DEVICE}.attributes: Too long: may not be more than 32 bytes",
        ),
        (
            "pool.resourceSliceCount",
            0,
            "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
        ),
        (
            "pool.generation",
            -1,
            "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero",
        ),
        ("nodeName", GONE, f"spec: Required value: {ONE}"),
        (
            "allNodes",
            True,
            f'spec: Invalid value: "{{`nodeName`, `allNodes`}}": {ONE}, but multiple fields are '
            "set",
        ),
        (
            "allNodes",
            False,
            "spec.allNodes: Invalid value: false: must be either unset or set to true",
        ),
        (
            "sharedCounters",
            [{"name": "a", "counters": {"b": {"value": "1"}}}],
            'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed',
        ),
        ("devices.0.name", "", f"{DEVICE}.name: Required value"),
        (
            "devices.0.attributes",
            {"a": {}},
            f'{DEVICE}.attributes[a]: Invalid value: "": exactly one value must be specified',
        ),
        (
            "devices.0.attributes",
            {"a": {"version": "1.2"}},
            f'{DEVICE}.attributes[a].version: Invalid value: "1.2": must be a string compatible '
            "with semver.org spec 2.0.0",
        ),
        (
            "devices.0.attributes",
            {"a": {"string": "x" * 65}},
            f"{DEVICE}.attributes[a].string: Too long: may not be more than 64 bytes",
        ),
        (
            "devices.0.attributes",
            {"/a": {"int": 1}},
            f'{DEVICE}.attributes: Invalid value: "": the domain must not be empty',
        ),
        (
            "devices.0.capacity",
            {f"c{number}": {"value": "1"} for number in range(32)},
            f"{DEVICE}: Invalid value: 33: the total number of attributes and capacities must not "
            "exceed 32",
        ),
        (
            "devices.0.taints",
            [{"key": "a", "effect": "Never"}],
            f'{DEVICE}.taints[0].effect: Unsupported value: "Never": supported values: '
            '"NoExecute", "NoSchedule", "None"',
        ),
        (
            "devices.0.consumesCounters",
            [{"counterSet": "a"}],
            f"{DEVICE}.consumesCounters[0].counters: Required value",
        ),
        (
            "devices.0.nodeName",
            "mk",
            f"{DEVICE}: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be "
            "set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec",
        ),
        ("devices.1", {"name": "gpu-0"}, 'spec.devices[1].name: Duplicate value: "gpu-0"'),
        (
            "devices",
            [{"name": f"d{number}", "taints": [TAINT]} for number in range(65)],
            "spec.devices: Too many: 65: must have at most 64 items",
        ),
    ],
)
def test_what_a_slice_must_say(path: str, value: Any, error: str) -> None:
    assert errors_with(RESOURCE_SLICE, f"spec.{path}", value) == [error]


def test_names_of_attributes_are_identifiers() -> None:
    (error,) = errors_with(RESOURCE_SLICE, "spec.devices.0.attributes", {"a-b": {"int": 1}})

    assert error.startswith(f'{DEVICE}.attributes: Invalid value: "a-b": a valid C identifier')
    named = {"d.example.com/a": {"version": "1.2.3-rc.1+x"}, "b": {"bool": False}}
    assert errors_with(RESOURCE_SLICE, "spec.devices.0.attributes", named) == []


def test_each_device_may_choose_its_nodes() -> None:
    slice_ = altered(example(RESOURCE_SLICE), "spec.nodeName", GONE)
    slice_["spec"]["perDeviceNodeSelection"] = True

    def errors(**fields: Any) -> list[str]:
        slice_["spec"]["devices"] = [{"name": "a", **fields}]
        return [str(error) for error in RESOURCE_SLICE.validate_create(slice_)]

    assert errors(allNodes=True) == []
    assert errors()[0].startswith(f"{DEVICE}: Required value: exactly one of")
    assert errors(allNodes=True, nodeName="mk")[0].startswith(f"{DEVICE}: Invalid value")


def test_a_slice_selects_nodes_by_one_term() -> None:
    term = {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}
    slice_ = altered(example(RESOURCE_SLICE), "spec.nodeName", GONE)

    def errors(*terms: Object) -> list[str]:
        selected = altered(slice_, "spec.nodeSelector", {"nodeSelectorTerms": list(terms)})
        return [str(error) for error in RESOURCE_SLICE.validate_create(selected)]

    assert errors(term) == []
    (error,) = errors(term, term)
    assert error.endswith("must have exactly one node selector term")


def test_what_a_slice_is_of_stays() -> None:
    for path in ("pool.name", "driver", "nodeName"):
        assert errors_of_change(RESOURCE_SLICE, f"spec.{path}", "other") == [
            f'spec.{path}: Invalid value: "other": field is immutable'
        ]


def test_slices_are_found_and_shown_by_node_and_driver() -> None:
    made = example(RESOURCE_SLICE)

    assert RESOURCE_SLICE.selectable_fields(made) == {
        "spec.nodeName": "mk",
        "spec.driver": "d.example.com",
    }
    assert list(cells(RESOURCE_SLICE, made).values()) == ["a", "mk", "d.example.com", "mk", "90s"]


def _at(obj: Object, time: str) -> Object:
    return altered(obj, "metadata.managedFields", [{"time": time}])


def test_a_taint_says_since_when() -> None:
    tainted = _at(altered(example(RESOURCE_SLICE), "spec.devices.0.taints", [dict(TAINT)]), "T1")

    RESOURCE_SLICE.prepare(tainted, None)

    assert tainted["spec"]["devices"][0]["taints"] == [{**TAINT, "timeAdded": "T1"}]


def test_a_rules_taint_begins_anew_with_another_effect() -> None:
    old = _at(example(DEVICE_TAINT_RULE), "T1")
    DEVICE_TAINT_RULE.prepare(old, None)
    same, other = _at(old, "T2"), _at(altered(old, "spec.taint.effect", "NoExecute"), "T2")

    DEVICE_TAINT_RULE.prepare(same, old)
    DEVICE_TAINT_RULE.prepare(other, old)

    assert same["spec"]["taint"]["timeAdded"] == "T1"
    assert other["spec"]["taint"]["timeAdded"] == "T2"


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("taint", GONE, "spec.taint: Required value"),
        ("taint.effect", "", "spec.taint.effect: Required value"),
        ("deviceSelector", {"device": ""}, "spec.deviceSelector.device: Required value"),
        ("deviceSelector", {"pool": ""}, "spec.deviceSelector.pool: Required value"),
    ],
)
def test_what_a_rule_must_say(path: str, value: Any, error: str) -> None:
    assert errors_with(DEVICE_TAINT_RULE, f"spec.{path}", value) == [error]
