"""Rules in CEL: what they see, when they are asked, and what is said where they don't hold."""

from typing import Any

import pytest

from minikube_py.kinds.custom.rules.definition import rule_errors
from minikube_py.kinds.custom.rules.tree import Run, rule_tree
from minikube_py.meta.objects import Object
from tests.kinds.custom.definitions import kind_with, spec_schema


def messages(node: Object, now: Any, old: Any = None) -> list[str]:
    tree = rule_tree(node)
    assert tree is not None
    return [str(error) for error in Run().errors(tree, now, old)]


def ruled(node: Object, *rules: str, **more: Any) -> Object:
    return {**node, "x-kubernetes-validations": [{"rule": rule, **more} for rule in rules]}


SPEC = {
    "type": "object",
    "properties": {
        "min": {"type": "integer"},
        "max": {"type": "integer"},
        "ratio": {"type": "number"},
        "port": {"x-kubernetes-int-or-string": True},
        "start": {"type": "string", "format": "date-time"},
        "timeout": {"type": "string", "format": "duration"},
        "x-y": {"type": "string"},
        "a.b/c": {"type": "string"},
        "namespace": {"type": "string"},
        "__odd": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "names": {"type": "array", "items": {"type": "string"}},
        "memory": {"type": "string"},
    },
}
VALUE = {
    "min": 1,
    "max": 3,
    "ratio": 2,
    "port": "http",
    "start": "2026-01-31T12:00:00Z",
    "timeout": "90s",
    "x-y": "dash",
    "a.b/c": "dotted",
    "namespace": "reserved",
    "__odd": "odd",
    "labels": {"app.kubernetes.io/name": "web"},
    "names": ["a", "b"],
    "memory": "1Gi",
}


@pytest.mark.parametrize(
    "rule",
    [
        "self.min <= self.max",
        "has(self.min) && has(self.max)",
        "type(self.ratio) == double && self.ratio == 2.0",
        "type(self.port) == int ? self.port < 65536 : self.port == 'http'",
        "self.start < timestamp('2027-01-01T00:00:00Z')",
        "self.timeout > duration('1m')",
        "self.x__dash__y == 'dash'",
        "self.a__dot__b__slash__c == 'dotted'",
        "self.__namespace__ == 'reserved'",
        "self.__underscores__odd == 'odd'",
        "self.labels['app.kubernetes.io/name'] == 'web'",
        "self.labels.all(key, key.startsWith('app'))",
        "self.names.isSorted() && self.names.join('-') == 'a-b'",
        "self.names.indexOf('b') == 1 && 'xb'.indexOf('b') == 1",
        "quantity(self.memory).isGreaterThan(quantity('512Mi'))",
        "quantity('1.5').add(quantity('500m')) == quantity('2') && quantity('2').asInteger() == 2",
        "url('https://a.example:8443/p?q=1').getPort() == '8443'",
        "url('https://a.example/p?q=1').getQuery()['q'] == ['1']",
        "ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.2.3.4')",
        "isIP('::1') && !isIP('fe80::1%eth0') && !isCIDR('10.0.0.0')",
        "semver('1.2.3').isLessThan(semver('1.10.0')) && isSemver('v1.2', true)",
        "'abc 123'.find('[0-9]+') == '123' && 'a1b2'.findAll('[0-9]').size() == 2",
        "self.?missing.orValue('x') == 'x' && self.names[?7].hasValue() == false",
        "self.names.all(index, name, index < 2 && name != '')",
        "'%s-%d'.format(['a', 1]) == 'a-1'",
        "[1, 2, 3].sum() == 6 && [2, 1].min() == 1",
        "sets.contains(self.names, ['a'])",
    ],
)
def test_rules_that_hold_say_nothing(rule: str) -> None:
    assert messages(ruled(SPEC, rule), VALUE) == []


def test_a_rule_that_does_not_hold_names_place_and_message() -> None:
    node = {"type": "object", "properties": {"spec": ruled(SPEC, "self.min > self.max")}}

    found = messages(node, {"spec": VALUE})

    assert found == ['spec: Invalid value: "object": failed rule: self.min > self.max']


def test_message_reason_and_field_path_are_the_rules_own() -> None:
    node = ruled(
        SPEC,
        "self.min > self.max",
        message="min must be above max",
        reason="FieldValueForbidden",
        fieldPath=".min",
    )

    assert messages(node, VALUE) == ["min: Forbidden: min must be above max"]


