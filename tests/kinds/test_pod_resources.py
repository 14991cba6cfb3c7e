"""Resources of a Pod as a whole."""

from typing import Any

import pytest

from minikube_py.kinds.core.pod.qos import qos_class
from minikube_py.kinds.pod_template.pod_resources import (
    default_pod_resources,
    validate_pod_resources,
)
from minikube_py.meta.objects import Object


def spec(*containers: dict[str, Any], **resources: Any) -> Object:
    named = [{"name": f"c{n}", "resources": one} for n, one in enumerate(containers)]
    return {"containers": named, "resources": resources}


@pytest.mark.parametrize(
    ("obj", "requests"),
    [
        pytest.param(
            spec({}, limits={"cpu": "1", "memory": "1Gi"}),
            {"cpu": "1", "memory": "1Gi"},
            id="its-limits",
        ),
        pytest.param(
            spec(
                {"requests": {"cpu": "100m", "memory": "64Mi"}},
                {"requests": {"cpu": "200m"}},
                limits={"cpu": "1", "memory": "1Gi"},
            ),
            {"cpu": "300m", "memory": "64Mi"},
            id="what-its-containers-request",
        ),
        pytest.param(
            spec({"requests": {"cpu": "100m"}}, requests={"cpu": "2"}),
            {"cpu": "2"},
            id="its-own",
        ),
    ],
)
def test_a_pod_that_is_limited_requests_something(obj: Object, requests: dict[str, str]) -> None:
    default_pod_resources(obj)
    default_pod_resources(obj)

    assert obj["resources"]["requests"] == requests
    assert validate_pod_resources(obj, "spec") == []


def test_a_pod_without_resources_of_its_own_stays_so() -> None:
    obj = {"containers": [{"name": "a", "resources": {"requests": {"cpu": "1"}}}]}

    default_pod_resources(obj)

    assert "resources" not in obj


def test_a_pod_limited_in_cpu_and_memory_is_guaranteed_them() -> None:
    obj = spec({}, limits={"cpu": "1", "memory": "1Gi"})

    default_pod_resources(obj)

    assert qos_class(obj) == "Guaranteed"


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        pytest.param(
            spec({}, limits={"ephemeral-storage": "1Gi"}),
            "spec.resources.limits[ephemeral-storage]: Unsupported value",
            id="of-the-disk-only-containers-have-a-part",
        ),
        pytest.param(spec({}, claims=[{"name": "gpu"}]), "spec.resources.claims", id="claims"),
        pytest.param(
            spec({"limits": {"cpu": "2"}}, limits={"cpu": "1"}),
            'spec.containers[0].resources.limits[cpu]: Invalid value: "2": must be less than or '
            "equal to pod limits of 1",
            id="a-container-beyond-its-pod",
        ),
        pytest.param(
            spec(
                {"requests": {"memory": "1Gi"}},
                {"requests": {"memory": "1Gi"}},
                requests={"memory": "1Gi"},
            ),
            "must be greater than or equal to aggregate container requests of 2Gi",
            id="containers-that-request-more",
        ),
    ],
)
def test_what_does_not_fit_is_named(obj: Object, message: str) -> None:
    [error] = validate_pod_resources(obj, "spec")

    assert message in str(error)
