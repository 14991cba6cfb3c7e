import pytest

from minikube_py.kinds.catalog import API_SERVICE
from minikube_py.meta.objects import Object
from tests.kinds.builders import creation_errors
from tests.kinds.examples import GONE, altered, errors_with, example
from tests.kinds.test_columns import cells


def _local(**spec: object) -> Object:
    service = altered(example(API_SERVICE), "spec.service", GONE)
    del service["spec"]["insecureSkipTLSVerify"]
    service["spec"].update(spec)
    return service


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (
            "metadata.name",
            "metrics",
            'metadata.name: Invalid value: "metrics": must be `spec.version+"."+spec.group`: '
            '"v1beta1.metrics.k8s.io"',
        ),
        (
            "spec.groupPriorityMinimum",
            20001,
            "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
        ),
        (
            "spec.versionPriority",
            0,
            "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
        ),
        ("spec.service.name", "", "spec.service.name: Required value"),
        ("spec.service.namespace", "", "spec.service.namespace: Required value"),
        (
            "spec.caBundle",
            "Y2E=",
            "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is "
            "present",
        ),
    ],
    ids=["name", "group priority", "version priority", "service", "namespace", "trust"],
)
def test_what_is_served_elsewhere_says_where(path: str, value: object, error: str) -> None:
    assert errors_with(API_SERVICE, path, value) == [error]


def test_what_is_served_here_needs_no_trust() -> None:
    assert creation_errors(API_SERVICE, _local()) == []
    assert creation_errors(API_SERVICE, _local(caBundle="Y2E=", insecureSkipTLSVerify=True)) == [
        'spec.caBundle: Invalid value: "4 bytes": local APIServices may not have a caBundle',
        "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have "
        "insecureSkipTLSVerify",
    ]


def test_only_the_oldest_version_has_no_group() -> None:
    named = altered(_local(group="", version="v2"), "metadata.name", "v2.")

    assert creation_errors(API_SERVICE, named) == [
        "spec.group: Required value: only v1 may have an empty group and it better be legacy kube"
    ]
    oldest = altered(_local(group="", version="v1"), "metadata.name", "v1.")
    assert creation_errors(API_SERVICE, oldest) == []


def test_what_is_served_here_is_available_at_once() -> None:
    service = altered(_local(), "metadata.creationTimestamp", "2026-01-31T12:00:00Z")

    API_SERVICE.prepare(service, None)

    (condition,) = service["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == (
        "Available",
        "True",
        "Local",
    )
    assert condition["lastTransitionTime"] == "2026-01-31T12:00:00Z"


def test_the_port_of_a_service_is_443() -> None:
    service = example(API_SERVICE)

    API_SERVICE.default(service)

    assert service["spec"]["service"]["port"] == 443


def test_conditions_are_true_false_or_unknown() -> None:
    broken = altered(example(API_SERVICE), "status", {"conditions": [{"status": "Maybe"}]})

    assert [str(error) for error in API_SERVICE.validate_status(broken, broken)] == [
        'status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", '
        '"True", "Unknown"'
    ]


def _with(status: str, reason: str = "") -> Object:
    condition = {"type": "Available", "status": status, "reason": reason}
    return altered(example(API_SERVICE), "status", {"conditions": [condition]})


def test_the_table_shows_who_serves_and_whether() -> None:
    assert cells(API_SERVICE, _local())["SERVICE"] == "Local"
    assert cells(API_SERVICE, example(API_SERVICE))["SERVICE"] == "kube-system/metrics-server"
    shown = [_with("True", "Passed"), _with("False", "MissingEndpoints"), _with("False")]
    assert [cells(API_SERVICE, obj)["AVAILABLE"] for obj in shown] == [
        "True",
        "False (MissingEndpoints)",
        "False",
    ]
    assert cells(API_SERVICE, example(API_SERVICE))["AVAILABLE"] == "Unknown"
