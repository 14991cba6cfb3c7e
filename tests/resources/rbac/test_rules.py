"""What a rule allows, and which rules it is worth."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minikube_py.meta.users import User
from minikube_py.resources.rbac.attributes import Attributes
from minikube_py.resources.rbac.rules import Rule, compacted, parse_rule, uncovered

ALICE = User("alice")


def asks(verb: str, resource: str, *, group: str = "", name: str = "") -> Attributes:
    """`resource` may have a /subresource."""
    main, _, sub = resource.partition("/")
    return Attributes(ALICE, verb, group, main, sub, name=name)


def asks_path(verb: str, path: str) -> Attributes:
    return Attributes(ALICE, verb, path=path)


def rule(verbs: str, resources: str, *, groups: str = "core", names: str = "") -> Rule:
    parsed = ["" if group == "core" else group for group in groups.split()]
    return Rule(tuple(verbs.split()), tuple(parsed), tuple(resources.split()), tuple(names.split()))


@pytest.mark.parametrize(
    ("held", "asked", "allowed"),
    [
        pytest.param(rule("get", "pods"), asks("get", "pods"), True, id="same"),
        pytest.param(rule("get", "pods"), asks("list", "pods"), False, id="other-verb"),
        pytest.param(rule("get", "pods"), asks("get", "nodes"), False, id="other-resource"),
        pytest.param(rule("get", "pods"), asks("get", "pods", group="x"), False, id="other-group"),
        pytest.param(rule("*", "pods"), asks("anything", "pods"), True, id="all-verbs"),
        pytest.param(rule("get", "*"), asks("get", "pods/log"), True, id="all-resources"),
        pytest.param(
            rule("get", "pods", groups="*"), asks("get", "pods", group="x"), True, id="all-groups"
        ),
        pytest.param(rule("get", "pods"), asks("get", "pods/log"), False, id="not-subresources"),
        pytest.param(rule("get", "pods/log"), asks("get", "pods/log"), True, id="subresource"),
        pytest.param(rule("get", "pods/log"), asks("get", "pods"), False, id="subresource-alone"),
        pytest.param(
            rule("get", "*/scale"), asks("get", "things/scale"), True, id="subresource-of-all"
        ),
        pytest.param(rule("get", "*/scale"), asks("get", "scale"), False, id="no-subresource"),
        pytest.param(rule("get", "pods/*"), asks("get", "pods/log"), False, id="no-such-pattern"),
        pytest.param(
            rule("get", "pods", names="a b"), asks("get", "pods", name="b"), True, id="name"
        ),
        pytest.param(
            rule("get", "pods", names="a b"), asks("get", "pods", name="c"), False, id="other-name"
        ),
        pytest.param(rule("list", "pods", names="a"), asks("list", "pods"), False, id="no-name"),
        pytest.param(rule("get", "pods"), asks_path("get", "/pods"), False, id="path-of-resource"),
    ],
)
def test_a_rule_allows(held: Rule, asked: Attributes, allowed: bool) -> None:
    assert held.allows(asked) is allowed


@pytest.mark.parametrize(
    ("url", "path", "allowed"),
    [
        pytest.param("/logs", "/logs", True, id="same"),
        pytest.param("/logs", "/logs/a", False, id="below"),
        pytest.param("/logs/*", "/logs/a/b", True, id="all-below"),
        pytest.param("/logs/*", "/logs", False, id="not-itself"),
        pytest.param("/logs*", "/logs", True, id="prefix"),
        pytest.param("*", "/whatever", True, id="all"),
        pytest.param("/*/a", "/b/a", False, id="star-inside"),
    ],
)
def test_only_the_end_of_a_path_may_be_a_star(url: str, path: str, allowed: bool) -> None:
    held = Rule(("get",), urls=(url,))

    assert held.allows(asks_path("get", path)) is allowed
    assert not held.allows(asks_path("post", path))
    assert not held.allows(asks("get", "pods"))


WORDS = st.sampled_from(["a", "b", "*"])
RESOURCES = st.sampled_from(["a", "b", "a/x", "*/x", "a/*", "*"])
PATHS = st.sampled_from(["/a", "/a/b", "/a/*", "/*", "*"])


def lists(words: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(words, max_size=3)


RULES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "verbs": lists(WORDS),
        "apiGroups": lists(WORDS),
        "resources": lists(RESOURCES),
        "resourceNames": lists(st.sampled_from(["n", "m"])),
        "nonResourceURLs": lists(PATHS),
    }
)
ASKED = st.builds(
    Attributes,
    user=st.just(ALICE),
    verb=st.sampled_from(["a", "b", "c"]),
    group=st.sampled_from(["a", "b", "c"]),
    resource=st.sampled_from(["a", "b", "c"]),
    subresource=st.sampled_from(["", "x", "y"]),
    name=st.sampled_from(["", "n", "m", "o"]),
    path=st.sampled_from([None, "/a", "/a/b", "/c"]),
)


def allows_naively(rule: dict[str, Any], asked: Attributes) -> bool:
    """Word for word as the documentation has it."""
    if not any(verb in ("*", asked.verb) for verb in rule["verbs"]):
        return False
    if asked.path is not None:
        return any(
            asked.path.startswith(url[:-1]) if url.endswith("*") else url == asked.path
            for url in rule["nonResourceURLs"]
        )
    if not any(group in ("*", asked.group) for group in rule["apiGroups"]):
        return False
    full = asked.resource + (f"/{asked.subresource}" if asked.subresource else "")
    wanted = {"*", full} | ({f"*/{asked.subresource}"} if asked.subresource else set())
    if not wanted & set(rule["resources"]):
        return False
    return not rule["resourceNames"] or asked.name in rule["resourceNames"]


@given(RULES, ASKED)
def test_rules_match_as_a_naive_reading_does(spelled: dict[str, Any], asked: Attributes) -> None:
    assert parse_rule(spelled).allows(asked) is allows_naively(spelled, asked)


@given(st.lists(RULES, max_size=3), RULES, ASKED)
def test_what_is_covered_allows_nothing_that_is_not_held(
    held: list[dict[str, Any]], wanted: dict[str, Any], asked: Attributes
) -> None:
    mine, given_away = [parse_rule(each) for each in held], parse_rule(wanted)

    if not uncovered(mine, [given_away]) and given_away.allows(asked):
        assert any(each.allows(asked) for each in mine)


@given(RULES)
def test_every_rule_covers_itself(spelled: dict[str, Any]) -> None:
    assume(not (spelled["nonResourceURLs"] and spelled["resourceNames"]))  # refused when written
    one = parse_rule(spelled)

    assert uncovered([one], [one]) == []


def test_what_is_missing_is_told_verb_by_verb_and_read_as_one() -> None:
    held = [rule("get list", "pods secrets"), rule("*", "secrets", names="mine")]
    wanted = [rule("get delete create", "pods"), rule("delete", "secrets", names="mine other")]

    missing = compacted(uncovered(held, wanted))

    assert [str(each) for each in missing] == [
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "create"]}',
        '{APIGroups:[""], Resources:["secrets"], ResourceNames:["other"], Verbs:["delete"]}',
    ]


def test_missing_paths_are_told_one_by_one() -> None:
    wanted = [Rule(("get", "post"), urls=("/a",))]

    missing = compacted(uncovered([Rule(("get",), urls=("/b*",))], wanted))

    assert [str(each) for each in missing] == [
        '{NonResourceURLs:["/a"], Verbs:["get"]}',
        '{NonResourceURLs:["/a"], Verbs:["post"]}',
    ]


def test_a_rule_reads_as_it_was_written() -> None:
    spelled = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["a"]}

    assert parse_rule(spelled).as_object() == spelled
