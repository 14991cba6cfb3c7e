from typing import Any

import pytest

from minikube_py.kinds.catalog import POD_TEMPLATE, REPLICATION_CONTROLLER
from tests.kinds.builders import CONTAINER, creation_errors, of
from tests.kinds.test_columns import cells

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "a"}},
    "spec": {"containers": [CONTAINER]},
}


def _controller(**spec: Any) -> dict[str, Any]:
    return of(REPLICATION_CONTROLLER, spec={"template": TEMPLATE, **spec})


def _pod(**spec: Any) -> dict[str, Any]:
    return {**TEMPLATE, "spec": {"containers": [CONTAINER], **spec}}


def test_a_controller_selects_the_labels_of_its_template() -> None:
    obj = _controller()

    REPLICATION_CONTROLLER.default(obj)

    assert obj["spec"]["selector"] == obj["metadata"]["labels"] == {"app": "a"}
    assert obj["spec"]["selector"] is not obj["metadata"]["labels"]
    assert creation_errors(REPLICATION_CONTROLLER, obj) == []
    assert REPLICATION_CONTROLLER.scale is not None
    assert REPLICATION_CONTROLLER.scale.selector(obj) == "app=a"


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        ({"template": None}, "spec.template", "Required value"),
        ({"template": {"spec": {"containers": [CONTAINER]}}}, "spec.selector", "Required value"),
        ({"replicas": -1}, "spec.replicas", "Invalid value: -1"),
        ({"minReadySeconds": -1}, "spec.minReadySeconds", "Invalid value: -1"),
        (
            {"selector": {"app": "b"}},
            "spec.template.metadata.labels",
            'Invalid value: {"app":"a"}: `selector` does not match template `labels`',
        ),
        (
            {"template": _pod(restartPolicy="Never")},
            "spec.template.spec.restartPolicy",
            'Unsupported value: "Never": supported values: "Always"',
        ),
        (
            {"template": _pod(activeDeadlineSeconds=1)},
            "spec.template.spec.activeDeadlineSeconds",
            "Forbidden: activeDeadlineSeconds in ReplicationController is not Supported",
        ),
    ],
    ids=str,
)
def test_a_bad_controller_is_refused(spec: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(REPLICATION_CONTROLLER, _controller(**spec))

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


def test_how_many_pods_a_controller_has() -> None:
    obj = _controller(replicas=3, selector={"b": "1", "a": "2"})
    obj["status"] = {"replicas": 2, "readyReplicas": 1}

    shown = cells(REPLICATION_CONTROLLER, obj, wide=True)

    assert list(shown.values()) == ["a", 3, 2, 1, "90s", "main", "app:1", "a=2,b=1"]
    assert REPLICATION_CONTROLLER.selectable_fields(obj) == {"status.replicas": "2"}


def test_a_pod_template_may_end_or_not() -> None:
    good = of(POD_TEMPLATE, template=_pod(restartPolicy="OnFailure"))
    bad = of(POD_TEMPLATE, template={"spec": {}})

    assert creation_errors(POD_TEMPLATE, good) == []
    assert creation_errors(POD_TEMPLATE, bad) == ["template.spec.containers: Required value"]
    assert list(cells(POD_TEMPLATE, good).values()) == ["a", "main", "app:1", "app=a"]
