import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.meta.objects import Key, Object
from minikube_py.network.ingress.routes import (
    RoutingTable,
    Target,
    build_table,
    clean_path,
    host_name,
    is_ours,
    secrets_of,
    targets_of,
    unsupported_parts,
)

OLD, NEW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def backend(name: str, port: int | str = 80) -> Object:
    field = "number" if isinstance(port, int) else "name"
    return {"service": {"name": name, "port": {field: port}}}


def path(value: str, service: str, type_: str = "Prefix") -> Object:
    return {"path": value, "pathType": type_, "backend": backend(service)}


def rule(host: str | None, *paths: Object) -> Object:
    made: Object = {"http": {"paths": list(paths)}} if paths else {}
    return made | ({"host": host} if host else {})


def ingress(
    name: str, *rules: Object, made: str = OLD, namespace: str = "a", **spec: Any
) -> Object:
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": made}
    metadata["annotations"] = spec.pop("annotations", {})
    return {"metadata": metadata, "spec": {"ingressClassName": "mk", "rules": list(rules), **spec}}


def ingress_class(
    name: str, controller: str = "mk.dev/ingress", *, default: bool = False, made: str = OLD
) -> Object:
    key = "ingressclass.kubernetes.io/is-default-class"
    annotations = {key: "true"} if default else {}
    metadata = {"name": name, "creationTimestamp": made, "annotations": annotations}
    return {"metadata": metadata, "spec": {"controller": controller}}


def service_for(table: RoutingTable, host: str, asked: str) -> str | None:
    route = table.find(host, asked)
    return None if route is None or route.target is None else route.target.service.partition("/")[2]


@pytest.mark.parametrize(
    ("type_", "rule_path", "asked", "matches"),
    [
        ("Prefix", "/", "/all/of/it", True),
        ("Exact", "/foo", "/foo", True),
        ("Exact", "/foo", "/bar", False),
        ("Exact", "/foo", "/foo/", False),
        ("Exact", "/foo/", "/foo", False),
        ("Prefix", "/foo", "/foo", True),
        ("Prefix", "/foo", "/foo/", True),
        ("Prefix", "/foo/", "/foo", True),
        ("Prefix", "/foo/", "/foo/", True),
        ("Prefix", "/aaa/bb", "/aaa/bbb", False),
        ("Prefix", "/aaa/bbb", "/aaa/bbb", True),
        ("Prefix", "/aaa/bbb/", "/aaa/bbb", True),
        ("Prefix", "/aaa/bbb", "/aaa/bbb/", True),
        ("Prefix", "/aaa/bbb", "/aaa/bbb/ccc", True),
        ("Prefix", "/aaa/bbb", "/aaa/bbbxyz", False),
        ("Prefix", "/aaa", "/AAA", False),
        ("ImplementationSpecific", "", "/anything", True),
        ("ImplementationSpecific", "/app/*", "/app/page", True),
        ("ImplementationSpecific", "/app/*", "/apple", False),
    ],
)
def test_a_path_matches_as_kubernetes_documents(
    type_: str, rule_path: str, asked: str, matches: bool
) -> None:
    table = build_table([ingress("i", rule("foo.com", path(rule_path, "web", type_)))], [])

    assert (service_for(table, "foo.com", asked) == "web") is matches


def test_exact_goes_before_the_longest_prefix() -> None:
    paths = [path("/", "root"), path("/a", "a"), path("/a/b", "ab"), path("/a/b", "it", "Exact")]
    table = build_table([ingress("i", rule("foo.com", *paths))], [])

    found = [service_for(table, "foo.com", asked) for asked in ("/a/b", "/a/b/c", "/a/c", "/x")]

    assert found == ["it", "ab", "a", "root"]


def test_an_exact_host_goes_before_a_wildcard_and_that_before_no_host() -> None:
    rules = [
        rule(None, path("/", "any")),
        rule("*.foo.com", path("/", "wild")),
        rule("bar.foo.com", path("/", "bar")),
    ]
    table = build_table([ingress("i", *rules)], [])

    hosts = ("bar.foo.com", "x.foo.com", "y.x.foo.com", "foo.com", "")

    assert [service_for(table, host, "/") for host in hosts] == ["bar", "wild", "any", "any", "any"]


def test_a_path_that_an_exact_host_lacks_is_looked_for_in_wider_rules() -> None:
    rules = [rule("bar.foo.com", path("/own", "bar")), rule("*.foo.com", path("/", "wild"))]
    table = build_table([ingress("i", *rules)], [])

    assert service_for(table, "bar.foo.com", "/own/x") == "bar"
    assert service_for(table, "bar.foo.com", "/else") == "wild"


