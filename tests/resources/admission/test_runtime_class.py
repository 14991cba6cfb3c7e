"""RuntimeClass: its overhead and where it can run."""

import pytest

from minikube_py.kinds.catalog import POD, RUNTIME_CLASS
from minikube_py.meta.errors import Forbidden
from minikube_py.meta.objects import Object
from minikube_py.resources.resources import Resources
from tests.resources.conftest import pod

CLASS: Object = {
    "metadata": {"name": "boxed"},
    "handler": "runsc",
    "overhead": {"podFixed": {"cpu": "0.1"}},
    "scheduling": {
        "nodeSelector": {"boxes": "yes"},
        "tolerations": [{"key": "boxes", "operator": "Exists"}],
    },
}


async def created(resources: Resources, **spec: object) -> Object:
    body = pod()
    body["spec"] |= spec
    made: Object = (await resources.create(POD, "default", body)).object["spec"]
    return made


async def test_a_pod_gets_what_its_class_brings(resources: Resources) -> None:
    await resources.create(RUNTIME_CLASS, None, CLASS)

    spec = await created(resources, runtimeClassName="boxed", nodeSelector={"disk": "ssd"})

    assert spec["overhead"] == {"cpu": "100m"}
    assert spec["nodeSelector"] == {"disk": "ssd", "boxes": "yes"}
    assert {"key": "boxes", "operator": "Exists"} in spec["tolerations"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param(
            {"runtimeClassName": "nope"}, 'RuntimeClass "nope" not found', id="no-such-class"
        ),
        pytest.param(
            {"overhead": {"cpu": "1"}}, "without corresponding RuntimeClass", id="overhead-alone"
        ),
        pytest.param(
            {"runtimeClassName": "boxed", "overhead": {"cpu": "1"}},
            "doesn't match RuntimeClass's defined Overhead",
            id="other-overhead",
        ),
        pytest.param(
            {"runtimeClassName": "boxed", "nodeSelector": {"boxes": "no"}},
            r"conflict: runtimeClass.scheduling.nodeSelector\[boxes\] = yes",
            id="conflicting-node",
        ),
    ],
)
async def test_pods_that_contradict_their_class_are_refused(
    resources: Resources, spec: Object, words: str
) -> None:
    await resources.create(RUNTIME_CLASS, None, CLASS)

    with pytest.raises(Forbidden, match=words):
        await created(resources, **spec)
