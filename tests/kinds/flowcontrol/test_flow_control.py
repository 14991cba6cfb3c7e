from typing import Any

import pytest

from minikube_py.kinds.catalog import FLOW_SCHEMA, PRIORITY_LEVEL_CONFIGURATION
from minikube_py.meta.names import LABEL_RULE
from tests.kinds.builders import creation_errors, of
from tests.kinds.examples import GONE, altered, errors_with, example
from tests.kinds.test_columns import cells

RULE = "rules[0]"
URLS = {"verbs": ["get"], "nonResourceURLs": ["/healthz"]}


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (
            "matchingPrecedence",
            -1,
            "matchingPrecedence: Invalid value: -1: must be a positive value",
        ),
        (
            "matchingPrecedence",
            10001,
            "matchingPrecedence: Invalid value: 10001: must not be greater than 10000",
        ),
        (
            "matchingPrecedence",
            1,
            "matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have "
            "matchingPrecedence 1",
        ),
        (
            "distinguisherMethod",
            {"type": "ByName"},
            'distinguisherMethod.type: Unsupported value: "ByName": supported values: '
            '"ByNamespace", "ByUser"',
        ),
        (
            "priorityLevelConfiguration",
            GONE,
            "priorityLevelConfiguration.name: Required value: must reference a priority level",
        ),
        (
            "rules.0.subjects",
            [],
            f"{RULE}.subjects: Required value: subjects must contain at least one value",
        ),
        (
            "rules.0.resourceRules",
            [],
            f"{RULE}: Required value: at least one of resourceRules and nonResourceRules has to be "
            "non-empty",
        ),
        (
            "rules.0.subjects.0",
            {"kind": "Robot"},
            f'{RULE}.subjects[0].kind: Unsupported value: "Robot": supported values: "Group", '
            '"ServiceAccount", "User"',
        ),
        (
            "rules.0.subjects.0",
            {"kind": "User"},
            f"{RULE}.subjects[0].user: Required value: user is required when subject kind is "
            "'User'",
        ),
        (
            "rules.0.subjects.0.user",
            {"name": "a"},
            f"{RULE}.subjects[0].user: Forbidden: user is forbidden when subject kind is not "
            "'User'",
        ),
        (
            "rules.0.subjects.0",
            {"kind": "ServiceAccount", "serviceAccount": {"name": "*"}},
            f"{RULE}.subjects[0].serviceAccount.namespace: Required value: must specify namespace "
            "for service account",
        ),
        (
            "rules.0.subjects.0",
            {"kind": "ServiceAccount", "serviceAccount": {"name": "a", "namespace": "-"}},
            f'{RULE}.subjects[0].serviceAccount.namespace: Invalid value: "-": {LABEL_RULE}',
        ),
        (
            "rules.0.resourceRules.0.namespaces",
            ["-"],
            f'{RULE}.resourceRules[0].namespaces[0]: Invalid value: "-": each member of this list '
            f"must be '*' or a DNS-1123 label; {LABEL_RULE}",
        ),
        (
            "rules.0.subjects.0",
            {"kind": "Group", "group": {}},
            f"{RULE}.subjects[0].group.name: Required value",
        ),
        (
            "rules.0.resourceRules.0.verbs",
            [],
            f"{RULE}.resourceRules[0].verbs: Required value: verbs must contain at least one value",
        ),
        (
            "rules.0.resourceRules.0.verbs",
            ["*", "get"],
            f'{RULE}.resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must '
            "not specify other verbs",
        ),
        (
            "rules.0.resourceRules.0.apiGroups",
            [],
            f"{RULE}.resourceRules[0].apiGroups: Required value: resource rules must supply at "
            "least one api group",
        ),
        (
            "rules.0.resourceRules.0.resources",
            ["*", "pods"],
            f'{RULE}.resourceRules[0].resources: Invalid value: ["*","pods"]: if \'*\' is present, '
            "must not specify other resources",
        ),
        (
            "rules.0.resourceRules.0.namespaces",
            [],
            f"{RULE}.resourceRules[0].namespaces: Required value: resource rules that are not "
            "cluster scoped must supply at least one namespace",
        ),
        (
            "rules.0.nonResourceRules",
            [{**URLS, "nonResourceURLs": []}],
            f"{RULE}.nonResourceRules[0].nonResourceURLs: Required value: nonResourceURLs must "
            "contain at least one value",
        ),
    ],
)
def test_what_a_schema_must_say(path: str, value: Any, error: str) -> None:
    assert errors_with(FLOW_SCHEMA, f"spec.{path}", value) == [f"spec.{error}"]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "must not be empty"),
        ("x", "must start with slash"),
        ("/a b", "must not contain white-space"),
        ("//", "must not contain double slash"),
        ("/a*", "wildcard can only do suffix matching"),
        ("/*/a", "wildcard can only do suffix matching"),
        ("/", None),
        ("/a/*", None),
        ("*", None),
    ],
)
def test_urls_of_a_schema_are_paths(url: str, problem: str | None) -> None:
    rules = [{**URLS, "nonResourceURLs": [url]}]

    found = errors_with(FLOW_SCHEMA, "spec.rules.0.nonResourceRules", rules)

    assert [error.rpartition(": ")[2] for error in found] == ([problem] if problem else [])


