from typing import Any

import pytest

from minikube_py.kinds.catalog import STORAGE_VERSION_MIGRATION as MIGRATION
from minikube_py.meta.objects import Object
from tests.kinds.examples import altered, errors_of_change, errors_with, example
from tests.kinds.test_columns import cells


def _at(*true: str, version: str = "") -> Object:
    conditions = [{"type": type_, "status": "True"} for type_ in true]
    status = {"conditions": conditions, **({"resourceVersion": version} if version else {})}
    return altered(example(MIGRATION), "status", status)


def _problems(new: Object, old: Object) -> list[str]:
    return [str(error).rpartition(": ")[2] for error in MIGRATION.validate_status(new, old)]


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("resource", "", "spec.resource.resource: Required value: resource is required to be set"),
        ("resource", "Pods", 'spec.resource.resource: Invalid value: "Pods"'),
        ("group", "A", 'spec.resource.group: Invalid value: "A"'),
    ],
)
def test_a_migration_is_of_a_resource(path: str, value: Any, where: str) -> None:
    (error,) = errors_with(MIGRATION, f"spec.resource.{path}", value)

    assert error.startswith(where)


def test_a_migration_stays_of_that_resource() -> None:
    (error,) = errors_of_change(MIGRATION, "spec.resource.resource", "pods")

    assert error.endswith("field is immutable")
    assert cells(MIGRATION, example(MIGRATION)) == {"NAME": "a", "RESOURCE": "deployments.apps"}


def test_a_migration_ends_once_and_one_way() -> None:
    assert _problems(_at("Running"), _at()) == []
    assert _problems(_at("Succeeded", "Failed"), _at()) == [
        "Both success and failed conditions cannot be true at the same time"
    ]
    assert _problems(_at("Failed", "Running"), _at()) == [
        "Running condition cannot be true when failed condition is true"
    ]
    assert _problems(_at("Running"), _at("Succeeded")) == [
        "Success condition cannot be set to false once it is true"
    ]
    assert _problems(_at(version="2"), _at(version="1")) == ["field is immutable"]
    assert _problems(_at(version="2"), _at()) == []
