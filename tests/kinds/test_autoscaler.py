import json
from typing import Any

import pytest

from minikube_py.kinds.catalog import HORIZONTAL_POD_AUTOSCALER as V2
from minikube_py.kinds.catalog import HORIZONTAL_POD_AUTOSCALER_V1 as V1
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.type_check import type_errors
from tests.kinds.builders import creation_errors, metadata, of
from tests.kinds.test_columns import cells

METRIC = "spec.metrics[0]"
PREFIX = "autoscaling.alpha.kubernetes.io"
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def autoscaler(kind: Kind = V2, **spec: Any) -> dict[str, Any]:
    return of(kind, spec={"maxReplicas": 3, "scaleTargetRef": TARGET, **spec})


def metric(type_: str, **fields: Any) -> dict[str, Any]:
    return autoscaler(metrics=[{"type": type_, **fields}])


def resource(**target: Any) -> dict[str, Any]:
    return metric("Resource", resource={"name": "cpu", "target": target})


def _source(field: str, type_: str, **target: Any) -> dict[str, Any]:
    described = {"describedObject": {"kind": "Service", "name": "a"}} if field == "object" else {}
    return metric(type_, **{field: {"metric": {"name": "m"}, "target": target, **described}})


def _behavior(**rules: Any) -> dict[str, Any]:
    return autoscaler(behavior={"scaleUp": rules})


def _policy(**fields: Any) -> dict[str, Any]:
    return _behavior(policies=[{"type": "Pods", "value": 1, "periodSeconds": 1, **fields}])


def test_good_autoscalers() -> None:
    assert creation_errors(V2, autoscaler()) == []
    assert creation_errors(V2, _policy()) == []
    assert creation_errors(V2, resource(type="AverageValue", averageValue="1")) == []
    assert creation_errors(V2, _source("pods", "Pods", type="AverageValue", averageValue=1)) == []
    assert creation_errors(V2, _source("external", "External", type="Value", value=1)) == []
    assert creation_errors(V2, _source("object", "Object", type="Value", value=1)) == []


