"""Three nodes on one engine: pods spread over them, reach each other, move away and make room."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import BUSYBOX, IDLE, RunningCluster, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]


@pytest.fixture(scope="module")
def three(new_cluster: Callable[[], RunningCluster]) -> RunningCluster:
    made = new_cluster()
    made.up("--nodes", "3")
    return made


def _template(name: str, **spec: Any) -> dict[str, Any]:
    server = "while true; do echo hello | nc -l -p 8080; done"
    container = {
        "name": "main",
        "image": BUSYBOX,
        "command": ["sh", "-c", f"trap 'exit 0' TERM; ({server}) & wait"],
    }
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container], **spec},
    }


def _deploy(cluster: RunningCluster, name: str, replicas: int, **spec: Any) -> None:
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": _template(name, **spec),
        },
    }
    cluster.apply(json.dumps(body))
    _rolled_out(cluster, name)


def _rolled_out(cluster: RunningCluster, name: str) -> None:
    cluster.kubectl("rollout", "status", f"deployment/{name}", "--timeout=60s")


def _pods(cluster: RunningCluster, name: str) -> list[dict[str, Any]]:
    items = cluster.get("pods", "-l", f"app={name}")["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def _places(cluster: RunningCluster, name: str) -> list[str]:
    return sorted(pod["spec"].get("nodeName", "") for pod in _pods(cluster, name))


def test_replicas_spread_over_the_nodes_with_addresses_of_each_and_reach_each_other(
    three: RunningCluster,
) -> None:
    nodes = {node["metadata"]["name"]: node for node in three.get("nodes")["items"]}
    rule = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }

    _deploy(three, "web", 3, topologySpreadConstraints=[rule])

    pods = _pods(three, "web")
    assert {pod["spec"]["nodeName"] for pod in pods} == set(nodes)
    for pod in pods:
        prefix = nodes[pod["spec"]["nodeName"]]["spec"]["podCIDR"].removesuffix("0/24")
        assert pod["status"]["podIP"].startswith(prefix)
    first, *others = pods
    for other in others:
        words = ("nc", "-w", "3", other["status"]["podIP"], "8080")
        assert "hello" in three.kubectl("exec", first["metadata"]["name"], "--", *words)


def test_a_drained_node_s_pods_move_and_its_budget_is_kept(three: RunningCluster) -> None:
    _deploy(three, "shop", 3)
    three.kubectl("create", "pdb", "shop", "--selector=app=shop", "--min-available=2")
    node = _places(three, "shop")[-1]
    eventually(
        "the budget is known",
        lambda: three.get("pdb", "shop")["status"].get("disruptionsAllowed") == 1,
    )

    three.kubectl("drain", node, "--ignore-daemonsets", "--force", "--timeout=60s")

    _rolled_out(three, "shop")
    assert node not in _places(three, "shop")
    assert "SchedulingDisabled" in three.kubectl("get", "node", node)
    three.kubectl("uncordon", node)


def test_an_important_pod_takes_the_place_of_lesser_ones(three: RunningCluster) -> None:
    three.kubectl("create", "priorityclass", "urgent", "--value=1000")
    node = three.get("nodes")["items"][1]
    here = {"kubernetes.io/hostname": node["metadata"]["name"]}
    memory = int(node["status"]["allocatable"]["memory"].removesuffix("Ki"))
    most = {"requests": {"memory": f"{memory * 2 // 3}Ki"}}
    for name, class_ in (("lesser", {}), ("greater", {"priorityClassName": "urgent"})):
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "nodeSelector": here,
                "containers": [
                    {"name": "main", "image": BUSYBOX, "command": IDLE, "resources": most}
                ],
                **class_,
            },
        }
        three.apply(json.dumps(body))
        three.wait_ready(name)

    assert three.kubectl("get", "pod", "lesser", "--ignore-not-found") == ""
    reasons = {event["reason"] for event in three.get("events")["items"]}
    assert "Preempted" in reasons


def test_fewer_nodes_at_the_next_start_take_over_the_pods(three: RunningCluster) -> None:
    before = {node["metadata"]["name"] for node in three.get("nodes")["items"]}
    three.down()

    three.up("--nodes", "2")

    eventually("one node is gone", lambda: len(three.get("nodes")["items"]) == 2)
    left = {node["metadata"]["name"] for node in three.get("nodes")["items"]}
    _rolled_out(three, "shop")
    assert left < before
    assert set(_places(three, "shop")) <= left
