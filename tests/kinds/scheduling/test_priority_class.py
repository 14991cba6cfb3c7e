import pytest

from minikube_py.kinds.catalog import PRIORITY_CLASS
from minikube_py.meta.objects import Object
from tests.kinds.builders import creation_errors, of
from tests.kinds.examples import errors_of_change, errors_with, example
from tests.kinds.test_columns import cells


def _named(name: str, **fields: object) -> Object:
    return {**of(PRIORITY_CLASS, **fields), "metadata": {"name": name}}


def test_a_class_preempts_unless_it_says_otherwise() -> None:
    made = example(PRIORITY_CLASS)

    PRIORITY_CLASS.default(made)
    PRIORITY_CLASS.prepare(made, None)

    assert made["preemptionPolicy"] == "PreemptLowerPriority"
    assert made["metadata"]["generation"] == 1


def test_users_priorities_end_below_the_systems() -> None:
    assert errors_with(PRIORITY_CLASS, "value", 1_000_000_000) == []
    assert errors_with(PRIORITY_CLASS, "value", 1_000_000_001) == [
        "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"
    ]


@pytest.mark.parametrize(
    ("obj", "problem"),
    [
        (_named("system-mine", value=1), "system-mine is not a known system priority class"),
        (
            _named("system-node-critical", value=1),
            "value of system-node-critical PriorityClass must be 2000001000",
        ),
        (
            _named("system-cluster-critical", value=2000000000, globalDefault=True),
            "globalDefault of system-cluster-critical PriorityClass must be false",
        ),
    ],
    ids=["unknown", "value", "default"],
)
def test_system_names_are_the_systems(obj: Object, problem: str) -> None:
    assert creation_errors(PRIORITY_CLASS, obj) == [
        "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for "
        f"system use only. error: {problem}"
    ]


def test_the_systems_own_classes_are_valid() -> None:
    own = _named("system-node-critical", value=2000001000)

    assert creation_errors(PRIORITY_CLASS, own) == []


def test_what_matters_of_a_class_stays() -> None:
    assert errors_of_change(PRIORITY_CLASS, "value", 2) == [
        "value: Forbidden: may not be changed in an update."
    ]
    assert errors_of_change(PRIORITY_CLASS, "preemptionPolicy", "Never") == [
        'preemptionPolicy: Invalid value: "Never": field is immutable'
    ]
    assert errors_with(PRIORITY_CLASS, "preemptionPolicy", "Maybe") == [
        'preemptionPolicy: Unsupported value: "Maybe": supported values: "Never", '
        '"PreemptLowerPriority"'
    ]


def test_the_table_is_kubectls() -> None:
    made = example(PRIORITY_CLASS)
    PRIORITY_CLASS.default(made)

    assert cells(PRIORITY_CLASS, made) == {
        "NAME": "a",
        "VALUE": 1000,
        "GLOBAL-DEFAULT": False,
        "AGE": "90s",
        "PREEMPTIONPOLICY": "PreemptLowerPriority",
    }
