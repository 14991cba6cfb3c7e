from typing import Any

import pytest

from minikube_py.kinds.catalog import DEVICE_CLASS, RESOURCE_CLAIM, RESOURCE_CLAIM_TEMPLATE
from minikube_py.meta.objects import Object
from tests.kinds.examples import GONE, altered, errors_of_change, errors_with, example
from tests.kinds.test_columns import cells

EXACTLY = "spec.devices.requests[0].exactly"
NO_SUCH = (
    "must be the name of a request in the claim or the name of a request and a subrequest "
    "separated by '/'"
)
CONFIG = {"opaque": {"driver": "d.example.com", "parameters": {"a": 1}}}


def _status_errors(new: Object, old: Object) -> list[str]:
    return [str(error) for error in RESOURCE_CLAIM.validate_status(new, old)]


def _claim(**status: Any) -> Object:
    return altered(example(RESOURCE_CLAIM), "status", status)


def test_a_request_is_for_one_device_unless_it_says_otherwise() -> None:
    claim = altered(
        example(RESOURCE_CLAIM), "spec.devices.requests.0.exactly.tolerations", [{"key": "a"}]
    )
    template = example(RESOURCE_CLAIM_TEMPLATE)

    RESOURCE_CLAIM.default(claim)
    RESOURCE_CLAIM_TEMPLATE.default(template)

    exactly = claim["spec"]["devices"]["requests"][0]["exactly"]
    assert (exactly["allocationMode"], exactly["count"]) == ("ExactCount", 1)
    assert exactly["tolerations"] == [{"key": "a", "operator": "Equal"}]
    assert template["spec"]["spec"]["devices"]["requests"][0]["exactly"]["count"] == 1


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("deviceClassName", "", ".deviceClassName: Required value"),
        (
            "allocationMode",
            "Some",
            '.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"',
        ),
        ("count", -1, ".count: Invalid value: -1: must be greater than zero"),
        ("selectors", [{}], ".selectors[0].cel: Required value"),
        ("selectors", [{"cel": {}}], ".selectors[0].cel.expression: Required value"),
        (
            "selectors",
            [{"cel": {"expression": "x" * 10241}}],
            ".selectors[0].cel.expression: Too long: may not be more than 10240 bytes",
        ),
        (
            "selectors",
            [{"cel": {"expression": "true"}}] * 33,
            ".selectors: Too many: 33: must have at most 32 items",
        ),
        (
            "tolerations",
            [{"key": "a", "operator": "Exists", "value": "b"}],
            '.tolerations[0].value: Invalid value: "b": must be empty for operator `Exists`',
        ),
        (
            "tolerations",
            [{"value": "b"}],
            ".tolerations[0].key: Required value: must be set when the operator is Equal: an empty "
            "key matches with Exists only",
        ),
        (
            "tolerations",
            [{"key": "a", "effect": "Never"}],
            '.tolerations[0].effect: Unsupported value: "Never": supported values: "NoExecute", '
            '"NoSchedule"',
        ),
    ],
)
def test_what_a_request_must_say(path: str, value: Any, error: str) -> None:
    at = f"spec.devices.requests.0.exactly.{path}"

    assert errors_with(RESOURCE_CLAIM, at, value) == [EXACTLY + error]


def test_all_devices_are_not_counted() -> None:
    asked = {"deviceClassName": "gpu", "allocationMode": "All", "count": 2}

    assert errors_with(RESOURCE_CLAIM, "spec.devices.requests.0.exactly", asked) == [
        f"{EXACTLY}.count: Invalid value: 2: must not be specified when allocationMode is 'All'"
    ]


def test_a_request_is_exact_or_a_choice() -> None:
    path, at = "spec.devices.requests.0", "spec.devices.requests[0]"
    one = "exactly one of `exactly` or `firstAvailable` is required"
    choice = [{"name": "large", "deviceClassName": "gpu"}]

    assert errors_with(RESOURCE_CLAIM, path, {"name": "a"}) == [f"{at}: Required value: {one}"]
    assert errors_with(RESOURCE_CLAIM, f"{path}.firstAvailable", choice) == [
        f"{at}: Invalid value: null: {one}, but multiple fields are set"
    ]
    assert errors_with(RESOURCE_CLAIM, path, {"name": "a", "firstAvailable": choice}) == []
    assert errors_with(RESOURCE_CLAIM, path, {"name": "a", "firstAvailable": choice * 2}) == [
        f'{at}.firstAvailable[1].name: Duplicate value: "large"'
    ]
    assert errors_with(RESOURCE_CLAIM, f"{path}.name", "") == [f"{at}.name: Required value"]


