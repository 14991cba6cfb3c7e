from typing import Any

from minikube_py.kubelet.pod_files import etc_hostname, etc_hosts, resolver
from minikube_py.meta.objects import Object

HOST_RESOLV = "domain lab\nsearch lab.example .\nnameserver 192.0.2.53\noptions edns0\n"


def pod(**spec: Any) -> Object:
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def resolv(**spec: Any) -> list[str]:
    found = resolver(
        pod(**spec),
        cluster_dns="10.96.0.10",
        cluster_domain="cluster.local",
        host_file=HOST_RESOLV,
    )
    return found.text().splitlines()


def test_cluster_first_asks_the_cluster_and_keeps_the_hosts_searches() -> None:
    assert resolv() == [
        "search shop.svc.cluster.local svc.cluster.local cluster.local lab.example",
        "nameserver 10.96.0.10",
        "options ndots:5",
    ]


def test_default_is_the_hosts_own() -> None:
    expected = ["search lab.example", "nameserver 192.0.2.53", "options edns0"]

    assert resolv(dnsPolicy="Default") == expected
    assert resolv(hostNetwork=True) == expected


def test_host_network_may_ask_for_the_clusters() -> None:
    assert "nameserver 10.96.0.10" in resolv(hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet")


def test_dns_config_adds_and_overrides() -> None:
    config = {
        "nameservers": ["192.0.2.1", "10.96.0.10"],
        "searches": ["more.example"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}],
    }

    lines = resolv(dnsConfig=config)

    assert lines[0].endswith("lab.example more.example")
    assert lines[1:] == [
        "nameserver 10.96.0.10",
        "nameserver 192.0.2.1",
        "options ndots:2 rotate",
    ]


def test_none_is_only_what_the_pod_says() -> None:
    assert resolv(dnsPolicy="None", dnsConfig={"nameservers": ["192.0.2.1"]}) == [
        "nameserver 192.0.2.1"
    ]


def test_hosts_names_the_pod_and_its_aliases() -> None:
    text = etc_hosts(
        pod(hostAliases=[{"ip": "192.0.2.7", "hostnames": ["a", "b"]}]), "10.244.0.9", "c.l", ""
    )

    assert "10.244.0.9\tweb\n" in text
    assert text.endswith("# Entries added by HostAliases.\n192.0.2.7\ta\tb\n")


def test_a_subdomain_gives_the_full_name() -> None:
    text = etc_hosts(pod(subdomain="db", hostname="db-0"), "10.244.0.9", "c.l", "")

    assert "10.244.0.9\tdb-0.db.shop.svc.c.l\tdb-0\n" in text


def test_the_hosts_network_has_the_hosts_file() -> None:
    text = etc_hosts(pod(hostNetwork=True), "192.0.2.1", "c.l", "127.0.0.1 localhost\n")

    assert text.splitlines()[1] == "127.0.0.1 localhost"


def test_what_glibc_does_not_read_is_left_out_and_told() -> None:
    config = {
        "nameservers": ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
        "searches": [f"{n}.{'a' * 60}.example" for n in range(40)],
    }

    found = resolver(
        pod(dnsConfig=config), cluster_dns="10.96.0.10", cluster_domain="c.l", host_file=""
    )

    assert found.servers == ["10.96.0.10", "192.0.2.1", "192.0.2.2"]
    assert len(found.searches) < 32
    assert len(" ".join(found.searches)) <= 2048
    assert [message.partition(" limits")[0] for message in found.omitted] == [
        "Search Line",
        "Nameserver",
    ]


def test_the_hostname_file_says_what_hostname_does() -> None:
    full = pod(hostname="db-0", subdomain="db", setHostnameAsFQDN=True)

    assert etc_hostname(pod(), "c.l", "machine") == "web\n"
    assert etc_hostname(full, "c.l", "machine") == "db-0.db.shop.svc.c.l\n"
    assert etc_hostname(pod(hostnameOverride="own.name"), "c.l", "machine") == "own.name\n"
    assert etc_hostname(pod(hostNetwork=True), "c.l", "machine") == "machine\n"


def test_another_hostname_stands_in_hosts_alone() -> None:
    text = etc_hosts(pod(hostnameOverride="own.name", subdomain="db"), "10.244.0.9", "c.l", "")

    assert "10.244.0.9\town.name\n" in text
