"""Two nodes on one host, packets included: each answers on its own address."""

import asyncio

import pytest

from minikube_py.kinds.catalog import POD
from minikube_py.meta.objects import Object
from minikube_py.network.host_port_rules import table_name
from minikube_py.network.host_ports import Elsewhere, HostPorts
from minikube_py.network.service_proxy.nftables import Nft
from tests.control_loop.harness import ControlPlane
from tests.network.conftest import World

pytestmark = pytest.mark.root

PORT = 18080


def _pod(name: str, node: str, ip: str) -> Object:
    ports = [{"containerPort": 80, "hostPort": PORT}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "main", "image": "main:1", "ports": ports}],
        },
        "status": {"phase": "Running", "podIP": ip},
    }


async def _serve(plane: ControlPlane, world: World, name: str, node: str) -> asyncio.Server:
    ip = await world.pod(name)
    server = await world.greeter(name, 80, name)
    body = _pod(name, node, ip)
    await plane.create(POD, body)
    await plane.resources.update_status(
        POD, "default", name, lambda pod: pod.update(status=body["status"])
    )
    return server


async def _answers(world: World, *calls: tuple[str | None, str]) -> list[str]:
    """Who answers each (caller, address); asked again until somebody does."""
    found = []
    for caller, address in calls:
        while True:
            try:
                found.append((await world.call(caller, address, PORT)).partition(" ")[0])
                break
            except OSError:
                await asyncio.sleep(0.02)
    return found


async def test_one_port_of_two_nodes_leads_to_the_pod_of_each(
    world: World, plane: ControlPlane
) -> None:
    second = f"{world.gateway.removesuffix('.0.1')}.1.1"
    await world.host.add_service_address(world.cluster, second)
    elsewhere = Elsewhere({"host-2": second})
    plane.start(HostPorts(world.host, world.cluster, plane.informers, plane.recorder, elsewhere))
    servers = [
        await _serve(plane, world, "one", "host"),
        await _serve(plane, world, "two", "host-2"),
    ]
    try:
        await world.pod("caller")

        async with asyncio.timeout(8):
            first = await _answers(
                world, (None, "127.0.0.1"), (None, world.gateway), ("caller", world.gateway)
            )
            other = await _answers(world, (None, second), ("caller", second), ("two", second))
    finally:
        for server in servers:
            server.close()
        await Nft(table_name(world.cluster)).remove()

    assert (first, other) == (["one"] * 3, ["two"] * 3)
    assert plane.events("HostPortConflict") == []


async def test_a_host_port_leaves_alone_what_services_answer_on_the_host(
    world: World, plane: ControlPlane
) -> None:
    vip = f"{world.service_range.rsplit('.', 1)[0]}.77"
    await world.host.add_service_address(world.cluster, vip)
    elsewhere = Elsewhere(services=world.service_range)
    plane.start(HostPorts(world.host, world.cluster, plane.informers, plane.recorder, elsewhere))
    pod = await _serve(plane, world, "one", "host")
    service = await asyncio.start_server(_says_service, vip, PORT)
    try:
        await world.pod("caller")

        async with asyncio.timeout(8):
            found = await _answers(world, (None, "127.0.0.1"), (None, vip), ("caller", vip))
    finally:
        pod.close()
        service.close()
        await Nft(table_name(world.cluster)).remove()

    assert found == ["one", "service", "service"]


async def _says_service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"service answers")
    writer.close()
