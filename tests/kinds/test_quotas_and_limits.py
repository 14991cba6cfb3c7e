from typing import Any

import pytest

from minikube_py.kinds.catalog import COMPONENT_STATUS, LIMIT_RANGE, RESOURCE_QUOTA
from minikube_py.kinds.core.component_status import component_status
from tests.kinds.builders import creation_errors, of, update_errors
from tests.kinds.test_columns import cells

EXPRESSIONS = "spec.scopeSelector.matchExpressions"


def quota(hard: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return of(RESOURCE_QUOTA, spec={"hard": hard or {}, **spec})


def limits(*items: dict[str, Any]) -> dict[str, Any]:
    return of(LIMIT_RANGE, spec={"limits": list(items)})


def container(**bounds: Any) -> dict[str, Any]:
    return limits({"type": "Container", **bounds})


def _selector(**expression: Any) -> dict[str, Any]:
    return quota(scopeSelector={"matchExpressions": [expression]})


def test_good_quotas() -> None:
    hard = {"pods": 3, "requests.cpu": "1500m", "count/jobs.batch": "2", "hugepages-2Mi": "4Mi"}
    classes = {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}

    assert creation_errors(RESOURCE_QUOTA, quota(hard)) == []
    assert creation_errors(RESOURCE_QUOTA, quota({"pods": 1}, scopes=["BestEffort"])) == []
    assert creation_errors(RESOURCE_QUOTA, _selector(**classes)) == []
    gold = quota({"gold.storageclass.storage.k8s.io/requests.storage": "1Gi"})
    assert creation_errors(RESOURCE_QUOTA, gold) == []


@pytest.mark.parametrize(
    ("obj", "path", "message"),
    [
        (quota({"a b": 1}), "spec.hard[a b]", 'Invalid value: "a b": name part must consist of'),
        (
            quota({"oranges": 1}),
            "spec.hard[oranges]",
            'Invalid value: "oranges": must be a standard resource type or fully qualified',
        ),
        (
            quota({"storage": 1}),
            "spec.hard[storage]",
            'Invalid value: "storage": must be a standard resource for quota',
        ),
        (
            quota({"pods": -1}),
            "spec.hard[pods]",
            'Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            quota({"pods": "1500m"}),
            "spec.hard[pods]",
            'Invalid value: "1500m": must be an integer',
        ),
        (
            quota({"example.com/gpu": "0.5"}),
            "spec.hard[example.com/gpu]",
            'Invalid value: "500m": must be an integer',
        ),
        (quota(scopes=["x"]), "spec.scopes", 'Invalid value: ["x"]: unsupported scope'),
        (
            quota({"cpu": 1}, scopes=["BestEffort"]),
            "spec.scopes",
            'Invalid value: ["BestEffort"]: unsupported scope applied to resource',
        ),
        (
            quota(scopes=["Terminating", "NotTerminating"]),
            "spec.scopes",
            'Invalid value: ["Terminating","NotTerminating"]: conflicting scopes',
        ),
        (
            _selector(scopeName="x", operator="Exists"),
            f"{EXPRESSIONS}.scopeName",
            'Invalid value: "x": unsupported scope',
        ),
        (
            quota(
                {"secrets": 1},
                scopeSelector={
                    "matchExpressions": [{"scopeName": "Terminating", "operator": "Exists"}]
                },
            ),
            EXPRESSIONS,
            "Invalid value: {",
        ),
        (
            _selector(scopeName="BestEffort", operator="In", values=["a"]),
            f"{EXPRESSIONS}.operator",
            "Invalid value: \"In\": must be 'Exist' only operator when scope is any of",
        ),
        (
            _selector(scopeName="PriorityClass", operator="In"),
            f"{EXPRESSIONS}.values",
            "Required value: must be at least one value when `operator` is 'In' or 'NotIn'",
        ),
        (
            _selector(scopeName="PriorityClass", operator="Exists", values=["a"]),
            f"{EXPRESSIONS}.values",
            "Invalid value: [\"a\"]: must be no value when `operator` is 'Exist' or",
        ),
        (
            _selector(scopeName="PriorityClass", operator="x"),
            f"{EXPRESSIONS}.operator",
            'Invalid value: "x": not a valid selector operator',
        ),
    ],
)
def test_a_bad_quota_is_refused(obj: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(RESOURCE_QUOTA, obj)

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


def test_the_scopes_of_a_quota_stay_in_any_order() -> None:
    old = quota({"pods": 1}, scopes=["Terminating", "NotBestEffort"])
    turned = quota({"pods": 2}, scopes=["NotBestEffort", "Terminating"])
    other = quota({"pods": 1})

    assert update_errors(RESOURCE_QUOTA, turned, old) == []
    assert update_errors(RESOURCE_QUOTA, other, old) == [
        "spec.scopes: Invalid value: []: field is immutable"
    ]


def test_what_a_quota_has_left() -> None:
    hard = {"pods": "3", "limits.cpu": "2", "cpu": "1"}
    obj = quota()
    obj["status"] = {"hard": hard, "used": {"pods": "1", "limits.cpu": "500m"}}

    shown = cells(RESOURCE_QUOTA, obj)

    assert list(shown.values()) == ["a", "cpu: 0/1, pods: 1/3", "limits.cpu: 500m/2", "90s"]


def test_good_limits() -> None:
    assert creation_errors(LIMIT_RANGE, container(max={"cpu": 2}, min={"cpu": "100m"})) == []
    claims = {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}
    assert creation_errors(LIMIT_RANGE, limits(claims, {"type": "example.com/Thing"})) == []
    ratio = container(min={"cpu": 1}, max={"cpu": 4}, maxLimitRequestRatio={"cpu": 4})
    assert creation_errors(LIMIT_RANGE, ratio) == []


@pytest.mark.parametrize(
    ("obj", "path", "message"),
    [
        (
            limits({"type": "x"}),
            "[0].type",
            'Invalid value: "x": must be a standard limit type or fully qualified',
        ),
        (limits({"type": "Pod"}, {"type": "Pod"}), "[1].type", 'Duplicate value: "Pod"'),
        (
            container(max={"storage": 1}),
            "[0].max[storage]",
            'Invalid value: "storage": must be a standard resource for containers',
        ),
        (
            limits({"type": "Pod", "default": {"cpu": 1}}),
            "[0].default",
            "Forbidden: may not be specified when `type` is 'Pod'",
        ),
        (
            limits({"type": "Pod", "defaultRequest": {"cpu": 1}}),
            "[0].defaultRequest",
            "Forbidden: may not be specified when `type` is 'Pod'",
        ),
        (
            limits({"type": "PersistentVolumeClaim"}),
            "[0].limits",
            "Required value: either minimum or maximum storage value is required, but neither",
        ),
        (
            limits({"type": "PersistentVolumeClaim", "max": {"storage": 1, "eggs": 1}}),
            "[0].max[eggs]",
            'Invalid value: "eggs": must be a standard resource type or fully qualified',
        ),
        (
            container(min={"cpu": 2}, max={"cpu": 1}),
            "[0].min[cpu]",
            'Invalid value: "2": min value 2 is greater than max value 1',
        ),
        (
            container(min={"cpu": 2}, defaultRequest={"cpu": 1}),
            "[0].defaultRequest[cpu]",
            'Invalid value: "2": min value 2 is greater than default request value 1',
        ),
        (
            container(defaultRequest={"cpu": 2}, default={"cpu": 1}),
            "[0].defaultRequest[cpu]",
            'Invalid value: "2": default request value 2 is greater than default limit value 1',
        ),
        (
            container(default={"cpu": 2}, max={"cpu": 1}),
            "[0].default[cpu]",
            'Invalid value: "2": default value 2 is greater than max value 1',
        ),
        (
            container(maxLimitRequestRatio={"cpu": "500m"}),
            "[0].maxLimitRequestRatio[cpu]",
            'Invalid value: "500m": ratio 500m is less than 1',
        ),
        (
            container(min={"cpu": 1}, max={"cpu": 2}, maxLimitRequestRatio={"cpu": 3}),
            "[0].maxLimitRequestRatio[cpu]",
            'Invalid value: "3": ratio 3 is greater than max/min = 2',
        ),
        (
            container(default={"a.b/gpu": 2}, defaultRequest={"a.b/gpu": 1}),
            "[0].defaultRequest[a.b/gpu]",
            'Invalid value: "1": default value 2 must equal to defaultRequest value 1 in a.b/gpu',
        ),
    ],
)
def test_bad_limits_are_refused(obj: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(LIMIT_RANGE, obj)

    assert any(error.startswith(f"spec.limits{path}: {message}") for error in errors), errors


def test_limits_show_when_they_were_made() -> None:
    assert cells(LIMIT_RANGE, container()) == {"NAME": "a", "CREATED AT": "2026-01-31T11:58:30Z"}


@pytest.mark.parametrize(
    ("problem", "expected"),
    [(None, ["etcd-0", "Healthy", "ok", ""]), ("gone", ["etcd-0", "Unhealthy", "gone", ""])],
)
def test_components_say_how_they_are(problem: str | None, expected: list[str]) -> None:
    obj = component_status("etcd-0", problem)

    assert [column.value(obj, None) for column in COMPONENT_STATUS.columns] == expected  # type: ignore[arg-type]
    assert COMPONENT_STATUS.verbs == ("get", "list")