def test_a_message_expression_beats_the_message_unless_it_fails() -> None:
    told = ruled(SPEC, "false", message="plain", messageExpression="'min is %d'.format([self.min])")
    failing = ruled(SPEC, "false", message="plain", messageExpression="self.nope + 'x'")

    assert messages(told, VALUE) == [': Invalid value: "object": min is 1']
    assert messages(failing, VALUE) == [': Invalid value: "object": plain']


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("1 / (self.min - 1) == 0", "division by zero evaluating rule: 1 /"),
        ("self.labels['nope'] == 'x'", "no such key: nope evaluating rule: self."),
        ("self.names[7] == 'x'", "index out of bounds: 7 evaluating rule: self."),
        ("self.min.startsWith('a')", "': call arguments did not match a supported operator"),
        ("ip(self.memory).family() == 4", "does not appear to be an IPv4 or IPv6 address"),
        ("self.names.map(n, int(n)).max() > 1", "evaluating rule"),
    ],
)
def test_what_goes_wrong_while_asking_is_told(rule: str, problem: str) -> None:
    found = messages(ruled(SPEC, rule), VALUE)

    assert len(found) == 1
    assert problem in found[0]


def test_a_scalar_is_shown_itself() -> None:
    found = messages(ruled({"type": "string"}, "self == oldSelf", message="immutable"), "b", "a")

    assert found == [': Invalid value: "b": immutable']


def test_rules_stand_at_scalars_lists_and_maps() -> None:
    node = {
        "type": "object",
        "properties": {
            "count": ruled({"type": "integer"}, "self > 3"),
            "names": {"type": "array", "items": ruled({"type": "string"}, "self != 'b'")},
            "when": ruled({"type": "string", "format": "date-time"}, "self.getFullYear() > 2026"),
            "labels": {
                "type": "object",
                "additionalProperties": ruled({"type": "string"}, "self.size() < 3"),
            },
        },
    }
    value = {
        "count": 1,
        "names": ["a", "b"],
        "when": "2026-01-31T12:00:00Z",
        "labels": {"one": "long"},
    }

    found = messages(node, value)

    assert [text.partition(":")[0] for text in found] == ["count", "names[1]", "when", "labels.one"]


def test_transition_rules_are_asked_on_updates_only() -> None:
    node = ruled(SPEC, "self.min >= oldSelf.min", message="min may only grow")

    assert messages(node, {"min": 1}) == []
    assert messages(node, {"min": 2}, {"min": 1}) == []
    assert messages(node, {"min": 0}, {"min": 1}) == [
        ': Invalid value: "object": min may only grow'
    ]


def test_an_optional_old_self_is_asked_on_creation_too() -> None:
    node = ruled(SPEC, "oldSelf.hasValue() || self.min == 1", optionalOldSelf=True)

    assert messages(node, {"min": 1}) == []
    assert len(messages(node, {"min": 2})) == 1
    assert messages(node, {"min": 2}, {"min": 1}) == []


def test_items_of_a_map_list_are_compared_by_their_keys() -> None:
    item = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
    }
    node = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": ruled(item, "self.size >= oldSelf.size"),
    }
    old = [{"name": "a", "size": 1}, {"name": "b", "size": 5}]

    assert messages(node, [{"name": "b", "size": 5}, {"name": "c", "size": 0}], old) == []
    assert len(messages(node, [{"name": "b", "size": 4}, {"name": "a", "size": 1}], old)) == 1


def test_only_named_fields_are_seen() -> None:
    node = ruled({**SPEC, "x-kubernetes-preserve-unknown-fields": True}, "!has(self.free)")

    assert messages(node, {"free": 1}) == []


def test_the_root_sees_name_and_nothing_else_of_metadata() -> None:
    node = ruled({"type": "object"}, "self.metadata.name == 'a' && !has(self.metadata.labels)")

    assert messages(node, {"metadata": {"name": "a", "labels": {}}, "kind": "A"}) == []


def test_an_endless_rule_is_stopped() -> None:
    node = ruled(
        {"type": "array", "items": {"type": "integer"}}, "self.all(a, self.all(b, a + b >= 0))"
    )

    assert "due to call cost exceeds limit" in messages(node, list(range(2000)))[0]


def test_too_many_rules_for_one_object_are_stopped() -> None:
    node = {"type": "array", "items": ruled({"type": "integer"}, "self >= 0")}
    tree = rule_tree(node)
    assert tree is not None

    found = list(Run(left=5).errors(tree, list(range(10)), None))

    assert len(found) == 1
    assert "running out of cost budget" in found[0].message


