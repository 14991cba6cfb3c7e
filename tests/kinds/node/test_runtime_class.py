from typing import Any

import pytest

from minikube_py.kinds.catalog import RUNTIME_CLASS
from tests.kinds.examples import errors_of_change, errors_with, example
from tests.kinds.test_columns import cells


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("handler", "Run C", "handler: Invalid value"),
        ("handler", "", "handler: Invalid value"),
        ("overhead.podFixed.cpu", "-1", "overhead.limits[cpu]: Invalid value"),
        ("scheduling.nodeSelector", {"a b": "c"}, "scheduling.nodeSelector: Invalid value"),
        (
            "scheduling.tolerations",
            [{"operator": "Likes", "key": "a"}],
            "scheduling.tolerations[0].operator: ",
        ),
    ],
)
def test_a_class_names_a_handler_and_what_it_costs(path: str, value: Any, where: str) -> None:
    (error,) = errors_with(RUNTIME_CLASS, path, value)

    assert error.startswith(where)


def test_the_handler_stays() -> None:
    assert errors_of_change(RUNTIME_CLASS, "handler", "kata") == [
        'handler: Invalid value: "kata": field is immutable'
    ]


def test_quantities_are_written_the_one_way() -> None:
    made = example(RUNTIME_CLASS)

    RUNTIME_CLASS.default(made)

    assert made["overhead"]["podFixed"] == {"cpu": "250m"}
    assert cells(RUNTIME_CLASS, made) == {"NAME": "a", "HANDLER": "runc", "AGE": "90s"}
