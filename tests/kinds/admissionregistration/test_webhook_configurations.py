from typing import Any

import pytest

from minikube_py.kinds.catalog import (
    MUTATING_WEBHOOK_CONFIGURATION,
    VALIDATING_WEBHOOK_CONFIGURATION,
)
from tests.kinds.examples import WEBHOOK, errors_with, example
from tests.kinds.test_columns import cells

FORM = "; desired format: https://host[/path]"


def test_a_webhook_gets_defaults() -> None:
    made = example(MUTATING_WEBHOOK_CONFIGURATION)

    MUTATING_WEBHOOK_CONFIGURATION.default(made)

    hook = made["webhooks"][0]
    assert {name: hook[name] for name in hook if name not in WEBHOOK} == {
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "timeoutSeconds": 10,
        "reinvocationPolicy": "Never",
    }
    assert hook["clientConfig"]["service"]["port"] == 443
    assert hook["rules"][0]["scope"] == "*"


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("name", "", "name: Required value"),
        (
            "name",
            "a.example",
            'name: Invalid value: "a.example": should be a domain with at least three segments '
            "separated by dots",
        ),
        (
            "failurePolicy",
            "Retry",
            'failurePolicy: Unsupported value: "Retry": supported values: "Fail", "Ignore"',
        ),
        (
            "matchPolicy",
            "Like",
            'matchPolicy: Unsupported value: "Like": supported values: "Equivalent", "Exact"',
        ),
        (
            "sideEffects",
            None,
            "sideEffects: Required value: must specify one of None, NoneOnDryRun",
        ),
        (
            "sideEffects",
            "Some",
            'sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
        ),
        (
            "timeoutSeconds",
            31,
            "timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
        ),
        (
            "namespaceSelector",
            {"matchExpressions": [{"key": "a", "operator": "In"}]},
            "namespaceSelector.matchExpressions[0].values: Required value: must be specified when "
            "`operator` is 'In' or 'NotIn'",
        ),
        (
            "admissionReviewVersions",
            [],
            "admissionReviewVersions: Required value: must specify one of v1, v1beta1",
        ),
        (
            "admissionReviewVersions",
            ["v2"],
            'admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, '
            "v1beta1",
        ),
        (
            "admissionReviewVersions",
            ["v1", "v1"],
            'admissionReviewVersions[1]: Invalid value: "v1": duplicate version',
        ),
        ("matchConditions", [{"name": "a"}], "matchConditions[0].expression: Required value"),
        (
            "matchConditions",
            [{"name": "", "expression": "true"}],
            "matchConditions[0].name: Required value",
        ),
        (
            "matchConditions",
            [{"name": "a", "expression": "true"}] * 2,
            'matchConditions[1].name: Duplicate value: "a"',
        ),
        (
            "matchConditions",
            [{"name": f"a{number}", "expression": "true"} for number in range(65)],
            "matchConditions: Too many: 65: must have at most 64 items",
        ),
    ],
)
def test_what_a_webhook_must_say(path: str, value: Any, error: str) -> None:
    assert errors_with(VALIDATING_WEBHOOK_CONFIGURATION, f"webhooks.0.{path}", value) == [
        f"webhooks[0].{error}"
    ]


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({}, "clientConfig: Required value: exactly one of url or service is required"),
        (
            {"url": "http://a"},
            f"clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme"
            f"{FORM}",
        ),
        (
            {"url": "https:///x"},
            f'clientConfig.url: Invalid value: "": host must be specified{FORM}',
        ),
        (
            {"url": "https://me@a"},
            'clientConfig.url: Invalid value: "me": user information is not permitted in the URL',
        ),
        (
            {"url": "https://a#b"},
            'clientConfig.url: Invalid value: "b": fragments are not permitted in the URL',
        ),
        (
            {"url": "https://a?b"},
            'clientConfig.url: Invalid value: "b": query parameters are not permitted in the URL',
        ),
        (
            {"url": "https://[a"},
            f"clientConfig.url: Required value: url must be a valid URL: Invalid IPv6 URL{FORM}",
        ),
        (
            {"service": {"namespace": "a"}},
            "clientConfig.service.name: Required value: service name is required",
        ),
        (
            {"service": {"name": "a", "namespace": "a", "port": 0}},
            "clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and "
            "65535, inclusive",
        ),
        (
            {"service": {"name": "a", "namespace": "a", "path": "xy"}},
            "clientConfig.service.path: Invalid value: \"xy\": must start with a '/'",
        ),
        (
            {"service": {"name": "a", "namespace": "a", "path": "//"}},
            'clientConfig.service.path: Invalid value: "//": segment[0] may not be empty',
        ),
        (
            {"service": {"name": "a", "namespace": "a", "path": "/a//b"}},
            'clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty',
        ),
    ],
)
def test_a_webhook_can_be_reached(config: Any, error: str) -> None:
    path = "webhooks.0.clientConfig"

    assert errors_with(VALIDATING_WEBHOOK_CONFIGURATION, path, config) == [f"webhooks[0].{error}"]


