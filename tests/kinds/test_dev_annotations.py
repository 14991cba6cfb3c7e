"""mk's own annotations are checked where they are written."""

import pytest

from minikube_py.kinds.catalog import DEPLOYMENT, NAMESPACE, POD
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object
from tests.kinds.builders import creation_errors, metadata, pod, workload

BAD = {"mk.dev/restart-backoff": "soon"}
DETAIL = "'soon' is no duration: write e.g. 500ms, 5s or 1m30s"
PLACE = "metadata.annotations[mk.dev/restart-backoff]"


def deployment() -> Object:
    obj = workload(DEPLOYMENT)
    obj["spec"]["template"]["metadata"]["annotations"] = BAD
    return obj


@pytest.mark.parametrize(
    ("kind", "obj", "path"),
    [
        (POD, pod(metadata_=metadata(annotations=BAD)), PLACE),
        (NAMESPACE, {"metadata": {"name": "a", "annotations": BAD}}, PLACE),
        (DEPLOYMENT, deployment(), f"spec.template.{PLACE}"),
    ],
    ids=["Pod", "Namespace", "template"],
)
def test_a_back_off_that_is_no_duration_is_refused(kind: Kind, obj: Object, path: str) -> None:
    assert creation_errors(kind, obj) == [f'{path}: Invalid value: "soon": {DETAIL}']


@pytest.mark.parametrize("value", ["500ms", "10ms", "5m", "300", "1m30s"])
def test_a_back_off_may_be_a_duration(value: str) -> None:
    annotations = {"mk.dev/restart-backoff": value}

    assert creation_errors(POD, pod(metadata_=metadata(annotations=annotations))) == []


@pytest.mark.parametrize("value", ["0", "0s", "9ms", "301", "1h", "9" * 400])
def test_a_back_off_has_limits(value: str) -> None:
    annotations = {"mk.dev/restart-backoff": value}

    [error] = creation_errors(POD, pod(metadata_=metadata(annotations=annotations)))

    assert error == f'{PLACE}: Invalid value: "{value}": must be between 10ms and 5m'


def test_a_restart_is_asked_for_by_a_time() -> None:
    annotations = {"mk.dev/restarted-at": "now"}

    [error] = creation_errors(POD, pod(metadata_=metadata(annotations=annotations)))

    assert error.startswith('metadata.annotations[mk.dev/restarted-at]: Invalid value: "now"')