@pytest.mark.parametrize(
    ("path", "item", "error"),
    [
        (
            "constraints",
            {"requests": ["tpu"], "matchAttribute": "d.example.com/numa"},
            f'constraints[0].requests[0]: Invalid value: "tpu": {NO_SUCH}',
        ),
        (
            "constraints",
            {"requests": ["gpu"]},
            'constraints[0]: Required value: exactly one of "matchAttribute" or '
            '"distinctAttribute" is required',
        ),
        (
            "constraints",
            {"matchAttribute": "numa"},
            'constraints[0].matchAttribute: Invalid value: "numa": must include a domain',
        ),
        ("config", {"requests": ["gpu"]}, "config[0].opaque: Required value"),
        (
            "config",
            {"opaque": {"driver": "d.example.com"}},
            "config[0].opaque.parameters: Required value",
        ),
        (
            "config",
            {"opaque": {**CONFIG["opaque"], "parameters": {"a": "x" * 10240}}},
            "config[0].opaque.parameters: Too long: may not be more than 10240 bytes",
        ),
        (
            "config",
            {**CONFIG, "requests": ["gpu/large"]},
            f'config[0].requests[0]: Invalid value: "gpu/large": {NO_SUCH}',
        ),
        (
            "config",
            {**CONFIG, "requests": ["gpu", "gpu"]},
            'config[0].requests[1]: Duplicate value: "gpu"',
        ),
    ],
)
def test_what_holds_for_several_requests_names_them(path: str, item: Any, error: str) -> None:
    assert errors_with(RESOURCE_CLAIM, f"spec.devices.{path}", [item]) == [f"spec.devices.{error}"]


def test_what_is_asked_for_stays() -> None:
    (claim,) = errors_of_change(RESOURCE_CLAIM, "spec.devices.requests.0.name", "b")
    (template,) = errors_of_change(
        RESOURCE_CLAIM_TEMPLATE, "spec.spec.devices.requests.0.name", "b"
    )

    assert claim.endswith("field is immutable")
    assert template.endswith("field is immutable")


def test_a_template_has_labels_for_its_claims() -> None:
    (error,) = errors_with(RESOURCE_CLAIM_TEMPLATE, "spec.metadata", {"labels": {"a b": "c"}})

    assert error.startswith("spec.metadata.labels: Invalid value")


def test_who_uses_a_claim_is_known_and_the_claim_is_allocated() -> None:
    pod = {"resource": "pods", "name": "web", "uid": "1"}

    assert _status_errors(_claim(allocation={}, reservedFor=[pod]), _claim()) == []
    assert _status_errors(_claim(reservedFor=[pod]), _claim()) == [
        "status.reservedFor: Forbidden: may not be specified when `allocated` is not set"
    ]
    assert _status_errors(_claim(allocation={}, reservedFor=[{**pod, "uid": ""}]), _claim()) == [
        "status.reservedFor[0].uid: Required value"
    ]
    assert _status_errors(_claim(allocation={}, reservedFor=[pod, pod]), _claim()) == [
        'status.reservedFor[1].uid: Duplicate value: "1"'
    ]
    going = altered(
        _claim(allocation={}, reservedFor=[pod]), "metadata.deletionTimestamp", "2026-01-01"
    )
    (error,) = _status_errors(going, _claim(allocation={}))
    assert "new entries may not be added" in error


def test_an_allocation_stays() -> None:
    (error,) = _status_errors(_claim(allocation={"a": 1}), _claim(allocation={"a": 2}))

    assert error == 'status.allocation: Invalid value: {"a":1}: field is immutable'


def test_the_table_shows_how_far_a_claim_is() -> None:
    taken = _claim(allocation={}, reservedFor=[{}])
    going = altered(example(RESOURCE_CLAIM), "metadata.deletionTimestamp", "2026-01-01")

    states = [cells(RESOURCE_CLAIM, obj)["STATE"] for obj in (_claim(), taken, going)]
    assert states == ["pending", "allocated,reserved", "deleted"]


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (
            "extendedResourceName",
            "gpu",
            'extendedResourceName: Invalid value: "gpu": must be a valid extended resource name',
        ),
        ("config", [{}], "config[0].opaque: Required value"),
        ("selectors", [{}], "selectors[0].cel: Required value"),
    ],
)
def test_what_a_class_may_say(path: str, value: Any, error: str) -> None:
    assert errors_with(DEVICE_CLASS, f"spec.{path}", value) == [f"spec.{error}"]
    assert errors_with(DEVICE_CLASS, "spec.selectors", GONE) == []
