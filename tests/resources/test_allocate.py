"""Services' addresses and node ports, from request to release."""

import asyncio
import random
from pathlib import Path

import pytest

from minikube_py.kinds.catalog import SERVICE
from minikube_py.meta.errors import InternalError, Invalid
from minikube_py.meta.objects import Object
from minikube_py.resources.allocate import Claims, ServiceAllocator
from minikube_py.resources.resources import Resources, WriteOptions
from minikube_py.store.sqlite import SqliteStore
from tests.resources.conftest import FakeClock, new_resources, service


def allocator_of(resources: Resources) -> ServiceAllocator:
    return resources.allocator


async def made(resources: Resources, name: str = "web", **spec: object) -> Object:
    obj = (await resources.create(SERVICE, "default", service(name, **spec))).object
    return dict(obj["spec"])


async def test_a_service_gets_an_address_in_the_range(resources: Resources) -> None:
    spec = await made(resources)

    assert spec["clusterIP"].startswith("10.96.")
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert "nodePort" not in spec["ports"][0]


async def test_an_address_asked_for_is_given_once(resources: Resources) -> None:
    assert (await made(resources, "dns", clusterIP="10.96.0.10"))["clusterIP"] == "10.96.0.10"

    with pytest.raises(Invalid) as caught:
        await made(resources, "other", clusterIP="10.96.0.10")

    assert 'spec.clusterIPs: Invalid value: ["10.96.0.10"]' in caught.value.message
    assert "provided IP is already allocated" in caught.value.message
    with pytest.raises(Invalid, match="not in the valid range"):
        await made(resources, "far", clusterIP="10.1.0.10")


async def test_headless_and_external_services_have_no_address(resources: Resources) -> None:
    headless = await made(resources, "headless", clusterIP="None")
    external = await made(
        resources, "external", type="ExternalName", externalName="example.com", ports=[]
    )

    assert (headless["clusterIP"], headless["clusterIPs"]) == ("None", ["None"])
    assert "clusterIP" not in external
    assert allocator_of(resources).in_use == Claims()


