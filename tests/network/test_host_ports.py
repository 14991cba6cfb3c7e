from typing import Any

import pytest

from minikube_py.meta.cluster import Cluster
from minikube_py.meta.objects import Object
from minikube_py.network.host_port_rules import forwards_of, ports_table, settled, table_name


def pod(name: str = "web", *ports: Object, ip: str = "10.244.0.9", **spec: Any) -> Object:
    created = f"2026-01-01T00:00:0{name[-1] if name[-1].isdigit() else 0}Z"
    return {
        "metadata": {
            "name": name, "namespace": "shop", "uid": f"u-{name}", "creationTimestamp": created,
        },
        "spec": {"containers": [{"name": "app", "ports": list(ports)}], **spec},
        "status": {"podIP": ip, "phase": "Running"},
    }  # fmt: skip


def port(host_port: int, container_port: int = 80, **more: str) -> Object:
    return {"hostPort": host_port, "containerPort": container_port, **more}


def test_a_port_of_every_address_is_translated_for_local_addresses_only() -> None:
    served, unserved = settled([forwards_of(pod("web", port(8080)))])

    table = ports_table(Cluster("c"), served)

    assert unserved == ()
    assert "    tcp dport 8080 dnat ip to 10.244.0.9:80\n" in table
    assert table.count("fib daddr type local jump forwards") == 2
    assert table.startswith("add table ip mk-c/ports\ndelete table ip mk-c/ports\n")
    assert table_name(Cluster("c")) == "mk-c/ports"


def test_one_port_may_be_of_several_pods_by_address_and_protocol() -> None:
    pods = [
        pod("web1", port(8080, hostIP="127.0.0.1")),
        pod("web2", port(8080, hostIP="192.0.2.1")),
        pod("web3", port(8080, hostIP="192.0.2.1", protocol="UDP")),
    ]

    served, unserved = settled([forwards_of(one) for one in pods])

    assert [f"{one.address} {one.protocol}" for one in served] == [
        "127.0.0.1 tcp", "192.0.2.1 tcp", "192.0.2.1 udp",
    ]  # fmt: skip
    assert unserved == ()
    assert "ip daddr 127.0.0.1 tcp dport 8080 dnat" in ports_table(Cluster("c"), served)


def test_of_two_that_collide_the_older_has_the_port_and_the_other_is_told() -> None:
    young, old = pod("web2", port(8080)), pod("web1", port(8080, hostIP="192.0.2.1"))

    served, unserved = settled([forwards_of(young), forwards_of(old)])

    assert [one.pod for one in served] == ["shop/web1"]
    assert [(one.pod, one.reason) for one in unserved] == [("shop/web2", "HostPortConflict")]


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param({"hostNetwork": True}, id="host-network"),
        pytest.param({"containers": []}, id="no-ports"),
    ],
)
def test_a_pod_in_the_hosts_network_needs_no_translation(ends: dict[str, Any]) -> None:
    assert forwards_of(pod("web", port(8080), **ends)) == ()


def test_a_pod_without_an_address_or_that_ended_has_no_port() -> None:
    ended = pod("web", port(8080))
    ended["status"]["phase"] = "Succeeded"

    assert forwards_of(ended) == ()
    assert forwards_of(pod("web", port(8080), ip="")) == ()


def test_sidecars_have_ports_and_init_containers_have_none() -> None:
    starting = [
        {"name": "a", "restartPolicy": "Always", "ports": [port(1001)]},
        {"name": "b", "ports": [port(1002)]},
    ]

    assert [one.port for one in forwards_of(pod("web", initContainers=starting))] == [1001]


def test_an_address_of_version_six_is_refused_by_name() -> None:
    served, unserved = settled([forwards_of(pod("web", port(8080, hostIP="2001:db8::1")))])

    assert served == ()
    assert "2001:db8::1" in unserved[0].message
    assert unserved[0].reason == "HostPortNotSupported"


NODES = {"host-2": "10.244.1.1", "host-3": "10.244.2.1"}


def test_the_same_port_on_two_nodes_is_of_each_nodes_address() -> None:
    pods = [
        pod("web1", port(8080), nodeName="host"),
        pod("web2", port(8080), ip="10.244.1.9", nodeName="host-2"),
    ]

    served, unserved = settled([forwards_of(one, NODES) for one in pods], NODES.values())

    assert unserved == ()
    table = ports_table(Cluster("c"), served, NODES.values())
    others = "ip daddr != { 10.244.1.1, 10.244.2.1 }"
    assert f"{others} tcp dport 8080 dnat ip to 10.244.0.9:80" in table
    assert "ip daddr 10.244.1.1 tcp dport 8080 dnat ip to 10.244.1.9:80" in table


def test_an_address_named_by_pods_of_two_nodes_is_of_the_older() -> None:
    pods = [
        pod("web1", port(8080), nodeName="host"),
        pod("web2", port(8080, hostIP="127.0.0.1"), nodeName="host-2"),
    ]

    _, unserved = settled([forwards_of(one, NODES) for one in pods], NODES.values())

    assert [one.pod for one in unserved] == ["shop/web2"]


def test_the_unspecified_address_is_every_one() -> None:
    assert forwards_of(pod("web", port(8080, hostIP="0.0.0.0")))[0].address == ""
