from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from minikube_py.meta.objects import Key
from minikube_py.network.dns.records import Record, Zone, pod_records, service_records
from tests.network.objects import endpoint, endpoint_slice, service

DOMAIN = "cluster.local"
WEB = "web.default.svc.cluster.local"


def test_a_service_has_an_address_a_reverse_name_and_one_srv_a_named_port() -> None:
    records = service_records(service("web"), [], DOMAIN)

    assert records == {
        WEB: (Record("A", "10.96.1.1"),),
        "1.1.96.10.in-addr.arpa": (Record("PTR", WEB),),
        f"_http._tcp.{WEB}": (Record("SRV", WEB, 80),),
    }


def test_a_headless_service_names_its_ready_pods() -> None:
    pods = endpoint_slice(
        "db",
        endpoint("10.244.0.5", hostname="db-0", ready=True),
        endpoint("10.244.0.6", ready=True),
        endpoint("10.244.0.7", hostname="db-2", ready=False),
        port=5432,
        port_name="sql",
    )

    records = service_records(service("db", clusterIP="None"), [pods], DOMAIN)

    name = "db.default.svc.cluster.local"
    assert records == {
        name: (Record("A", "10.244.0.5"), Record("A", "10.244.0.6")),
        f"db-0.{name}": (Record("A", "10.244.0.5"),),
        f"10-244-0-6.{name}": (Record("A", "10.244.0.6"),),
        "5.0.244.10.in-addr.arpa": (Record("PTR", f"db-0.{name}"),),
        f"_sql._tcp.{name}": (
            Record("SRV", f"db-0.{name}", 5432),
            Record("SRV", f"10-244-0-6.{name}", 5432),
        ),
    }


def test_an_external_name_is_an_alias() -> None:
    spec = {"type": "ExternalName", "externalName": "API.Example.com.", "clusterIP": ""}

    records = service_records(service("api", **spec), [], DOMAIN)

    assert records == {"api.default.svc.cluster.local": (Record("CNAME", "api.example.com"),)}


def test_a_pod_is_known_by_its_address_while_it_runs() -> None:
    pod = {
        "metadata": {"name": "a", "namespace": "shop"},
        "status": {"phase": "Running", "podIP": "10.244.0.9"},
    }

    assert pod_records(pod, DOMAIN) == {
        "10-244-0-9.shop.pod.cluster.local": (Record("A", "10.244.0.9"),)
    }
    pod["status"] = {"phase": "Succeeded", "podIP": "10.244.0.9"}
    assert pod_records(pod, DOMAIN) == {}


def test_names_above_a_record_exist_and_others_do_not() -> None:
    zone = Zone(DOMAIN, [IPv4Network("10.96.0.0/16")])
    zone.replace(Key("default/web"), service_records(service("web"), [], DOMAIN))

    assert zone.lookup("default.svc.cluster.local").exists
    assert zone.lookup("svc.cluster.local").exists
    assert zone.lookup(DOMAIN).exists
    assert not zone.lookup("other.default.svc.cluster.local").exists
    assert zone.lookup("other.default.svc.cluster.local").ours
    assert zone.lookup("2.1.96.10.in-addr.arpa").ours
    assert not zone.lookup("example.com").ours
    assert not zone.lookup("notcluster.local").ours


def test_a_service_that_goes_takes_its_names_along() -> None:
    zone = Zone(DOMAIN)
    zone.replace(Key("default/web"), service_records(service("web"), [], DOMAIN))

    assert zone.replace(Key("default/web"), {})
    assert not zone.replace(Key("default/web"), {})
    assert not zone.lookup(WEB).exists
    assert not zone.lookup("svc.cluster.local").exists


LABEL = st.sampled_from(["a", "b", "c"])
NAME = st.lists(LABEL, min_size=1, max_size=3).map(lambda labels: ".".join(labels) + ".z")
CHANGES = st.lists(st.tuples(LABEL, st.sets(NAME, max_size=4)), max_size=12)


@given(CHANGES)
def test_a_zone_is_what_its_last_records_say_whatever_came_before(
    changes: list[tuple[str, set[str]]],
) -> None:
    zone = Zone("z")
    last: dict[str, set[str]] = {}
    for key, names in changes:
        zone.replace(Key(key), {name: (Record("A", "10.0.0.1"),) for name in names})
        last[key] = names

    held = set().union(*last.values()) if last else set()
    for name in {name for _, names in changes for name in names} | {"a.z", "a.b.z", "q.z"}:
        found = zone.lookup(name)
        assert bool(found.records) == (name in held)
        assert found.exists == any(one == name or one.endswith("." + name) for one in held)
