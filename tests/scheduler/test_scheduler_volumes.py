"""Claims decide where a pod may be: of one pod only, in a zone, bindable or not."""

from collections.abc import Mapping
from typing import Any

import pytest

from minikube_py.meta.objects import Object
from minikube_py.scheduler.cluster import ClusterView
from minikube_py.scheduler.decision import Decision, Surroundings, decide
from minikube_py.scheduler.views import PodView
from minikube_py.scheduler.volumes import VolumeLookup
from tests.control_loop.harness import node, pod

ZONE = "topology.kubernetes.io/zone"
IN_USE = (
    "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
)


def zoned(name: str, zone: str) -> Object:
    body = node(name)
    body["metadata"]["labels"][ZONE] = zone
    return body


def using(name: str, on: str = "", priority: int = 0) -> Object:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    body = pod(name, volumes=[volume], priority=priority)
    body["metadata"]["namespace"] = "default"
    if on:
        body["spec"]["nodeName"] = on
    return body


def claim(mode: str = "ReadWriteOnce", *, bound: bool = True) -> Object:
    done = {"pv.kubernetes.io/bind-completed": "yes"} if bound else {}
    return {
        "metadata": {"name": "data", "namespace": "default", "annotations": done},
        "spec": {
            "accessModes": [mode],
            "storageClassName": "late",
            **({"volumeName": "vol"} if bound else {}),
        },
    }


def volume(**labels: str) -> Object:
    return {"metadata": {"name": "vol", "labels": labels}, "spec": {}}


def decided(
    asks: Object,
    nodes: list[Object],
    *there: Object,
    claim: Object,
    volume: Object | None = None,
    late: Mapping[str, Any] | None = None,
) -> Decision:
    cluster = ClusterView()
    for each in nodes:
        cluster.set_node(each)
    for each in there:
        cluster.set_pod(each)
    waits = {"volumeBindingMode": "WaitForFirstConsumer", "provisioner": "disk", **(late or {})}
    lookup = VolumeLookup(lambda *_: claim, lambda _: volume, list, lambda _: waits)
    return decide(PodView(asks), cluster, Surroundings(lookup, lambda _: {}))


def test_a_claim_of_one_pod_is_not_given_to_another_on_any_node() -> None:
    nodes = [node("n1"), node("n2")]

    found = decided(
        using("b"), nodes, using("a", "n1"), claim=claim("ReadWriteOncePod"), volume=volume()
    )

    assert found.message.startswith(f"0/2 nodes are available: 2 {IN_USE}. preemption: ")
    assert found.waits_for == {"going"}


def test_the_pod_that_has_such_a_claim_goes_for_one_more_important() -> None:
    found = decided(
        using("b", priority=9),
        [node("n1"), node("n2")],
        using("a", "n1"),
        claim=claim("ReadWriteOncePod"),
        volume=volume(),
    )

    assert found.preemption.node == "n1"
    assert [view.pod["metadata"]["name"] for view in found.preemption.victims] == ["a"]


def test_a_claim_of_one_node_is_shared_by_its_pods() -> None:
    found = decided(using("b"), [node("n1")], using("a", "n1"), claim=claim(), volume=volume())

    assert found.node == "n1"


def test_a_pod_goes_to_the_zone_of_its_volume() -> None:
    nodes = [zoned("n1", "a"), zoned("n2", "b"), zoned("n3", "c")]

    here = decided(using("x"), nodes, claim=claim(), volume=volume(**{ZONE: "b"}))
    nowhere = decided(using("x"), nodes, claim=claim(), volume=volume(**{ZONE: "d__e"}))

    assert here.node == "n2"
    assert "3 node(s) had no available volume zone." in nowhere.message
    assert nowhere.waits_for == {"volumes"}


def test_nodes_that_say_nothing_of_zones_take_any_volume() -> None:
    found = decided(using("x"), [node("n1")], claim=claim(), volume=volume(**{ZONE: "b"}))

    assert found.node == "n1"


@pytest.mark.parametrize(
    ("zone", "on"), [pytest.param("b", "n2", id="one"), pytest.param("z", "", id="none")]
)
def test_a_class_says_where_its_volumes_may_be_made(zone: str, on: str) -> None:
    allowed = [{"matchLabelExpressions": [{"key": ZONE, "values": [zone]}]}]

    found = decided(
        using("x"),
        [zoned("n1", "a"), zoned("n2", "b")],
        claim=claim(bound=False),
        late={"allowedTopologies": allowed},
    )

    assert found.node == on
    assert on or "2 node(s) didn't find available persistent volumes to bind" in found.message
