"""Three nodes on one engine: pods spread over them, reach each other, move away and make room."""

import json
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import BUSYBOX, IDLE, RunningCluster, eventually, run_command

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]


@pytest.fixture(scope="module")
def three(new_cluster: Callable[[], RunningCluster]) -> RunningCluster:
    made = new_cluster()
    made.up("--nodes", "3", "--zones", "2")
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


ZONE = "topology.kubernetes.io/zone"


def _addresses(cluster: RunningCluster) -> dict[str, str]:
    """Of the nodes by name, the first node's first."""
    nodes = cluster.get("nodes")["items"]
    return {
        node["metadata"]["name"]: next(
            each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"
        )
        for node in sorted(nodes, key=lambda node: len(node["metadata"]["name"]))
    }


def _server(name: str, node: str, port: int, **spec: Any) -> str:
    """A pod that says its node and that node's address to whoever calls `port` of the host."""
    inner = port if spec.get("hostNetwork") else 8080
    say = f"while true; do echo $NODE $HOST_IP | nc -l -p {inner}; done"
    fields = {"NODE": "spec.nodeName", "HOST_IP": "status.hostIP"}
    container = {
        "name": "main",
        "image": BUSYBOX,
        "command": ["sh", "-c", f"trap 'exit 0' TERM; ({say}) & wait"],
        "ports": [{"containerPort": inner, "hostPort": port}],
        "env": [
            {"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}}
            for key, path in fields.items()
        ],
    }
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "server"}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "nodeSelector": {"kubernetes.io/hostname": node} if node else {},
            "containers": [container],
            **spec,
        },
    }
    return json.dumps(body)


def _hears(address: str, port: int) -> str:
    """What the server there says; between two callers it listens to nobody for a moment."""

    def call() -> str:
        with socket.create_connection((address, port), timeout=2) as connection:
            return connection.recv(100).decode().strip()

    return eventually(f"{address}:{port} answers", call, 10)


def test_every_node_has_an_address_and_its_own_host_ports(three: RunningCluster) -> None:
    nodes = _addresses(three)
    for number, node in enumerate(nodes):
        three.apply(_server(f"server-{number}", node, 18480))
    for number in range(len(nodes)):
        three.wait_ready(f"server-{number}")
    three.kubectl("create", "service", "nodeport", "server", "--tcp=80:8080")
    port = three.get("service", "server")["spec"]["ports"][0]["nodePort"]

    heard = {address: _hears(address, 18480) for address in nodes.values()}

    assert heard == {address: f"{node} {address}" for node, address in nodes.items()}
    assert _hears("127.0.0.1", 18480) == f"{next(iter(nodes))} {next(iter(nodes.values()))}"
    assert all(_hears(address, port) for address in nodes.values())
    events = three.get("events")["items"]
    assert "HostPortConflict" not in {event["reason"] for event in events}
    three.kubectl("delete", "pod,service", "-l", "app=server")


def test_addresses_of_nodes_are_back_after_a_crash(three: RunningCluster) -> None:
    node, second = list(_addresses(three).items())[1]
    three.apply(_server("survivor", node, 18481))
    three.wait_ready("survivor")
    os.kill(three.status()["pid"], signal.SIGKILL)
    device = f"mks-{three.name}"
    run_command("ip", "addr", "del", f"{second}/32", "dev", device)

    three.up()

    assert second in run_command("ip", "-4", "addr", "show", "dev", device).out
    assert _hears(second, 18481).endswith(second)
    three.kubectl("delete", "pod", "survivor")


def test_the_hosts_network_is_one_for_all_nodes(three: RunningCluster) -> None:
    second, address = list(_addresses(three).items())[1]
    three.apply(_server("first", second, 18482, hostNetwork=True))
    three.wait_ready("first")

    three.apply(_server("other", "", 18482, hostNetwork=True))

    why = eventually(
        "the other is refused",
        lambda: next(
            (
                each.get("message")
                for each in three.get("pod", "other")["status"].get("conditions", [])
                if each["type"] == "PodScheduled"
            ),
            None,
        ),
    )
    ports = "3 node(s) didn't have free ports for the requested pod ports"
    assert why.startswith(f"0/3 nodes are available: {ports}. preemption: ")
    status = three.get("pod", "first")["status"]
    assert (status["podIP"], status["hostIP"]) == (address, address)
    assert _hears(address, 18482) == f"{second} {address}"
    three.kubectl("delete", "pod", "first")
    three.wait_ready("other")
    three.kubectl("delete", "pod", "other")


def test_pods_spread_over_zones_and_know_theirs(three: RunningCluster) -> None:
    zones = {
        node["metadata"]["name"]: node["metadata"]["labels"][ZONE]
        for node in three.get("nodes")["items"]
    }
    rule = {
        "maxSkew": 1,
        "topologyKey": ZONE,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "zoned"}},
    }

    _deploy(three, "zoned", 4, topologySpreadConstraints=[rule])

    pods = _pods(three, "zoned")
    assert sorted(zones[pod["spec"]["nodeName"]] for pod in pods) == ["zone-1"] * 2 + ["zone-2"] * 2
    assert all(pod["metadata"]["labels"][ZONE] == zones[pod["spec"]["nodeName"]] for pod in pods)
    three.kubectl("delete", "deployment", "zoned")


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


def test_fewer_nodes_at_the_next_start_take_over_the_pods(
    new_cluster: Callable[[], RunningCluster],
) -> None:
    two = new_cluster()
    two.up("--nodes", "2")
    _deploy(two, "stays", 2)
    [(first, _), (second, address)] = _addresses(two).items()
    assert _places(two, "stays") == sorted([first, second])
    two.down()

    two.up("--nodes", "1")

    eventually("one node is gone", lambda: list(_addresses(two)) == [first])
    _rolled_out(two, "stays")
    assert _places(two, "stays") == [first, first]
    assert f"{address}/" not in run_command("ip", "-4", "addr", "show").out