def test_rules_wait_for_values_of_the_right_type() -> None:
    schema = spec_schema(min={"type": "integer"})
    schema["properties"]["spec"] |= ruled({}, "self.min > 3")
    kind = kind_with(schema)

    found = [str(error) for error in kind.validate_create({"spec": {"min": "x"}})]

    assert len(found) == 2
    assert "some validation rules were not checked" in found[1]


# --- definitions ---------------------------------------------------------------------------------


def refusals(node: Object) -> list[str]:
    return [str(error) for error in rule_errors(node, "schema")]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"rule": "self.min >"}, "Syntax error"),
        ({"rule": "self.min"}, "must evaluate to a bool"),
        ({"rule": "nobody == 1"}, "undeclared reference to 'nobody'"),
        (
            {"rule": "format.dns1123Label().validate(self.memory)"},
            "undeclared reference to 'format'",
        ),
        ({"rule": "authorizer.path('/x').check('get').allowed()"}, "undeclared reference"),
        ({"rule": "self.nope == 1"}, "undefined field 'nope'"),
        ({"rule": "has(self.labels.any) && has(self.nope)"}, "undefined field 'nope'"),
        ({"rule": "self.?nope.hasValue()"}, "undefined field 'nope'"),
        ({"rule": "1 + 'a' == 2"}, "found no matching overload"),
        ({"rule": "size(self.names) == 'a'"}, "found no matching overload"),
        ({"rule": " "}, "rule is not specified"),
        ({"rule": "true &&\ntrue"}, "message must be specified"),
        ({"rule": "true", "message": "a\nb"}, "must not contain line breaks"),
        ({"rule": "true", "message": " "}, "must be non-empty"),
        ({"rule": "true", "reason": "Because"}, "Unsupported value"),
        ({"rule": "true", "fieldPath": ".nope"}, "does not refer to a valid field"),
        ({"rule": "true", "messageExpression": "1"}, "must evaluate to a string"),
        ({"rule": "true", "messageExpression": "("}, "compilation failed"),
    ],
)
def test_bad_rules_are_refused_when_defined(rule: Object, said: str) -> None:
    found = refusals({**SPEC, "x-kubernetes-validations": [rule]})

    assert len(found) == 1
    assert found[0].startswith("schema.x-kubernetes-validations[0].")
    assert said in found[0]


def test_old_self_needs_items_that_can_be_told_apart() -> None:
    node = {"type": "array", "items": ruled({"type": "string"}, "self == oldSelf")}

    assert "uncorrelatable portion of the schema within schema" in refusals(node)[0]


def test_a_path_with_odd_names_leads_to_a_field() -> None:
    node = ruled(SPEC, "true", fieldPath="['a.b/c']")

    assert refusals(node) == []


LISTS = {
    "type": "object",
    "properties": {
        "open": {
            "type": "array",
            "items": {"type": "object", "properties": {"a": {"type": "string"}}},
        },
        "closed": {"type": "array", "maxItems": 10, "items": {"type": "string"}},
    },
}


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ("self.open.all(one, one.b == 'x')", "b"),
        ("self.open.all(one, two, two.b == 'x')", "b"),
        ("self.open[0].b == 'x'", "b"),
        ("cel.bind(one, self.open[0], one.b == 'x')", "b"),
        ("self.open.exists(one, one.a == oldSelf.open[0].c)", "c"),
    ],
)
def test_fields_are_followed_through_loops_and_indexes(rule: str, field: str) -> None:
    found = refusals(ruled(LISTS, rule))

    assert f"undefined field '{field}'" in found[0]
    assert refusals(ruled(LISTS, rule.replace(f".{field} ", ".a ").replace(".c)", ".a)"))) == []


def test_a_rule_that_could_take_forever_is_refused() -> None:
    nested = "self.open.all(one, self.open.all(two, one.a != two.a))"
    bounded = "self.closed.all(one, self.closed.all(two, one != two))"

    assert (
        "estimated rule cost exceeds budget by factor of more than 100x"
        in refusals(ruled(LISTS, nested))[0]
    )
    assert refusals(ruled(LISTS, bounded)) == []
    assert refusals(ruled(LISTS, "self.open.all(one, one.a != '')")) == []


def test_lists_in_lists_hold_no_more_than_fits_into_a_request() -> None:
    inner = {"type": "array", "items": ruled({"type": "string"}, "self != ''")}
    node = {"type": "array", "items": {"type": "array", "items": inner}}

    assert refusals(node) == []
