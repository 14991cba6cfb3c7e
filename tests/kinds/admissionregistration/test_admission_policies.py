from typing import Any

import pytest

from minikube_py.kinds.catalog import (
    MUTATING_ADMISSION_POLICY,
    MUTATING_ADMISSION_POLICY_BINDING,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
)
from minikube_py.kinds.kind import Kind
from tests.kinds.examples import GONE, MATCHED, altered, errors_with, example
from tests.kinds.test_columns import cells

NAMED = {"name": "limits", "parameterNotFoundAction": "Deny"}


@pytest.mark.parametrize(
    "kind", [VALIDATING_ADMISSION_POLICY, MUTATING_ADMISSION_POLICY], ids=lambda kind: kind.kind
)
def test_a_policy_gets_defaults(kind: Kind) -> None:
    made = example(kind)

    kind.default(made)

    assert made["spec"]["failurePolicy"] == "Fail"
    matched = made["spec"]["matchConstraints"]
    assert (matched["matchPolicy"], matched["namespaceSelector"], matched["objectSelector"]) == (
        "Equivalent",
        {},
        {},
    )
    assert matched["resourceRules"][0]["scope"] == "*"


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("matchConstraints", GONE, "matchConstraints: Required value"),
        ("matchConstraints", {}, "matchConstraints.resourceRules: Required value"),
        (
            "failurePolicy",
            "Retry",
            'failurePolicy: Unsupported value: "Retry": supported values: "Fail", "Ignore"',
        ),
        (
            "matchConstraints.resourceRules.0.resourceNames",
            ["a", "a"],
            'matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"',
        ),
        (
            "matchConstraints.resourceRules.0.resourceNames",
            ["a/b"],
            'matchConstraints.resourceRules[0].resourceNames[0]: Invalid value: "a/b": may not '
            "contain '/'",
        ),
        (
            "matchConstraints.excludeResourceRules",
            [{**MATCHED["resourceRules"][0], "operations": []}],
            "matchConstraints.excludeResourceRules[0].operations: Required value",
        ),
        ("paramKind", {"kind": "ConfigMap"}, "paramKind.apiVersion: Required value"),
        (
            "paramKind",
            {"apiVersion": "a/b/c", "kind": "A"},
            'paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        ),
        (
            "paramKind",
            {"apiVersion": "apps/", "kind": "A"},
            'paramKind.apiVersion: Invalid value: "apps/": version must be specified',
        ),
        ("paramKind", {"apiVersion": "v1"}, "paramKind.kind: Required value"),
        (
            "variables",
            [{"expression": "1"}],
            "variables[0].name: Required value: name is not specified",
        ),
        (
            "variables",
            [{"name": "for", "expression": "1"}],
            'variables[0].name: Invalid value: "for": name is not a valid CEL identifier',
        ),
        (
            "variables",
            [{"name": "a"}],
            "variables[0].expression: Required value: expression is not specified",
        ),
    ],
)
def test_what_every_policy_must_say(path: str, value: Any, error: str) -> None:
    for kind in (VALIDATING_ADMISSION_POLICY, MUTATING_ADMISSION_POLICY):
        assert errors_with(kind, f"spec.{path}", value) == [f"spec.{error}"]


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (
            "validations.0.expression",
            " ",
            "validations[0].expression: Required value: expression is not specified",
        ),
        (
            "validations.0.message",
            " ",
            'validations[0].message: Invalid value: " ": message must be non-empty if specified',
        ),
        (
            "validations.0.message",
            "a\nb",
            'validations[0].message: Invalid value: "a\\nb": message must not contain line breaks',
        ),
        (
            "validations.0.messageExpression",
            " ",
            'validations[0].messageExpression: Invalid value: " ": must be non-empty if specified',
        ),
        (
            "validations.0.reason",
            "Because",
            'validations[0].reason: Unsupported value: "Because": supported values: "Forbidden", '
            '"Invalid", "RequestEntityTooLarge"',
        ),
        (
            "auditAnnotations",
            [{"key": "k"}],
            "auditAnnotations[0].valueExpression: Required value: valueExpression is not specified",
        ),
        (
            "auditAnnotations",
            [{"key": "k", "valueExpression": "x" * 5121}],
            "auditAnnotations[0].valueExpression: Required value: must not exceed 5120 bytes in "
            "length",
        ),
        (
            "auditAnnotations",
            [{"key": "k", "valueExpression": "1"}] * 2,
            'auditAnnotations[1].key: Duplicate value: "k"',
        ),
    ],
)
def test_what_a_validating_policy_must_say(path: str, value: Any, error: str) -> None:
    assert errors_with(VALIDATING_ADMISSION_POLICY, f"spec.{path}", value) == [f"spec.{error}"]


