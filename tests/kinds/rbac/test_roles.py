import pytest

from minikube_py.kinds.catalog import CLUSTER_ROLE, ROLE
from tests.kinds.builders import creation_errors, of
from tests.kinds.examples import errors_with
from tests.kinds.test_columns import cells

URLS = {"nonResourceURLs": ["/healthz"], "verbs": ["get"]}


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        (
            "verbs",
            [],
            "rules[0].verbs: Required value: verbs must contain at least one value",
        ),
        (
            "apiGroups",
            [],
            "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
        ),
        (
            "resources",
            [],
            "rules[0].resources: Required value: resource rules must supply at least one resource",
        ),
        (
            "nonResourceURLs",
            ["/x"],
            'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular '
            "resources and non-resource URLs",
        ),
    ],
    ids=["verbs", "groups", "resources", "urls"],
)
def test_a_rule_says_what_may_be_done_to_what(field: str, value: object, error: str) -> None:
    assert errors_with(CLUSTER_ROLE, f"rules.0.{field}", value) == [error]


def test_names_are_of_one_resource_only() -> None:
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["a", "b"], "resourceNames": ["x"]}

    assert errors_with(ROLE, "rules", [rule]) == [
        "rules[0].resourceNames: Required value: resource names cannot apply to multiple resources"
    ]


def test_urls_have_no_namespace() -> None:
    assert errors_with(CLUSTER_ROLE, "rules", [URLS]) == []
    assert errors_with(ROLE, "rules", [URLS]) == [
        'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to '
        "non-resource URLs"
    ]


def test_aggregation_selects_something() -> None:
    chosen = {"clusterRoleSelectors": [{"matchLabels": {"a b": "c"}}]}

    assert creation_errors(CLUSTER_ROLE, of(CLUSTER_ROLE, aggregationRule={})) == [
        "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector "
        "required if aggregationRule is non-nil"
    ]
    (error,) = creation_errors(CLUSTER_ROLE, of(CLUSTER_ROLE, aggregationRule=chosen))
    assert error.startswith("aggregationRule.clusterRoleSelectors[0].matchLabels: Invalid value")


def test_a_name_only_has_to_fit_into_a_path() -> None:
    problem = ROLE.name_problem
    assert problem is not None

    assert [problem(name) for name in ("system:node", "A b", "a/b", "a%", "..")] == [
        None,
        None,
        "may not contain '/'",
        "may not contain '%'",
        "may not be '..'",
    ]
    assert CLUSTER_ROLE.name_problem is problem


def test_the_table_shows_when_a_role_was_made() -> None:
    assert cells(ROLE, of(ROLE)) == {"NAME": "a", "CREATED AT": "2026-01-31T11:58:30Z"}
