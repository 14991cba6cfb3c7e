from typing import Any

import pytest

from minikube_py.kinds.catalog import VOLUME_ATTACHMENT, VOLUME_ATTRIBUTES_CLASS
from tests.kinds.examples import altered, errors_of_change, errors_with, example
from tests.kinds.test_columns import cells

ONE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("spec.attacher", "", "spec.attacher: Required value"),
        ("spec.source", {}, f"spec.source: Required value: {ONE}"),
        ("spec.source.inlineVolumeSpec", {}, f"spec.source: Forbidden: {ONE}"),
        (
            "spec.source.persistentVolumeName",
            "",
            "spec.source.persistentVolumeName: Required value: must specify non empty "
            "persistentVolumeName",
        ),
    ],
)
def test_an_attachment_is_of_one_volume(path: str, value: Any, error: str) -> None:
    assert errors_with(VOLUME_ATTACHMENT, path, value) == [error]


def test_an_attachment_has_a_node_and_stays() -> None:
    (error,) = errors_with(VOLUME_ATTACHMENT, "spec.nodeName", "A")
    (update,) = errors_of_change(VOLUME_ATTACHMENT, "spec.nodeName", "other")

    assert error.startswith('spec.nodeName: Invalid value: "A"')
    assert update.startswith("spec: Invalid value")
    assert errors_with(VOLUME_ATTACHMENT, "spec.source", {"inlineVolumeSpec": {}}) == []


def test_what_a_driver_reports_of_an_attachment_is_short() -> None:
    status = {
        "attachmentMetadata": {"a": "x" * (1 << 18)},
        "attachError": {"message": "x" * 1025},
        "detachError": {"errorCode": -1},
    }
    reported = altered(example(VOLUME_ATTACHMENT), "status", status)

    assert [str(error) for error in VOLUME_ATTACHMENT.validate_status(reported, reported)] == [
        "status.attachmentMetadata: Too long: may not be more than 262144 bytes",
        "status.attachError.message: Too long: may not be more than 1024 bytes",
        "status.detachError.errorCode: Invalid value: -1: must be greater than or equal to 0",
    ]


def test_the_table_shows_what_is_attached_where() -> None:
    made = altered(example(VOLUME_ATTACHMENT), "status", {"attached": True})

    assert list(cells(VOLUME_ATTACHMENT, made).values()) == [
        "a",
        "d.example.com",
        "pv",
        "mk",
        True,
        "90s",
    ]


def test_attributes_are_some_drivers() -> None:
    kind = VOLUME_ATTRIBUTES_CLASS

    assert errors_with(kind, "driverName", "") == ["driverName: Required value"]
    assert errors_with(kind, "driverName", "a b")[0].startswith('driverName: Invalid value: "a b"')
    assert errors_with(kind, "parameters", {}) == [
        "parameters: Required value: must contain at least one key/value pair"
    ]
    assert errors_with(kind, "parameters", {"": "x"}) == [
        "parameters: Required value: must not have an empty key"
    ]


def test_attributes_of_a_class_stay() -> None:
    kind = VOLUME_ATTRIBUTES_CLASS

    assert errors_of_change(kind, "driverName", "other") == [
        "driverName: Forbidden: updates to driverName are forbidden."
    ]
    assert errors_of_change(kind, "parameters", {"iops": "1"}) == [
        "parameters: Forbidden: updates to parameters are forbidden."
    ]
    assert cells(kind, example(kind))["DRIVERNAME"] == "d.example.com"