@pytest.mark.parametrize(
    ("obj", "path", "message"),
    [
        (
            autoscaler(minReplicas=0),
            "spec.minReplicas",
            "Invalid value: 0: must be greater than or equal to 1",
        ),
        (autoscaler(maxReplicas=0), "spec.maxReplicas", "Invalid value: 0: must be greater than 0"),
        (
            autoscaler(minReplicas=4),
            "spec.maxReplicas",
            "Invalid value: 3: must be greater than or equal to `minReplicas`",
        ),
        (autoscaler(scaleTargetRef={}), "spec.scaleTargetRef.kind", "Required value"),
        (
            autoscaler(scaleTargetRef={"kind": "A/b", "name": ".."}),
            "spec.scaleTargetRef.kind",
            "Invalid value: \"A/b\": may not contain '/'",
        ),
        (metric(""), f"{METRIC}.type", "Required value: must specify a metric source type"),
        (metric("x"), f"{METRIC}.type", 'Unsupported value: "x": supported values: "Container'),
        (
            metric("Pods"),
            f"{METRIC}.pods",
            "Required value: must populate information for the given metric source",
        ),
        (
            metric("Resource", pods={}, resource={}),
            f"{METRIC}.pods",
            "Forbidden: must populate the given metric source only",
        ),
        (resource(), f"{METRIC}.resource.target.type", "Required value: must specify a metric"),
        (
            resource(type="x"),
            f"{METRIC}.resource.target.type",
            'Invalid value: "x": must be either Utilization, Value, or AverageValue',
        ),
        (
            resource(type="Utilization"),
            f"{METRIC}.resource.target.averageUtilization",
            "Required value: must set either a target raw value or a target utilization",
        ),
        (
            resource(type="Utilization", averageUtilization=1, averageValue="1"),
            f"{METRIC}.resource.target.averageValue",
            "Forbidden: may not set both a target raw value and a target utilization",
        ),
        (
            resource(type="Utilization", averageUtilization=0),
            f"{METRIC}.resource.target.averageUtilization",
            "Invalid value: 0: must be greater than 0",
        ),
        (
            resource(type="AverageValue", averageValue="-1"),
            f"{METRIC}.resource.target.averageValue",
            'Invalid value: "-1": must be positive',
        ),
        (
            metric("ContainerResource", containerResource={"name": "cpu", "target": {}}),
            f"{METRIC}.containerResource.container",
            "Required value: must specify a container",
        ),
        (
            metric("ContainerResource", containerResource={"container": "A"}),
            f"{METRIC}.containerResource.container",
            'Invalid value: "A"',
        ),
        (
            metric("Pods", pods={"target": {}}),
            f"{METRIC}.pods.metric.name",
            "Required value: must specify a metric name",
        ),
        (
            _source("pods", "Pods"),
            f"{METRIC}.pods.target.averageValue",
            "Required value: must specify a positive target averageValue",
        ),
        (
            _source("external", "External"),
            f"{METRIC}.external.target.averageValue",
            "Required value: must set either a target value for metric or a per-pod target",
        ),
        (
            _source("external", "External", value=1, averageValue=1),
            f"{METRIC}.external.target.value",
            "Forbidden: may not set both a target value for metric and a per-pod target",
        ),
        (
            _source("object", "Object"),
            f"{METRIC}.object.target.averageValue",
            "Required value: must set either a target value or averageValue",
        ),
        (
            metric("Object", object={"describedObject": {"kind": "a%"}}),
            f"{METRIC}.object.describedObject.kind",
            "Invalid value: \"a%\": may not contain '%'",
        ),
        (
            _behavior(stabilizationWindowSeconds=-1),
            "spec.behavior.scaleUp.stabilizationWindowSeconds",
            "Invalid value: -1: must be greater than or equal to zero",
        ),
        (
            _behavior(stabilizationWindowSeconds=3601),
            "spec.behavior.scaleUp.stabilizationWindowSeconds",
            "Invalid value: 3601: must be less than or equal to 3600",
        ),
        (
            _behavior(selectPolicy="x"),
            "spec.behavior.scaleUp.selectPolicy",
            'Unsupported value: "x": supported values: "Disabled", "Max", "Min"',
        ),
        (
            _behavior(policies=[]),
            "spec.behavior.scaleUp.policies",
            "Required value: must specify at least one Policy",
        ),
        (
            _policy(type="x"),
            "spec.behavior.scaleUp.policies[0].type",
            'Unsupported value: "x": supported values: "Percent", "Pods"',
        ),
        (
            _policy(value=0),
            "spec.behavior.scaleUp.policies[0].value",
            "Invalid value: 0: must be greater than zero",
        ),
        (
            _policy(periodSeconds=1801),
            "spec.behavior.scaleUp.policies[0].periodSeconds",
            "Invalid value: 1801: must be less than or equal to 1800",
        ),
    ],
)
def test_a_bad_autoscaler_is_refused(obj: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(V2, obj)

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


def _rich() -> dict[str, Any]:
    """All that v1 has no field for."""
    selector = {"matchLabels": {"a": "b"}}
    identifier = {"name": "m", "selector": selector}
    described = {"kind": "Service", "name": "s", "apiVersion": "v1"}
    obj = autoscaler(
        minReplicas=1,
        metrics=[
            {
                "type": "Object",
                "object": {
                    "describedObject": described,
                    "metric": identifier,
                    "target": {"type": "Value", "value": "5"},
                },
            },
            {
                "type": "External",
                "external": {
                    "metric": identifier,
                    "target": {"type": "AverageValue", "averageValue": "1"},
                },
            },
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "memory",
                    "container": "main",
                    "target": {"type": "Utilization", "averageUtilization": 5},
                },
            },
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 60},
                },
            },
        ],
        behavior={"scaleDown": {"selectPolicy": "Disabled"}},
    )
    obj["metadata"] = metadata(annotations={"mine": "1"})
    obj["status"] = {
        "currentReplicas": 2,
        "desiredReplicas": 2,
        "currentMetrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "current": {"averageValue": "12m", "averageUtilization": 12},
                },
            }
        ],
        "conditions": [{"type": "AbleToScale", "status": "True"}],
    }
    V2.default(obj)
    return obj