@pytest.mark.parametrize("path", ["/", "/a/b/", ""])
def test_paths_of_services_may_end_in_a_slash(path: str) -> None:
    config = {"service": {"name": "a", "namespace": "a", "path": path}}

    assert errors_with(VALIDATING_WEBHOOK_CONFIGURATION, "webhooks.0.clientConfig", config) == []


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("operations", [], "operations: Required value"),
        (
            "operations",
            ["*", "CREATE"],
            'operations: Invalid value: ["*","CREATE"]: if \'*\' is present, must not specify '
            "other operations",
        ),
        (
            "operations",
            ["PATCH"],
            'operations[0]: Unsupported value: "PATCH": supported values: "*", "CONNECT", '
            '"CREATE", "DELETE", "UPDATE"',
        ),
        ("apiGroups", [], "apiGroups: Required value"),
        (
            "apiGroups",
            ["*", "apps"],
            'apiGroups: Invalid value: ["*","apps"]: if \'*\' is present, must not specify '
            "other API groups",
        ),
        ("apiVersions", [""], "apiVersions[0]: Required value"),
        (
            "apiVersions",
            ["*", "v1"],
            'apiVersions: Invalid value: ["*","v1"]: if \'*\' is present, must not specify '
            "other API versions",
        ),
        ("resources", [], "resources: Required value"),
        ("resources", [""], "resources[0]: Required value"),
        (
            "resources",
            ["pods/*", "pods/log"],
            "resources[1]: Invalid value: \"pods/log\": if 'pods/*' is present, must not specify "
            "pods/log",
        ),
        (
            "resources",
            ["*/scale", "a/scale"],
            "resources[1]: Invalid value: \"a/scale\": if '*/scale' is present, must not specify "
            "a/scale",
        ),
        (
            "resources",
            ["*/*", "pods"],
            'resources: Invalid value: ["*/*","pods"]: if \'*/*\' is present, must not specify '
            "other resources",
        ),
        (
            "resources",
            ["*", "pods"],
            'resources: Invalid value: ["*","pods"]: if \'*\' is present, must not specify other '
            "resources without subresources",
        ),
        (
            "scope",
            "All",
            'scope: Unsupported value: "All": supported values: "*", "Cluster", "Namespaced"',
        ),
    ],
)
def test_a_rule_says_which_requests(field: str, value: Any, error: str) -> None:
    path = f"webhooks.0.rules.0.{field}"

    assert errors_with(VALIDATING_WEBHOOK_CONFIGURATION, path, value) == [
        f"webhooks[0].rules[0].{error}"
    ]


def test_webhooks_have_names_of_their_own() -> None:
    assert errors_with(VALIDATING_WEBHOOK_CONFIGURATION, "webhooks.1", WEBHOOK) == [
        'webhooks[1].name: Duplicate value: "check.example.com"'
    ]


def test_a_mutating_webhook_may_be_asked_again() -> None:
    path = "webhooks.0.reinvocationPolicy"

    assert errors_with(MUTATING_WEBHOOK_CONFIGURATION, path, "IfNeeded") == []
    assert errors_with(MUTATING_WEBHOOK_CONFIGURATION, path, "Always") == [
        'webhooks[0].reinvocationPolicy: Unsupported value: "Always": supported values: '
        '"IfNeeded", "Never"'
    ]


def test_the_table_counts_webhooks() -> None:
    made = example(MUTATING_WEBHOOK_CONFIGURATION)

    assert cells(MUTATING_WEBHOOK_CONFIGURATION, made) == {"NAME": "a", "WEBHOOKS": 1, "AGE": "90s"}