def test_of_two_ingresses_that_claim_the_same_the_older_has_it() -> None:
    older = ingress("z", rule("foo.com", path("/", "old")), made=OLD)
    newer = ingress("a", rule("foo.com", path("/", "new"), path("/more", "more")), made=NEW)
    table = build_table([newer, older], [])

    assert service_for(table, "foo.com", "/") == "old"
    assert service_for(table, "foo.com", "/more") == "more"


def test_what_no_rule_takes_goes_to_the_hosts_own_default_first() -> None:
    lone = ingress("lone", made=NEW, defaultBackend=backend("everyone"))
    own = ingress("own", rule("foo.com", path("/a", "a")), defaultBackend=backend("mine"))
    table = build_table([own, lone], [])

    assert service_for(table, "foo.com", "/b") == "mine"
    assert service_for(table, "bar.com", "/b") == "everyone"


def test_nothing_matches_without_rule_and_default() -> None:
    table = build_table([ingress("i", rule("foo.com", path("/a", "a")))], [])

    assert table.find("foo.com", "/b") is None
    assert table.find("bar.com", "/a") is None
    assert table.knows("foo.com")
    assert not table.knows("bar.com")


@pytest.mark.parametrize(
    ("spec", "annotation", "classes", "ours"),
    [
        pytest.param("mk", None, [], True, id="mk without an object"),
        pytest.param("mk", None, [ingress_class("mk", "k8s.io/nginx")], False, id="mk taken over"),
        pytest.param("web", None, [ingress_class("web")], True, id="another class of mk"),
        pytest.param("web", None, [], False, id="unknown class"),
        pytest.param("nginx", "mk", [], False, id="the field goes before the annotation"),
        pytest.param(None, "mk", [], True, id="annotation"),
        pytest.param(None, "nginx", [ingress_class("mk", default=True)], False, id="other"),
        pytest.param(None, None, [ingress_class("mk", default=True)], True, id="default"),
        pytest.param(None, None, [ingress_class("mk")], False, id="no default"),
        pytest.param(
            None,
            None,
            [ingress_class("mk", default=True), ingress_class("n", "x/y", default=True, made=NEW)],
            False,
            id="the newest default counts",
        ),
    ],
)
def test_an_ingress_is_ours_by_its_class(
    spec: str | None, annotation: str | None, classes: list[Object], ours: bool
) -> None:
    annotations = {"kubernetes.io/ingress.class": annotation} if annotation else {}
    obj = ingress("i", rule("foo.com", path("/", "web")), annotations=annotations)
    obj["spec"]["ingressClassName"] = spec

    assert is_ours(obj, classes) is ours
    assert (build_table([obj], classes).find("foo.com", "/") is not None) is ours


def test_secrets_are_tried_for_the_exact_host_then_the_wildcard() -> None:
    wild = ingress("wild", tls=[{"hosts": ["*.foo.com"], "secretName": "wild"}])
    own = ingress("own", made=NEW, tls=[{"hosts": ["bar.foo.com"], "secretName": "own"}])
    table = build_table([own, wild], [])

    assert table.secrets_for("bar.foo.com") == ("a/own", "a/wild")
    assert table.secrets_for("x.foo.com") == ("a/wild",)
    assert table.secrets_for("foo.com") == ()


def test_a_secret_without_hosts_is_for_the_hosts_of_the_rules() -> None:
    obj = ingress("i", rule("foo.com"), rule("bar.com"), tls=[{"secretName": "s"}])

    assert secrets_of(obj) == {"a/s": ("foo.com", "bar.com")}


def test_a_host_without_secret_name_is_left_to_the_authority() -> None:
    table = build_table([ingress("i", rule("foo.com"), tls=[{"hosts": ["foo.com"]}])], [])

    assert table.secrets_for("foo.com") == ()


def test_targets_are_services_by_number_or_name() -> None:
    named = {"path": "/n", "pathType": "Prefix", "backend": backend("web", "http")}
    resource = {"path": "/r", "pathType": "Prefix", "backend": {"resource": {"kind": "Bucket"}}}
    obj = ingress("i", rule("foo.com", named, resource), defaultBackend=backend("rest"))
    targets = {Target(Key("a/web"), "http"), Target(Key("a/rest"), 80)}

    assert set(targets_of(obj)) == targets
    assert build_table([obj], []).targets() == targets
    assert unsupported_parts(obj) == ["spec.rules[0].http.paths[1].backend.resource"]