def test_v1_shows_cpu_in_fields_and_the_rest_in_annotations() -> None:
    assert V1.stored_as is not None

    seen = V1.stored_as.from_stored(_rich())

    annotations = seen["metadata"]["annotations"]
    assert seen["spec"]["targetCPUUtilizationPercentage"] == 60
    assert "metrics" not in seen["spec"]
    assert seen["status"] == {
        "currentReplicas": 2,
        "desiredReplicas": 2,
        "currentCPUUtilizationPercentage": 12,
    }
    assert json.loads(annotations[f"{PREFIX}/metrics"])[0] == {
        "type": "Object",
        "object": {
            "target": {"kind": "Service", "name": "s", "apiVersion": "v1"},
            "metricName": "m",
            "selector": {"matchLabels": {"a": "b"}},
            "targetValue": "5",
        },
    }
    assert json.loads(annotations[f"{PREFIX}/metrics"])[1]["external"]["metricSelector"]
    assert json.loads(annotations[f"{PREFIX}/current-metrics"]) == [
        {
            "type": "Resource",
            "resource": {
                "name": "cpu",
                "currentAverageValue": "12m",
                "currentAverageUtilization": 12,
            },
        }
    ]


def test_through_v1_and_back_nothing_is_lost() -> None:
    stored = _rich()
    assert V1.stored_as is not None

    back = V1.stored_as.to_stored(V1.stored_as.from_stored(stored))

    assert back == stored


def test_v1_alone_means_cpu_at_eighty_percent() -> None:
    obj = autoscaler(V1)
    assert V1.stored_as is not None

    V1.default(obj)
    stored = V1.stored_as.to_stored(obj)

    assert obj["spec"]["targetCPUUtilizationPercentage"] == 80
    assert stored["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80
    assert creation_errors(V1, obj) == []
    assert creation_errors(V1, autoscaler(V1, minReplicas=9)) == [
        "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "5",
        "[5]",
        '[{"type":[]}]',
        '[{"type":"Pods","pods":5}]',
        '[{"type":"Pods","pods":{"targetAverageValue":{}}}]',
        "[" * 5000,
    ],
    ids=lambda text: text[:20],
)
@pytest.mark.parametrize("name", ["metrics", "current-metrics", "behavior", "conditions"])
def test_annotations_that_no_server_wrote_do_no_harm(name: str, text: str) -> None:
    obj = autoscaler(V1)
    obj["metadata"] = metadata(annotations={f"{PREFIX}/{name}": text})
    obj["status"] = {}

    V1.default(obj)

    assert V1.stored_as is not None
    assert type_errors(V1.stored_as.to_stored(obj), V2) == []
    assert f"{PREFIX}/metrics" not in obj["metadata"].get("annotations", {})
    assert creation_errors(V1, obj) == []


@pytest.mark.parametrize("kind", [V1, V2], ids=repr)
def test_how_far_an_autoscaler_is(kind: Kind) -> None:
    obj = _rich()
    obj["spec"]["metrics"] = [obj["spec"]["metrics"][3], obj["spec"]["metrics"][1]]
    if kind.stored_as is not None:
        # The order of metrics is not kept: those of the annotation come first.
        obj["spec"]["metrics"].pop()
        obj = kind.stored_as.from_stored(obj)

    shown = cells(kind, obj)

    more = "" if kind is V1 else ", <unknown>/1 (avg)"
    assert list(shown.values()) == [
        "a", "Deployment/web", f"cpu: 12%/60%{more}", "1", 3, 2, "90s"
    ]  # fmt: skip


def test_more_than_two_metrics_are_counted() -> None:
    shown = cells(V2, _rich())

    assert shown["TARGETS"] == "<unknown>/5, <unknown>/1 (avg) + 2 more..."
    assert cells(V2, {})["TARGETS"] == "<none>"
    assert cells(V2, {})["MINPODS"] == "<unset>"