def test_a_schema_is_one_of_many_unless_it_says_otherwise() -> None:
    made = example(FLOW_SCHEMA)
    FLOW_SCHEMA.default(made)
    dangling = {"conditions": [{"type": "Dangling", "status": "False"}]}

    assert made["spec"]["matchingPrecedence"] == 1000
    assert list(cells(FLOW_SCHEMA, made).values()) == ["a", "a", 1000, "<none>", "90s", "?"]
    assert cells(FLOW_SCHEMA, altered(made, "status", dangling))["MISSINGPL"] == "False"


def test_a_level_gets_defaults() -> None:
    made = example(PRIORITY_LEVEL_CONFIGURATION)

    PRIORITY_LEVEL_CONFIGURATION.default(made)

    limited = made["spec"]["limited"]
    assert (limited["nominalConcurrencyShares"], limited["lendablePercent"]) == (30, 0)
    assert limited["limitResponse"]["queuing"] == {
        "queues": 64,
        "handSize": 8,
        "queueLengthLimit": 50,
    }
    assert list(cells(PRIORITY_LEVEL_CONFIGURATION, made).values()) == [
        "a",
        "Limited",
        30,
        64,
        8,
        50,
        "90s",
    ]


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("limited", GONE, "limited: Required value: must not be empty when type is Limited"),
        ("exempt", {}, "exempt: Forbidden: must be nil if the type is Limited"),
        (
            "limited.nominalConcurrencyShares",
            -1,
            "limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
        ),
        (
            "limited.lendablePercent",
            101,
            "limited.lendablePercent: Invalid value: 101: must be between 0 and 100",
        ),
        (
            "limited.borrowingLimitPercent",
            -1,
            "limited.borrowingLimitPercent: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "limited.limitResponse.type",
            "Reject",
            "limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type "
            "is not Limited",
        ),
        (
            "limited.limitResponse.type",
            "Wait",
            'limited.limitResponse.type: Unsupported value: "Wait": supported values: "Queue", '
            '"Reject"',
        ),
        (
            "limited.limitResponse.queuing",
            GONE,
            "limited.limitResponse.queuing: Required value: must not be empty if "
            "limited.limitResponse.type is Limited",
        ),
        (
            "limited.limitResponse.queuing",
            {"queues": -1},
            "limited.limitResponse.queuing.queues: Invalid value: -1: must be positive",
        ),
        (
            "limited.limitResponse.queuing",
            {"queues": 10000001},
            "limited.limitResponse.queuing.queues: Invalid value: 10000001: must not be greater "
            "than 10000000",
        ),
        (
            "limited.limitResponse.queuing",
            {"queues": 4},
            "limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than "
            "queues (4)",
        ),
        (
            "limited.limitResponse.queuing",
            {"queues": 1000, "handSize": 7},
            "limited.limitResponse.queuing.handSize: Invalid value: 7: required entropy bits of "
            "deckSize 1000 and handSize 7 should not be greater than 60",
        ),
    ],
)
def test_what_a_level_must_say(path: str, value: Any, error: str) -> None:
    assert errors_with(PRIORITY_LEVEL_CONFIGURATION, f"spec.{path}", value) == [f"spec.{error}"]


def test_one_level_and_no_other_is_exempt() -> None:
    kind = PRIORITY_LEVEL_CONFIGURATION
    exempt = altered(of(kind, spec={"type": "Exempt", "exempt": {}}), "metadata.name", "exempt")
    kind.default(exempt)

    assert creation_errors(kind, exempt) == []
    assert cells(kind, exempt)["NOMINALCONCURRENCYSHARES"] == 0
    assert creation_errors(kind, altered(exempt, "metadata.name", "a")) == [
        "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is "
        "'exempt'"
    ]
    assert creation_errors(kind, altered(exempt, "spec.limited", {})) == [
        "spec.limited: Forbidden: must be nil if the type is not Limited"
    ]
