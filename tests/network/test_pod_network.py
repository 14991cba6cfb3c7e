"""Pods wired for real: needs root, makes its own bridge and namespaces."""

import time
from ipaddress import IPv4Network

import pytest

from minikube_py.network.host import Host, HostNetworkError, pod_link_name
from minikube_py.network.pod_network import BridgePodNetwork, PaperPodNetwork
from tests.network.conftest import World, shell

pytestmark = pytest.mark.root


async def test_pods_reach_each_other_their_gateway_and_are_reached(world: World) -> None:
    first = await world.pod("a")
    second = await world.pod("b")

    assert first != second
    assert await world.reaches("a", second)
    assert await world.reaches("b", world.gateway)
    assert await world.reaches(None, first)


async def test_attaching_again_changes_nothing(world: World) -> None:
    ip = await world.pod("a")
    before = shell(f"ip -o link show {pod_link_name(world.cluster, 'a')}")

    again = await world.pods.attach("a", world.processes["a"].pid)

    assert again.ip == ip
    assert shell(f"ip -o link show {pod_link_name(world.cluster, 'a')}") == before


async def test_a_new_sandbox_of_the_same_pod_gets_a_new_address(world: World) -> None:
    old = await world.pod("a")
    pid = world.sandbox("a")

    new = (await world.pods.attach("a", pid)).ip

    assert new != old
    assert world.pods.address_of("a") is not None
    assert await world.reaches("a", world.gateway)


async def test_a_restarted_daemon_finds_the_addresses_again(world: World) -> None:
    ip = await world.pod("a")
    after = BridgePodNetwork(
        world.host, world.cluster, pod_cidr=world.pod_range, gateway=world.gateway
    )

    await after.start()

    address = after.address_of("a")
    assert address is not None
    assert address.ip == ip
    assert (await after.attach("a", world.processes["a"].pid)).ip == ip
    assert (await after.attach("b", world.sandbox("b"))).ip != ip


async def test_a_half_made_link_is_swept_at_start(world: World) -> None:
    name = pod_link_name(world.cluster, "half")
    shell(f"ip link add {name} type veth peer name {name[:-1]}x")

    await world.pods.start()

    assert not await world.host.link_exists(name)


async def test_release_removes_the_wire_and_may_be_repeated(world: World) -> None:
    await world.pod("a")

    await world.pods.release("a")
    await world.pods.release("a")

    assert world.pods.address_of("a") is None
    assert not await world.host.link_exists(pod_link_name(world.cluster, "a"))


async def test_a_sandbox_that_is_gone_is_an_error_that_leaves_nothing(world: World) -> None:
    with pytest.raises(HostNetworkError, match="sandbox is gone"):
        await world.pods.attach("a", 2**22 - 1)

    assert world.pods.address_of("a") is None
    assert not await world.host.link_exists(pod_link_name(world.cluster, "a"))


async def test_a_missing_bridge_says_what_to_do(world: World) -> None:
    shell(f"ip link del {world.cluster.bridge}")

    with pytest.raises(HostNetworkError, match="docker network rm"):
        await world.pods.start()


async def test_the_service_range_is_routed_here_and_shows_as_used(world: World) -> None:
    used = await world.host.used_ranges()
    ours = (world.cluster.bridge, world.cluster.service_device)
    without = await world.host.used_ranges(except_devices=ours)

    assert IPv4Network(world.service_range) in used
    assert IPv4Network(world.pod_range) in used
    assert IPv4Network(world.service_range) not in without
    assert IPv4Network(world.pod_range) not in without


async def test_service_addresses_are_the_hosts_own_until_removed(world: World) -> None:
    ip = str(IPv4Network(world.service_range).network_address + 10)

    await world.host.add_service_address(world.cluster, ip)
    await world.host.add_service_address(world.cluster, ip)
    assert await world.host.service_addresses(world.cluster) == {ip}
    assert await world.reaches(None, ip)

    await world.host.remove_service_address(world.cluster, ip)
    await world.host.remove_service_address(world.cluster, ip)
    assert await world.host.service_addresses(world.cluster) == set()


async def test_two_clusters_stand_side_by_side_and_one_is_removed_alone(
    world: World, second_world: World
) -> None:
    await world.pod("a")
    ip = await second_world.pod("a")

    await world.host.remove_all(world.cluster)

    assert world.cluster.bridge not in shell("ip -o link")
    assert world.cluster.service_device not in shell("ip -o link")
    assert await world.reaches(None, ip)


async def test_wiring_a_pod_takes_milliseconds(world: World) -> None:
    await world.pod("warm")
    spent = []
    for number in range(5):
        pid = world.sandbox(f"p{number}")
        started = time.perf_counter()
        await world.pods.attach(f"p{number}", pid)
        spent.append(time.perf_counter() - started)

    assert min(spent) < 0.2  # the measure is 0.01; the bound only catches a lost design


async def test_pods_on_paper_have_addresses_and_no_wires() -> None:
    paper = PaperPodNetwork(pod_cidr="10.244.0.0/16", gateway="10.244.0.1")

    assert (await paper.attach("a", 0)).ip == "10.244.0.2"
    await paper.release("a")
    assert paper.address_of("a") is None
    assert (await paper.attach("b", 0)).ip == "10.244.0.3"


async def test_closing_twice_is_success() -> None:
    host = Host()
    await host.close()