def test_annotations_that_would_change_much_elsewhere_are_named() -> None:
    prefix = "nginx.ingress.kubernetes.io/"
    annotations = {f"{prefix}rewrite-target": "/$1", f"{prefix}ssl-redirect": "true", "x": "y"}
    obj = ingress("i", rule("foo.com", path("/", "web")), annotations=annotations)
    route = build_table([obj], []).find("foo.com", "/")

    assert unsupported_parts(obj) == [f"metadata.annotations[{prefix}rewrite-target]"]
    assert route is not None
    assert route.ssl_redirect
    assert not route.rewrite


@pytest.mark.parametrize(
    ("sent", "cleaned"),
    [
        ("", "/"),
        ("/a/./b", "/a/b"),
        ("/open/../closed", "/closed"),
        ("/open/%2e%2e/closed", "/closed"),
        ("/open//../closed", "/closed"),
        ("//a//b/", "/a/b/"),
        ("/a%2Fb", "/a/b"),
        ("/../../x", "/x"),
        ("/a/..", "/"),
        ("/.well-known/x", "/.well-known/x"),
        ("/caf%C3%A9", "/café"),
    ],
)
def test_a_path_is_understood_as_servers_do(sent: str, cleaned: str) -> None:
    assert clean_path(sent) == cleaned


def test_a_path_cannot_climb_out_of_what_is_open() -> None:
    table = build_table([ingress("i", rule("foo.com", path("/open", "web")))], [])

    assert table.find("foo.com", "/open/%2e%2e/closed") is None


@pytest.mark.parametrize(
    ("header", "name"),
    [("Foo.com:8080", "foo.com"), ("foo.com.", "foo.com"), ("[::1]:80", "[::1]"), ("", "")],
)
def test_a_host_is_its_name(header: str, name: str) -> None:
    assert host_name(header) == name


# --- properties --------------------------------------------------------------------------------

ELEMENTS = st.sampled_from(["a", "b", "ab"])
PATHS = st.lists(ELEMENTS, max_size=4).map(lambda parts: "/" + "/".join(parts))
HOSTS = st.sampled_from([None, "foo.com", "x.foo.com", "*.foo.com", "*.com"])
TYPES = st.sampled_from(["Exact", "Prefix"])
RULES = st.lists(st.tuples(HOSTS, PATHS, TYPES, st.integers(0, 3)), max_size=12)


def ingresses_of(rules: list[tuple[str | None, str, str, int]]) -> list[Object]:
    return [
        ingress(
            f"i{number}", rule(host, path(value, f"s{number}", type_)), made=f"2026-01-0{age + 1}"
        )
        for number, (host, value, type_, age) in enumerate(rules)
    ]


def by_the_book(rules: list[tuple[str | None, str, str, int]], host: str, asked: str) -> str | None:
    """The rule as documented, by trying all."""
    elements = [part for part in asked.split("/") if part]
    best: tuple[Any, ...] | None = None
    for number, (of, value, type_, age) in enumerate(rules):
        wild = of is not None and of.startswith("*.") and host.partition(".")[2] == of[2:]
        if not (of is None or of == host or wild):
            continue
        own = [part for part in value.split("/") if part]
        if not (value == asked if type_ == "Exact" else elements[: len(own)] == own):
            continue
        host_rank = 2 if of is None else int(of != host)
        rank = (host_rank, type_ != "Exact", -len(own), age, f"a/i{number}", f"s{number}")
        best = rank if best is None else min(best, rank)
    return None if best is None else str(best[-1])


@given(RULES, st.sampled_from(["foo.com", "x.foo.com", "y.x.foo.com", "else"]), PATHS)
def test_the_table_finds_what_trying_every_rule_finds(
    rules: list[tuple[str | None, str, str, int]], host: str, asked: str
) -> None:
    table = build_table(ingresses_of(rules), [])

    assert service_for(table, host, asked) == by_the_book(rules, host, asked)


@given(RULES, st.randoms(use_true_random=False))
def test_the_table_does_not_depend_on_the_order_it_is_told(
    rules: list[tuple[str | None, str, str, int]], source: random.Random
) -> None:
    ingresses = ingresses_of(rules)
    shuffled = source.sample(ingresses, len(ingresses))

    assert build_table(ingresses, []) == build_table(shuffled, [])


@given(st.text(alphabet="/.%2eEfFab", max_size=30).map(lambda text: "/" + text))
def test_a_clean_path_has_no_dots_and_stays_clean(sent: str) -> None:
    cleaned = clean_path(sent)

    assert cleaned.startswith("/")
    assert not {"..", ".", ""} & set(cleaned.strip("/").split("/")) or cleaned == "/"