def test_a_validating_policy_validates_or_records() -> None:
    nothing = "Required value: validations or auditAnnotations must contain at least one item"
    many = [{"key": f"k{number}", "valueExpression": "1"} for number in range(21)]

    assert errors_with(VALIDATING_ADMISSION_POLICY, "spec.validations", []) == [
        f"spec.validations: {nothing}",
        f"spec.auditAnnotations: {nothing}",
    ]
    (error,) = errors_with(VALIDATING_ADMISSION_POLICY, "spec.auditAnnotations", many)
    assert error.endswith("must not have more than 20 auditAnnotations")


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("mutations", [], "mutations: Required value: mutations must contain at least one item"),
        (
            "mutations.0.patchType",
            "Merge",
            'mutations[0].patchType: Unsupported value: "Merge": supported values: '
            '"ApplyConfiguration", "JSONPatch"',
        ),
        (
            "mutations.0.applyConfiguration",
            {},
            "mutations[0].applyConfiguration.expression: Required value: expression is not "
            "specified",
        ),
        (
            "mutations.0.applyConfiguration",
            GONE,
            "mutations[0].applyConfiguration: Required value: must be specified when patchType is "
            "ApplyConfiguration",
        ),
        (
            "mutations.0.jsonPatch",
            {"expression": "[]"},
            "mutations[0].jsonPatch: Forbidden: must not be specified when patchType is "
            "ApplyConfiguration",
        ),
        ("reinvocationPolicy", GONE, "reinvocationPolicy: Required value"),
        (
            "matchConstraints.resourceRules.0.operations",
            ["DELETE"],
            'matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported '
            'values: "*", "CONNECT", "CREATE", "UPDATE"',
        ),
    ],
)
def test_what_a_mutating_policy_must_say(path: str, value: Any, error: str) -> None:
    assert errors_with(MUTATING_ADMISSION_POLICY, f"spec.{path}", value) == [f"spec.{error}"]


@pytest.mark.parametrize(
    ("path", "value", "errors"),
    [
        ("policyName", "", ["policyName: Required value"]),
        (
            "paramRef",
            {"parameterNotFoundAction": "Deny"},
            ["paramRef: Required value: one of name or selector must be specified"],
        ),
        (
            "paramRef",
            {**NAMED, "selector": {}},
            [
                "paramRef.name: Forbidden: name and selector are mutually exclusive",
                "paramRef.selector: Forbidden: name and selector are mutually exclusive",
            ],
        ),
        ("paramRef", {"name": "a"}, ["paramRef.parameterNotFoundAction: Required value"]),
        (
            "paramRef",
            {"name": "a", "parameterNotFoundAction": "Wait"},
            [
                'paramRef.parameterNotFoundAction: Unsupported value: "Wait": supported values: '
                '"Allow", "Deny"'
            ],
        ),
        (
            "matchResources",
            {"matchPolicy": "Like"},
            [
                'matchResources.matchPolicy: Unsupported value: "Like": supported values: '
                '"Equivalent", "Exact"'
            ],
        ),
    ],
)
def test_what_every_binding_must_say(path: str, value: Any, errors: list[str]) -> None:
    for kind in (VALIDATING_ADMISSION_POLICY_BINDING, MUTATING_ADMISSION_POLICY_BINDING):
        assert errors_with(kind, f"spec.{path}", value) == [f"spec.{error}" for error in errors]


def test_a_binding_says_how_hard_its_policy_is() -> None:
    path = "spec.validationActions"

    def errors(*actions: str) -> list[str]:
        return errors_with(VALIDATING_ADMISSION_POLICY_BINDING, path, list(actions))

    assert errors() == [f"{path}: Required value: at least one validation action is required"]
    assert errors("Deny", "Deny") == [f'{path}[1]: Duplicate value: "Deny"']
    assert errors("Panic") == [
        f'{path}[0]: Unsupported value: "Panic": supported values: "Audit", "Deny", "Warn"'
    ]
    (error,) = errors("Deny", "Warn")
    assert "must not contain both Deny and Warn" in error


def test_a_mutating_binding_cannot_match_deletions() -> None:
    rule = {**MATCHED["resourceRules"][0], "operations": ["DELETE"]}

    (error,) = errors_with(
        MUTATING_ADMISSION_POLICY_BINDING, "spec.matchResources", {"resourceRules": [rule]}
    )

    assert error.startswith("spec.matchResources.resourceRules.operations: Unsupported value")


def test_tables_count_rules_and_name_parameters() -> None:
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    policy = altered(example(VALIDATING_ADMISSION_POLICY), "spec.paramKind", kind)
    mutating = example(MUTATING_ADMISSION_POLICY)

    assert list(cells(VALIDATING_ADMISSION_POLICY, policy).values()) == [
        "a",
        1,
        "v1/ConfigMap",
        "90s",
    ]
    assert list(cells(MUTATING_ADMISSION_POLICY, mutating).values()) == ["a", 1, "<unset>", "90s"]


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        (NAMED, "*/limits"),
        ({**NAMED, "namespace": "default"}, "default/limits"),
        ({"selector": {"matchLabels": {"a": "b"}}}, "a=b"),
        ({"selector": {}}, "*"),
    ],
)
def test_the_table_of_bindings_shows_their_parameters(reference: Any, text: str) -> None:
    kind = VALIDATING_ADMISSION_POLICY_BINDING
    bound = altered(example(kind), "spec.paramRef", reference)

    assert list(cells(kind, bound).values()) == ["a", "a", text, "90s"]
