"""SchedulerPredicates, SchedulerPreemption and the NoExecuteTaintManager."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.conformance.conftest import condition
from tests.conformance.placing import FOO, Placing, asks, eventually, paper, placing

__all__ = ["paper", "placing"]

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

TAINT = "evict=now:NoExecute"


def test_validates_resource_limits_of_pods_that_are_allowed_to_run(placing: Placing) -> None:
    """[sig-scheduling] SchedulerPredicates"""
    for number in range(2):
        placing.make(f"fills-{number}", container=asks(4))
    taken = {placing.runs_on(f"fills-{number}") for number in range(2)}

    placing.make("one-too-many", container=asks(2))

    assert taken == set(placing.nodes)
    assert f"2 Insufficient {FOO}." in placing.refused("one-too-many")


def test_validates_that_node_selector_is_respected_if_not_matching(placing: Placing) -> None:
    """[sig-scheduling] SchedulerPredicates"""
    placing.make("nowhere", nodeSelector={"label": "nonempty"})

    assert "2 node(s) didn't match Pod's node affinity/selector." in placing.refused("nowhere")
    [event] = eventually("it is told", lambda: placing.events("nowhere"))
    assert event["reason"] == "FailedScheduling"


def test_validates_that_node_selector_is_respected_if_matching(placing: Placing) -> None:
    """[sig-scheduling] SchedulerPredicates"""
    node = placing.nodes[1]
    placing.kubectl("label", "node", node, "kubernetes.io/e2e-here=42")

    placing.make("there", nodeSelector={"kubernetes.io/e2e-here": "42"})

    assert placing.runs_on("there") == node
    placing.kubectl("label", "node", node, "kubernetes.io/e2e-here-")


def _port(ip: str, protocol: str = "TCP") -> dict[str, Any]:
    return {"ports": [{"containerPort": 80, "hostPort": 54321, "hostIP": ip, "protocol": protocol}]}


def _on(node: str) -> dict[str, str]:
    return {"kubernetes.io/hostname": node}


def test_validates_no_conflict_with_same_host_port_but_different_host_ip_and_protocol(
    placing: Placing,
) -> None:
    """[sig-scheduling] SchedulerPredicates"""
    wanted = _on(placing.nodes[0])
    placing.make("pod1", container=_port("127.0.0.1"), nodeSelector=wanted)
    placing.make("pod2", container=_port("127.0.0.2"), nodeSelector=wanted)
    placing.make("pod3", container=_port("127.0.0.2", "UDP"), nodeSelector=wanted)

    assert {placing.runs_on(f"pod{n}") for n in (1, 2, 3)} == {placing.nodes[0]}


def test_validates_a_conflict_with_same_host_port_and_protocol_one_using_all_addresses(
    placing: Placing,
) -> None:
    """[sig-scheduling] SchedulerPredicates"""
    wanted = _on(placing.nodes[0])
    placing.make("pod4", container=_port("0.0.0.0"), nodeSelector=wanted)
    placing.runs_on("pod4")

    placing.make("pod5", container=_port("127.0.0.1"), nodeSelector=wanted)

    assert "1 node(s) didn't have free ports for the requested pod ports" in placing.refused("pod5")


@pytest.fixture
def classes(placing: Placing) -> Iterator[dict[str, str]]:
    made = {name: f"{name}-{placing.namespace}" for name in ("low", "medium", "high")}
    for value, name in enumerate(made.values(), start=1):
        placing.kubectl("create", "priorityclass", name, f"--value={value * 100}")
    yield made
    placing.kubectl("delete", "priorityclass", *made.values())


@pytest.mark.parametrize("critical", [False, True], ids=["basic", "critical-pod"])
def test_validates_that_lower_priority_pods_are_preempted(
    placing: Placing, classes: dict[str, str], critical: bool
) -> None:
    """[sig-scheduling] SchedulerPreemption: validates basic preemption works; validates lower
    priority pod preemption by critical pod; the disruption condition is added.
    """
    placing.make("low", container=asks(4), priorityClassName=classes["low"])
    placing.runs_on("low")
    placing.make("medium", container=asks(4), priorityClassName=classes["medium"])
    placing.runs_on("medium")
    keep = {"metadata": {"finalizers": ["example.com/test-finalizer"]}}
    placing.kubectl("patch", "pod", "low", "-p", json.dumps(keep))
    chosen = "system-cluster-critical" if critical else classes["high"]

    placing.make("preemptor", container=asks(3), priorityClassName=chosen)

    victim = placing.until("low", lambda pod: "deletionTimestamp" in pod["metadata"], "goes")
    mark = condition(victim, "DisruptionTarget")
    assert (mark["status"], mark["reason"]) == ("True", "PreemptionByScheduler")
    told = eventually(
        "it is told", lambda: [e for e in placing.events("low") if e["reason"] == "Preempted"]
    )
    assert told[0]["message"].startswith("Preempted by pod ")
    placing.kubectl("patch", "pod", "low", "-p", '{"metadata":{"finalizers":null}}')
    assert placing.runs_on("preemptor") == victim["spec"]["nodeName"]
    assert placing.exists("medium")


def test_runs_replica_sets_to_verify_preemption_running_path(
    placing: Placing, classes: dict[str, str]
) -> None:
    """[sig-scheduling] SchedulerPreemption PreemptionExecutionPath"""
    for name, replicas, class_ in (("low", 8, "low"), ("mid", 1, "medium"), ("high", 6, "high")):
        labels = {"app": name}
        container = {"name": "main", "image": "main:1", **asks(1)}
        spec = {
            "containers": [container],
            "priorityClassName": classes[class_],
            "terminationGracePeriodSeconds": 0,
        }
        body = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": spec},
            },
        }
        placing.apply(json.dumps(body))
        eventually(f"{name} runs", partial(_all_ready, placing, name, replicas))

    eventually("low gave way", lambda: _ready(placing, "low") == 3)
    assert (_ready(placing, "mid"), _ready(placing, "high")) == (1, 6)


def _all_ready(placing: Placing, name: str, replicas: int) -> bool:
    return _ready(placing, name) == replicas


def _ready(placing: Placing, name: str) -> int:
    found = json.loads(placing.kubectl("get", "replicaset", name, "-o", "json"))
    return int(found["status"].get("readyReplicas", 0))


def test_verify_priority_class_endpoints_can_be_operated_with_different_http_methods(
    placing: Placing, classes: dict[str, str]
) -> None:
    """[sig-scheduling] SchedulerPreemption PriorityClass endpoints"""
    name = classes["low"]

    placing.kubectl("patch", "priorityclass", name, "-p", '{"description":"patched"}')
    error = placing.kubectl("patch", "priorityclass", name, "-p", '{"value":7}', code=1)

    assert "patched" in placing.kubectl("get", "priorityclass", name, "-o", "yaml")
    assert "may not be changed" in error or "immutable" in error


def test_removing_taint_cancels_eviction(placing: Placing) -> None:
    """[sig-node] NoExecuteTaintManager Single Pod"""
    node = placing.nodes[1]
    placing.make("stays", nodeSelector=_on(node), tolerations=[_toleration(3)])
    placing.runs_on("stays")

    placing.kubectl("taint", "node", node, TAINT)
    placing.kubectl("taint", "node", node, f"{TAINT}-")

    told = eventually(
        "it is told", lambda: [e["message"] for e in placing.events("stays") if _by_taint(e)]
    )
    assert told == [f"Cancelling deletion of Pod {placing.namespace}/stays"]
    assert placing.exists("stays")


def test_evicts_pods_with_min_toleration_seconds(placing: Placing) -> None:
    """[sig-node] NoExecuteTaintManager Multiple Pods"""
    node = placing.nodes[1]
    for name, seconds in (("short", 1), ("long", 600)):
        placing.make(name, nodeSelector=_on(node), tolerations=[_toleration(seconds)])
        placing.runs_on(name)
    placing.make("none", nodeSelector=_on(node))
    placing.runs_on("none")

    placing.kubectl("taint", "node", node, TAINT)

    placing.gone("none")
    placing.gone("short")
    assert placing.exists("long")
    placing.kubectl("taint", "node", node, f"{TAINT}-")


def _toleration(seconds: int) -> dict[str, Any]:
    return {
        "key": "evict",
        "operator": "Equal",
        "value": "now",
        "effect": "NoExecute",
        "tolerationSeconds": seconds,
    }


def _by_taint(event: dict[str, Any]) -> bool:
    return bool(event["reason"] == "TaintManagerEviction")
