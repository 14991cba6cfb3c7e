"""Several nodes on one host: what each shows, and what becomes of one nobody wants any more."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from minikube_py.container_runtime.interface import RuntimeInfo
from minikube_py.container_runtime.simulated import SimulatedRuntime
from minikube_py.kinds.catalog import EVENT, LEASE, NAMESPACE, NODE, POD
from minikube_py.kubelet.node import NodeFacts, allocatable, node_labels
from minikube_py.kubelet.node_agents import NodeAgents, facts_of
from minikube_py.kubelet.tools import LogicalNode
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.objects import get_path, is_condition_true, is_deleting
from minikube_py.store.interface import StoreUnavailable
from tests.control_loop.harness import ControlPlane, control_plane, pod

INFO = RuntimeInfo(
    name="docker",
    version="20.10.24",
    api_version="1.41",
    cgroup_version=1,
    cgroup_driver="cgroupfs",
    kernel="6.1",
    operating_system="Debian",
    architecture="x86_64",
    cpus=4,
    memory_bytes=6 << 30,
    root_dir="/var/lib/docker",
)
HOST = NodeFacts("host", "192.0.2.1", "v1.37.0", INFO, max_pods=110, disk_bytes=9 << 30)
NODES = [LogicalNode(f"n{number}", f"10.244.{number}.0/24") for number in (1, 2, 3)]
ZONE_LABELS = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[ControlPlane]:
    async with control_plane(tmp_path) as made:
        await made.create(NAMESPACE, {"metadata": {"name": "kube-node-lease"}})
        yield made


def agents(plane: ControlPlane, nodes: list[LogicalNode]) -> NodeAgents:
    runtime = SimulatedRuntime(Cluster("c"), clock=plane.clock)
    facts = facts_of(HOST, nodes)
    return NodeAgents(plane.resources, runtime, facts, plane.recorder, plane.clock)


def test_nodes_share_what_the_host_has() -> None:
    shares = [allocatable(facts) for facts in facts_of(HOST, NODES)]

    assert {share["cpu"] for share in shares} == {"1333m"}
    assert {share["memory"] for share in shares} == {f"{2 << 20}Ki"}
    assert {share["ephemeral-storage"] for share in shares} == {f"{3 << 20}Ki"}
    assert allocatable(facts_of(HOST, NODES[:1])[0])["cpu"] == "4"


def test_only_the_first_is_the_control_plane() -> None:
    labels = [node_labels(facts) for facts in facts_of(HOST, NODES)]

    roles = ["node-role.kubernetes.io/control-plane" in each for each in labels]
    assert roles == [True, False, False]
    assert [each["kubernetes.io/hostname"] for each in labels] == ["n1", "n2", "n3"]


async def test_each_node_has_a_range_and_a_lease(plane: ControlPlane) -> None:
    await agents(plane, NODES).register()

    ranges = {node["metadata"]["name"]: node["spec"]["podCIDR"] for node in plane.all(NODE)}
    assert ranges == {node.name: node.pod_cidr for node in NODES}
    assert all(is_condition_true(node, "Ready") for node in plane.all(NODE))
    assert plane.names(LEASE, "kube-node-lease") == {"n1", "n2", "n3"}


async def test_each_further_node_has_an_address_of_its_own(plane: ControlPlane) -> None:
    second = replace(NODES[1], address="10.244.2.1")

    await agents(plane, [NODES[0], second]).register()

    addresses = [node["status"]["addresses"][0]["address"] for node in plane.all(NODE)]
    assert sorted(addresses) == ["10.244.2.1", "192.0.2.1"]


async def test_zones_are_labels_that_go_when_there_are_no_zones_any_more(
    plane: ControlPlane,
) -> None:
    await agents(plane, [replace(NODES[0], zone="zone-1"), NODES[1]]).register()
    await plane.change(NODE, "n2", lambda node: node["metadata"]["labels"].update(_by_hand()))
    first = plane.get(NODE, "n1")["metadata"]["labels"]

    await agents(plane, NODES[:2]).register()

    assert [first[label] for label in ZONE_LABELS] == ["zone-1", "local"]
    assert not set(ZONE_LABELS) & plane.get(NODE, "n1")["metadata"]["labels"].keys()
    assert plane.get(NODE, "n2")["metadata"]["labels"].items() >= _by_hand().items()


def _by_hand() -> dict[str, str]:
    return dict.fromkeys(ZONE_LABELS, "mine")


async def test_a_node_keeps_what_was_written_on_it_when_it_comes_back(plane: ControlPlane) -> None:
    await agents(plane, NODES).register()
    taint = {"key": "gpu", "effect": "NoSchedule"}
    await plane.change(
        NODE, "n2", lambda node: node["spec"].update(taints=[taint], unschedulable=True)
    )

    await agents(plane, [*NODES, LogicalNode("n4", "10.244.4.0/24")]).register()

    node = plane.get(NODE, "n2")
    assert (node["spec"]["taints"], node["spec"]["unschedulable"]) == ([taint], True)
    assert node["status"]["allocatable"]["cpu"] == "1"


async def test_a_node_that_is_not_wanted_any_more_is_drained_and_removed(
    plane: ControlPlane,
) -> None:
    await agents(plane, NODES).register()
    await plane.create(NODE, {"metadata": {"name": "someone-elses"}})
    await plane.create(POD, pod("moves"))
    await plane.resources.bind_pod("default", "moves", "n3")
    pods = plane.informers.of(POD)
    await pods.wait_synced()
    fewer = agents(plane, NODES[:2])

    await fewer.register()
    running = asyncio.create_task(fewer.run(pods))

    assert fewer.leaving == ["n3"]
    await plane.eventually(lambda: is_deleting(plane.get(POD, "moves")))
    assert get_path(plane.get(NODE, "n3"), "spec", "unschedulable")
    uid = plane.get(POD, "moves")["metadata"]["uid"]
    await plane.resources.finish_pod_deletion("default", "moves", uid)
    await plane.eventually(lambda: plane.names(NODE) == {"n1", "n2", "someone-elses"})
    running.cancel()


class _Hanging(SimulatedRuntime):
    async def ping(self) -> None:
        await asyncio.Event().wait()


async def test_an_engine_that_hangs_is_told_of_with_what_to_do(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HEARTBEAT_SECONDS", "_ENGINE_SECONDS"):
        monkeypatch.setattr(f"minikube_py.kubelet.node_agent.{name}", 0.02)
    runtime = _Hanging(Cluster("c"), clock=plane.clock)
    facts = facts_of(HOST, NODES[:1])
    made = NodeAgents(plane.resources, runtime, facts, plane.recorder, plane.clock)
    await made.register()
    running = asyncio.create_task(made.run(plane.informers.of(POD)))

    def told() -> list[str]:
        events = plane.all(EVENT)
        return [e["message"] for e in events if e["reason"] == "ContainerRuntimeDown"]

    await plane.eventually(lambda: len(told()) == 1)
    assert "systemctl restart docker" in told()[0]
    running.cancel()


async def test_pressure_that_could_not_be_told_is_told_with_the_next_beat(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minikube_py.kubelet.node_agent.HEARTBEAT_SECONDS", 0.02)
    made = agents(plane, NODES[:1])
    await made.register()
    write, refused = plane.resources.update_status, 0

    async def fails_once(*arguments: Any) -> Any:
        nonlocal refused
        refused += 1
        if refused == 1:
            raise StoreUnavailable("the disk is full")
        return await write(*arguments)

    monkeypatch.setattr(plane.resources, "update_status", fails_once)
    running = asyncio.create_task(made.run(plane.informers.of(POD)))

    made.press(frozenset({"DiskPressure"}))

    await plane.eventually(lambda: is_condition_true(plane.get(NODE, "n1"), "DiskPressure"))
    assert refused == 2
    running.cancel()


async def test_the_deleted_node_is_registered_a_beat_later(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minikube_py.kubelet.node_agent.HEARTBEAT_SECONDS", 0.05)
    made = agents(plane, NODES[:1])
    await made.register()
    pods = plane.informers.of(POD)
    running = asyncio.create_task(made.run(pods))

    await plane.delete(NODE, "n1")

    gone = not plane.names(NODE)
    await plane.eventually(lambda: plane.names(NODE) == {"n1"})
    assert gone
    running.cancel()
