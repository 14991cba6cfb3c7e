import copy
from typing import Any

import pytest

from minikube_py.kinds.core.pod.resize import validate_resize
from minikube_py.meta.objects import Object

OLD: Object = {
    "metadata": {"name": "web"},
    "spec": {
        "containers": [
            {
                "name": "app",
                "image": "app:1",
                "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}},
            }
        ]
    },
}


def changed(**container: Any) -> Object:
    new = copy.deepcopy(OLD)
    new["spec"]["containers"][0] |= container
    return new


def test_cpu_and_memory_may_change() -> None:
    amounts = {"requests": {"cpu": "1500m"}, "limits": {"cpu": "3", "memory": "512Mi"}}

    assert validate_resize(changed(resources=amounts), OLD) == []


@pytest.mark.parametrize(
    ("container", "message"),
    [
        pytest.param({"image": "app:2"}, "only cpu and memory resources are mutable", id="image"),
        pytest.param(
            {"resources": {"requests": {"cpu": "1", "x/y": "1"}, "limits": {"cpu": "2"}}},
            "only cpu and memory resources are mutable",
            id="other-resources",
        ),
        pytest.param(
            {"resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}},
            "resource limits cannot be removed",
            id="a-limit-goes",
        ),
        pytest.param(
            {
                "resources": {
                    "requests": {"cpu": "2", "memory": "1Gi"},
                    "limits": {"cpu": "2", "memory": "1Gi"},
                }
            },
            "Pod QOS Class may not change as a result of resizing",
            id="guaranteed",
        ),
    ],
)
def test_what_a_resize_may_not_change_is_named(container: dict[str, Any], message: str) -> None:
    errors = validate_resize(changed(**container), OLD)

    assert any(message in str(error) for error in errors)


def test_static_pods_are_resized_in_their_file() -> None:
    static = copy.deepcopy(OLD)
    static["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}

    assert "static pods cannot be resized" in str(validate_resize(static, static)[0])


def test_what_the_pod_has_as_a_whole_may_change_but_not_go() -> None:
    old, new = copy.deepcopy(OLD), copy.deepcopy(OLD)
    old["spec"]["resources"] = {"limits": {"cpu": "4", "memory": "2Gi"}}
    new["spec"]["resources"] = {"limits": {"cpu": "3", "memory": "1Gi"}}
    gone = copy.deepcopy(OLD)
    gone["spec"]["resources"] = {"limits": {"cpu": "3"}}

    assert validate_resize(new, old) == []
    error = str(validate_resize(gone, old)[0])
    assert "spec.resources.limits" in error
    assert "resource limits cannot be removed" in error
    assert "made without" in str(validate_resize(old, OLD)[0])
