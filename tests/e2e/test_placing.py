"""Rules on where Pods go, told through the API, on paper: what is tested is decided, not run."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import RunningCluster, eventually

pytestmark = pytest.mark.e2e

ZONE = "topology.kubernetes.io/zone"


@pytest.fixture(scope="module")
def paper(new_cluster: Callable[[], RunningCluster]) -> RunningCluster:
    made = new_cluster()
    made.up("--runtime", "simulated", "--nodes", "3", "--zones", "3")
    return made


def _make(cluster: RunningCluster, name: str, app: str, **spec: Any) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": app}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "main:1"}],
            **spec,
        },
    }
    cluster.apply(json.dumps(body))


def _scheduled(cluster: RunningCluster, name: str) -> dict[str, Any]:
    """The condition that says whether the Pod has a node."""

    def condition() -> dict[str, Any] | None:
        listed = cluster.get("pod", name)["status"].get("conditions") or []
        return next((each for each in listed if each["type"] == "PodScheduled"), None)

    return eventually(f"{name} is judged", condition)


def test_a_gated_pod_waits_for_its_gates(paper: RunningCluster) -> None:
    _make(paper, "gated", "gated", schedulingGates=[{"name": "example.com/quota"}])

    condition = _scheduled(paper, "gated")

    assert condition["reason"] == "SchedulingGated"
    assert condition["message"] == "Scheduling is blocked due to non-empty scheduling gates"
    assert "SchedulingGated" in paper.kubectl("get", "pod", "gated")
    gone = '[{"op": "remove", "path": "/spec/schedulingGates"}]'
    paper.kubectl("patch", "pod", "gated", "--type=json", "-p", gone)
    paper.wait_ready("gated")
    condition = _scheduled(paper, "gated")
    assert (condition["status"], "reason" in condition) == ("True", False)


def test_a_claim_of_one_pod_keeps_a_second_waiting(paper: RunningCluster) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "single"},
        "spec": {
            "accessModes": ["ReadWriteOncePod"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    paper.apply(json.dumps(claim))
    data = [{"name": "data", "persistentVolumeClaim": {"claimName": "single"}}]
    _make(paper, "owner", "owner", volumes=data)
    paper.wait_ready("owner")

    _make(paper, "second", "second", volumes=data)

    in_use = "PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
    said = f"0/3 nodes are available: 3 node has pod using {in_use}. preemption: "
    assert _scheduled(paper, "second")["message"].startswith(said)
    paper.kubectl("delete", "pod", "owner")
    paper.wait_ready("second")


def test_a_volume_is_where_its_labels_say(paper: RunningCluster) -> None:
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "there", "labels": {ZONE: "zone-2"}},
        "spec": {
            "capacity": {"storage": "1Mi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "hostPath": {"path": "/srv"},
        },
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "there"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "volumeName": "there",
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    paper.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": [volume, claim]}))

    data = [{"name": "data", "persistentVolumeClaim": {"claimName": "there"}}]
    _make(paper, "drawn", "drawn", volumes=data)

    paper.wait_ready("drawn")
    assert paper.get("pod", "drawn")["metadata"]["labels"][ZONE] == "zone-2"


def test_fewer_domains_than_wanted_leave_a_pod_waiting(paper: RunningCluster) -> None:
    rule = {
        "maxSkew": 1,
        "minDomains": 4,
        "topologyKey": ZONE,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "wide"}},
    }
    for number in range(3):
        _make(paper, f"wide-{number}", "wide", topologySpreadConstraints=[rule])
        paper.wait_ready(f"wide-{number}")

    _make(paper, "wide-3", "wide", topologySpreadConstraints=[rule])

    uneven = "3 node(s) didn't match pod topology spread constraints"
    message = _scheduled(paper, "wide-3")["message"]
    assert message.startswith(f"0/3 nodes are available: {uneven}. preemption: ")


def test_pods_of_a_service_spread_though_one_node_has_most_room(paper: RunningCluster) -> None:
    first, *others = [node["metadata"]["name"] for node in paper.get("nodes")["items"]]
    asks = [{"name": "main", "image": "main:1", "resources": {"requests": {"cpu": "100m"}}}]
    for number, node in enumerate(others):
        _make(paper, f"heavy-{number}", "heavy", nodeName=node, containers=asks)
    paper.kubectl("create", "service", "clusterip", "even", "--tcp=80")

    for number in range(3):
        _make(paper, f"even-{number}", "even")
        paper.wait_ready(f"even-{number}")

    places = {paper.get("pod", f"even-{number}")["spec"]["nodeName"] for number in range(3)}
    assert places == {first, *others}
