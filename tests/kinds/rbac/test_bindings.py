import pytest

from minikube_py.kinds.catalog import CLUSTER_ROLE_BINDING, ROLE_BINDING
from tests.kinds.examples import errors_of_change, errors_with, example
from tests.kinds.test_columns import cells

GROUP = "rbac.authorization.k8s.io"
ACCOUNT = {"kind": "ServiceAccount", "name": "bot"}


def test_the_group_of_roles_and_people_goes_without_saying() -> None:
    binding = example(ROLE_BINDING)
    binding["subjects"].append(dict(ACCOUNT))

    ROLE_BINDING.default(binding)

    assert binding["roleRef"]["apiGroup"] == GROUP
    assert [subject.get("apiGroup") for subject in binding["subjects"]] == [GROUP, None]


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (
            "roleRef.apiGroup",
            "example.com",
            'roleRef.apiGroup: Unsupported value: "example.com": supported values: '
            '"rbac.authorization.k8s.io"',
        ),
        (
            "roleRef.kind",
            "Rule",
            'roleRef.kind: Unsupported value: "Rule": supported values: "ClusterRole", "Role"',
        ),
        ("roleRef.name", "", "roleRef.name: Required value"),
        ("roleRef.name", "a/b", "roleRef.name: Invalid value: \"a/b\": may not contain '/'"),
        (
            "subjects.0.kind",
            "Robot",
            'subjects[0].kind: Unsupported value: "Robot": supported values: "Group", '
            '"ServiceAccount", "User"',
        ),
        (
            "subjects.0.apiGroup",
            "v1",
            'subjects[0].apiGroup: Unsupported value: "v1": supported values: '
            '"rbac.authorization.k8s.io"',
        ),
        (
            "subjects.0",
            {**ACCOUNT, "apiGroup": "v1"},
            'subjects[0].apiGroup: Unsupported value: "v1": supported values: ""',
        ),
    ],
    ids=["group", "kind", "no name", "name", "subject", "subject group", "account group"],
)
def test_a_binding_says_which_role_and_whose(path: str, value: object, error: str) -> None:
    assert errors_with(ROLE_BINDING, path, value) == [error]


def test_subjects_have_names() -> None:
    assert errors_with(ROLE_BINDING, "subjects.0.name", "") == [
        "subjects[0].name: Required value",
        'subjects[0].name: Invalid value: "": user name cannot be empty',
    ]
    (error,) = errors_with(ROLE_BINDING, "subjects.0", {**ACCOUNT, "name": "A"})
    assert error.startswith('subjects[0].name: Invalid value: "A"')


def test_across_namespaces_an_account_needs_its_own_and_the_role_is_of_the_cluster() -> None:
    assert errors_with(ROLE_BINDING, "subjects.0", ACCOUNT) == []
    assert errors_with(CLUSTER_ROLE_BINDING, "subjects.0", ACCOUNT) == [
        "subjects[0].namespace: Required value"
    ]
    assert errors_with(CLUSTER_ROLE_BINDING, "roleRef.kind", "Role") == [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'
    ]


def test_the_role_of_a_binding_stays() -> None:
    (error,) = errors_of_change(ROLE_BINDING, "roleRef.name", "b")

    assert error == (
        'roleRef: Invalid value: {"kind":"Role","name":"b","apiGroup":"rbac.authorization.k8s.io"}'
        ": cannot change roleRef"
    )
    assert errors_of_change(ROLE_BINDING, "subjects", []) == []


def test_the_wide_table_shows_who() -> None:
    binding = example(ROLE_BINDING)
    binding["subjects"] += [
        {"kind": "User", "name": "joe"},
        {"kind": "Group", "name": "devs"},
        {**ACCOUNT, "namespace": "ci"},
    ]

    shown = cells(ROLE_BINDING, binding, wide=True)

    assert list(shown.values()) == ["a", "Role/a", "90s", "jane, joe", "devs", "ci/bot"]
    assert list(cells(ROLE_BINDING, binding)) == ["NAME", "ROLE", "AGE"]
