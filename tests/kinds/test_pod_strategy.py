from typing import Any

import pytest

from minikube_py.kinds import catalog
from minikube_py.kinds.kind import Kind
from tests.kinds.builders import of


def test_what_objects_are_selected_by() -> None:
    event = {"involvedObject": {"kind": "Pod"}, "source": {"component": "k"}, "type": "Normal"}
    pod = {"spec": {"nodeName": "n", "hostNetwork": True}, "status": {"phase": "Running"}}

    assert catalog.EVENT.selectable_fields(event)["involvedObject.kind"] == "Pod"
    assert catalog.EVENT.selectable_fields(event)["source"] == "k"
    assert catalog.POD.selectable_fields(pod)["spec.hostNetwork"] == "true"
    assert catalog.POD.selectable_fields(pod)["spec.nodeName"] == "n"
    assert catalog.NODE.selectable_fields({"spec": {"unschedulable": True}}) == {
        "spec.unschedulable": "true"
    }
    assert catalog.NAMESPACE.selectable_fields({"status": {"phase": "Active"}})["status.phase"]
    assert catalog.PERSISTENT_VOLUME.selectable_fields({"metadata": {"name": "v"}}) == {"name": "v"}
    assert catalog.PERSISTENT_VOLUME_CLAIM.selectable_fields({}) == {"name": ""}


def test_a_pod_stops_at_once_where_nothing_runs() -> None:
    grace = catalog.POD.default_grace_seconds
    assert grace is not None

    assert grace({"spec": {"terminationGracePeriodSeconds": 7}}) == 0
    assert grace({"spec": {"nodeName": "n"}, "status": {"phase": "Failed"}}) == 0
    assert grace({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 7}}) == 7
    assert grace({"spec": {"nodeName": "n"}}) == 30


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
        ({"limits": {"ephemeral-storage": "1Gi"}}, "BestEffort"),
        ({"limits": {"cpu": "0"}}, "BestEffort"),
    ],
)
def test_a_new_pod_knows_its_quality_of_service(spec: dict[str, Any], expected: str) -> None:
    in_container = of(
        catalog.POD, spec={"containers": [{"name": "a", "image": "a", "resources": spec}]}
    )
    in_pod = of(catalog.POD, spec={"containers": [{"name": "a", "image": "a"}], "resources": spec})
    for obj in (in_container, in_pod):
        catalog.POD.default(obj)
        catalog.POD.prepare(obj, None)

        assert obj["status"] == {"phase": "Pending", "qosClass": expected}


@pytest.mark.parametrize(
    "kind",
    [catalog.POD, catalog.PERSISTENT_VOLUME, catalog.PERSISTENT_VOLUME_CLAIM],
    ids=lambda kind: kind.kind,
)
def test_an_update_keeps_the_status(kind: Kind) -> None:
    new = of(kind, spec={}, status={"phase": "Mine"})

    kind.prepare(new, of(kind, spec={}, status={"phase": "Bound"}))

    assert new["status"] == {"phase": "Bound"}