async def test_node_ports_are_given_and_kept_unique(resources: Resources) -> None:
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81, "nodePort": 30080}]
    spec = await made(resources, type="NodePort", ports=ports)

    assert 30000 <= spec["ports"][0]["nodePort"] <= 32767
    with pytest.raises(Invalid, match="provided port is already allocated"):
        await made(resources, "x", type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    with pytest.raises(Invalid, match="The range of valid ports is 30000-32767"):
        await made(resources, "y", type="NodePort", ports=[{"port": 80, "nodePort": 80}])


async def test_one_node_port_serves_two_protocols_of_one_service(resources: Resources) -> None:
    ports = [
        {"name": "t", "port": 53, "protocol": "TCP", "nodePort": 30053},
        {"name": "u", "port": 53, "protocol": "UDP"},
    ]

    spec = await made(resources, type="NodePort", ports=ports)

    assert [port["nodePort"] for port in spec["ports"]] == [30053, 30053]


async def test_a_refused_service_holds_nothing(resources: Resources) -> None:
    await made(resources, type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    before = allocator_of(resources).in_use

    for options in (WriteOptions(), WriteOptions(dry_run=True)):
        body = service("b", type="NodePort", ports=[{"port": 1}])
        if not options.dry_run:
            body["spec"]["ports"].append({"name": "x", "port": 2, "nodePort": 30080})
            body["spec"]["ports"][0]["name"] = "y"
            with pytest.raises(Invalid):
                await resources.create(SERVICE, "default", body, options)
        else:
            await resources.create(SERVICE, "default", body, options)

    assert allocator_of(resources).in_use == before


async def test_a_name_that_is_taken_leaks_nothing(resources: Resources) -> None:
    await asyncio.gather(
        *(resources.create(SERVICE, "default", service()) for _ in range(5)),
        return_exceptions=True,
    )

    assert len(allocator_of(resources).in_use.addresses) == 1


async def test_an_address_is_free_again_after_deletion(resources: Resources) -> None:
    await made(resources, type="NodePort")
    await resources.delete(SERVICE, "default", "web")

    assert allocator_of(resources).in_use == Claims()


async def test_a_deletion_by_the_last_finalizer_frees_too(resources: Resources) -> None:
    body = service()
    body["metadata"]["finalizers"] = ["x.io/a"]
    await resources.create(SERVICE, "default", body)
    await resources.delete(SERVICE, "default", "web")
    assert len(allocator_of(resources).in_use.addresses) == 1

    await resources.modify(SERVICE, "default", "web", lambda obj: obj["metadata"].pop("finalizers"))

    assert allocator_of(resources).in_use == Claims()


async def test_an_update_that_says_nothing_keeps_address_and_ports(resources: Resources) -> None:
    before = await made(resources, type="NodePort")

    written = await resources.update(
        SERVICE, "default", "web", service(type="NodePort", selector={"a": "b"})
    )

    assert written.object["spec"]["clusterIP"] == before["clusterIP"]
    assert written.object["spec"]["ports"] == before["ports"]


async def test_a_change_of_type_takes_and_frees_ports(resources: Resources) -> None:
    await made(resources)
    await resources.modify(
        SERVICE, "default", "web", lambda obj: obj["spec"].update(type="NodePort")
    )
    assert len(allocator_of(resources).in_use.ports) == 1

    await resources.modify(
        SERVICE, "default", "web", lambda obj: obj["spec"].update(type="ClusterIP")
    )

    assert allocator_of(resources).in_use.ports == frozenset()
    assert "nodePort" not in resources.get(SERVICE, "default", "web")["spec"]["ports"][0]


async def test_a_service_that_becomes_external_gives_its_address_back(
    resources: Resources,
) -> None:
    await made(resources)

    await resources.modify(
        SERVICE,
        "default",
        "web",
        lambda obj: obj["spec"].update(type="ExternalName", externalName="example.com"),
    )

    assert allocator_of(resources).in_use == Claims()
    assert "clusterIP" not in resources.get(SERVICE, "default", "web")["spec"]


async def test_what_is_stored_is_known_after_a_restart(
    resources: Resources, store: SqliteStore, clock: FakeClock
) -> None:
    await made(resources, "a", type="NodePort")
    await made(resources, "b", clusterIP="10.96.0.10")

    restarted = new_resources(store, clock)

    assert allocator_of(restarted).in_use == allocator_of(resources).in_use


async def test_a_cancelled_creator_neither_leaks_nor_loses_its_address(
    resources: Resources,
) -> None:
    creating = asyncio.ensure_future(resources.create(SERVICE, "default", service()))
    await asyncio.sleep(0)
    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    await made(resources, "after")

    stored = {
        int.from_bytes(map(int, obj["spec"]["clusterIP"].split(".")), "big")
        for obj in resources.list(SERVICE).objects()
    }
    assert len(stored) == 2
    assert allocator_of(resources).in_use.addresses == stored


def test_a_full_range_says_so(tmp_path: Path) -> None:
    allocator = ServiceAllocator("10.0.0.0/30", range(30000, 30001), source=random.Random(1))
    for name in ("a", "b"):
        allocator.reserve(service(name, type="ClusterIP"), None).commit()

    with pytest.raises(InternalError, match=r"range 10\.0\.0\.0/30 is full"):
        allocator.reserve(service("c"), None)


def test_dynamic_addresses_leave_the_lower_band_to_those_who_ask() -> None:
    allocator = ServiceAllocator("10.0.0.0/24", source=random.Random(1))
    for number in range(200):
        allocator.reserve(service(f"s{number}"), None).commit()

    lowest = min(allocator.in_use.addresses) - (10 << 24)
    assert lowest > 16


async def test_a_load_balancer_may_do_without_node_ports(resources: Resources) -> None:
    spec = await made(resources, type="LoadBalancer", allocateLoadBalancerNodePorts=False)

    assert "nodePort" not in spec["ports"][0]


async def test_local_load_balancers_get_a_health_check_port_and_give_it_back(
    resources: Resources,
) -> None:
    local = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    spec = await made(resources, **local)
    chosen = await made(resources, "chosen", **local, healthCheckNodePort=32000)
    assert spec["healthCheckNodePort"] in allocator_of(resources).in_use.ports
    assert chosen["healthCheckNodePort"] == 32000

    kept = await resources.update(SERVICE, "default", "web", service(**local))
    assert kept.object["spec"]["healthCheckNodePort"] == spec["healthCheckNodePort"]
    await resources.modify(
        SERVICE,
        "default",
        "chosen",
        lambda obj: obj["spec"].update(externalTrafficPolicy="Cluster"),
    )

    assert 32000 not in allocator_of(resources).in_use.ports


def test_a_full_range_of_ports_says_so() -> None:
    allocator = ServiceAllocator("10.0.0.0/24", range(30000, 30001), source=random.Random(1))
    allocator.reserve(service("a", type="NodePort"), None).commit()
    before = allocator.in_use

    with pytest.raises(InternalError, match="failed to allocate a nodePort"):
        allocator.reserve(service("b", type="NodePort"), None)
    assert allocator.in_use == before


def test_a_port_listed_twice_for_one_protocol_is_a_duplicate() -> None:
    allocator = ServiceAllocator("10.0.0.0/24")
    ports = [{"port": 1, "nodePort": 30001}, {"port": 2, "nodePort": 30001}]

    with pytest.raises(Invalid, match=r"spec\.ports\[1\]\.nodePort: Duplicate value: 30001"):
        allocator.reserve(service(type="NodePort", ports=ports), None)
