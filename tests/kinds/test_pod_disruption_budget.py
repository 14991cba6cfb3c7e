from typing import Any

import pytest

from minikube_py.kinds.catalog import POD_DISRUPTION_BUDGET
from tests.kinds.builders import creation_errors, of, update_errors
from tests.kinds.test_columns import cells


def budget(**spec: Any) -> dict[str, Any]:
    return of(POD_DISRUPTION_BUDGET, spec={"selector": {"matchLabels": {"a": "b"}}, **spec})


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        (
            {"minAvailable": 1, "maxUnavailable": 1},
            "spec",
            'Invalid value: {"selector":{"matchLabels":{"a":"b"}},"minAvailable":1,'
            '"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set',
        ),
        ({"minAvailable": -1}, "spec.minAvailable", "Invalid value: -1: must be greater than"),
        ({"maxUnavailable": "5"}, "spec.maxUnavailable", 'Invalid value: "5": a valid percent'),
        ({"minAvailable": "101%"}, "spec.minAvailable", 'Invalid value: "101%": must not be'),
        (
            {"selector": {"matchLabels": {"a b": "c"}}},
            "spec.selector.matchLabels",
            'Invalid value: "a b"',
        ),
        (
            {"unhealthyPodEvictionPolicy": "x"},
            "spec.unhealthyPodEvictionPolicy",
            'Unsupported value: "x": supported values: "AlwaysAllow", "IfHealthyBudget"',
        ),
    ],
    ids=str,
)
def test_a_bad_budget_is_refused(spec: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(POD_DISRUPTION_BUDGET, budget(**spec))

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


def test_good_budgets_may_change() -> None:
    old = budget(minAvailable=1)
    new = of(POD_DISRUPTION_BUDGET, spec={"maxUnavailable": "50%", "selector": {}})

    assert creation_errors(POD_DISRUPTION_BUDGET, old) == []
    assert update_errors(POD_DISRUPTION_BUDGET, new, old) == []


def test_what_a_budget_allows() -> None:
    obj = {**budget(minAvailable="50%"), "status": {"disruptionsAllowed": 2}}

    assert list(cells(POD_DISRUPTION_BUDGET, obj).values()) == ["a", "50%", "N/A", 2, "90s"]
