"""The address plan a cluster stands on, tried on paper."""

import socket
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from minikube_py.container_runtime.simulated import SimulatedRuntime
from minikube_py.daemon import ground
from minikube_py.daemon.choices import Choices, StartFailure, load_choices
from minikube_py.daemon.settings import Settings
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.timestamps import system_clock


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Cluster("t-ground"), tmp_path, runtime="simulated")


async def _lay(settings: Settings) -> ground.Ground:
    return await ground.lay_ground(settings, SimulatedRuntime(settings.cluster, clock=system_clock))


async def test_the_plan_is_kept_for_the_next_start(settings: Settings, tmp_path: Path) -> None:
    first = await _lay(settings)

    assert load_choices(tmp_path / "cluster.json") == first.choices
    assert (await _lay(settings)).ranges == first.ranges


async def test_asked_for_ranges_are_taken(settings: Settings) -> None:
    laid = await _lay(replace(settings, pod_cidr="10.9.0.0/16", service_cidr="10.10.0.0/16"))

    assert (laid.ranges.pod, laid.ranges.service) == ("10.9.0.0/16", "10.10.0.0/16")
    assert IPv4Address(laid.ranges.dns) in IPv4Network("10.10.0.0/16")
    assert ground.kubernetes_address(laid.ranges) == "10.10.0.1"


@pytest.mark.parametrize("flag", ["pod_cidr", "service_cidr"])
async def test_a_cluster_keeps_its_ranges(settings: Settings, flag: str) -> None:
    await _lay(settings)

    with pytest.raises(StartFailure, match=f"--{flag.replace('_', '-')} 10.200.0.0/16: this cl"):
        await _lay(replace(settings, **{flag: "10.200.0.0/16"}))  # type: ignore[arg-type] # a str


def test_a_kept_range_that_is_routed_elsewhere_now_is_refused(settings: Settings) -> None:
    plan = ground._plan(settings, None, [])
    kept = Choices(plan.pod, plan.service, plan.dns, 6443, 0, 0)
    default, other = IPv4Network("0.0.0.0/0"), IPv4Network(plan.pod).supernet()

    assert ground._plan(settings, kept, [default]) == plan
    with pytest.raises(StartFailure, match=f"range {plan.pod} is now used by a route to {other}"):
        ground._plan(settings, kept, [default, other])


def test_a_taken_range_that_was_asked_for_is_refused(settings: Settings) -> None:
    asked = replace(settings, pod_cidr="10.9.0.0/16")

    with pytest.raises(StartFailure, match=r"10\.9\.0\.0/16"):
        ground._plan(asked, None, [IPv4Network("10.9.3.0/24")])


@pytest.mark.parametrize(
    ("host", "node"),
    [("Web-1.Example", "web-1.example"), ("my_host", "my-host"), ("-a-", "a"), ("__", "node")],
)
def test_a_node_is_called_as_the_host_where_kubernetes_allows_it(
    monkeypatch: pytest.MonkeyPatch, host: str, node: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host)

    assert ground.node_name() == node


async def test_every_node_but_the_first_has_the_first_address_of_its_range(
    settings: Settings,
) -> None:
    laid = await _lay(replace(settings, nodes=3, pod_cidr="10.9.0.0/16"))

    _, *others = laid.parts
    assert laid.node_addresses == dict(zip(others, ["10.9.1.1", "10.9.2.1"], strict=True))
    assert (await laid.pod_network.attach("a", 1, others[0])).ip == "10.9.1.2"


def test_nodes_are_in_the_zones_in_turn(settings: Settings) -> None:
    spread = replace(settings, zones=2)

    assert [ground.zone_of(n, spread) for n in range(3)] == ["zone-1", "zone-2", "zone-1"]
    assert ground.zone_of(0, settings) == ""


def test_the_hosts_address_is_one() -> None:
    assert IPv4Address(ground.host_address()).version == 4
