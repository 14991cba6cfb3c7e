import base64
from typing import Any

import pytest

from minikube_py.kinds.catalog import CERTIFICATE_SIGNING_REQUEST as CSR
from minikube_py.meta.objects import Object
from tests.kinds.examples import GONE, altered, errors_with, example
from tests.kinds.keys import issued
from tests.kinds.test_columns import cells

WRITTEN = "2026-01-31T12:00:00Z"
DETAIL = "Approved and Denied conditions are mutually exclusive"


def _condition(type_: str, status: str = "True", **more: str) -> Object:
    return {"type": type_, "status": status, **more}


def _decided(*conditions: Object, **status: Any) -> Object:
    return altered(example(CSR), "status", {"conditions": list(conditions), **status})


def _approval_errors(new: Object, old: Object) -> list[str]:
    errors = [*CSR.validate_create(new), *CSR.parts["approval"].validate_update(new, old)]
    return [str(error) for error in errors]


def _status_errors(new: Object, old: Object) -> list[str]:
    return [str(error) for error in CSR.validate_status(new, old)]


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (
            "spec.request",
            base64.b64encode(b"hello").decode(),
            'spec.request: Invalid value: "aGVsbG8=": PEM block type must be CERTIFICATE REQUEST',
        ),
        ("spec.usages", [], "spec.usages: Required value"),
        (
            "spec.usages",
            ["client auth", "client auth"],
            'spec.usages[1]: Duplicate value: "client auth"',
        ),
        ("spec.signerName", GONE, "spec.signerName: Required value"),
        (
            "spec.signerName",
            "kubernetes.io/legacy-unknown",
            'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName '
            "is not allowed via this API version",
        ),
        (
            "spec.signerName",
            "signer",
            'spec.signerName: Invalid value: "signer": must be a fully qualified domain and path '
            "of the form 'example.com/signer-name'",
        ),
        (
            "spec.signerName",
            "example/a",
            'spec.signerName: Invalid value: "example": should be a domain with at least two '
            "segments separated by dots",
        ),
        (
            "spec.expirationSeconds",
            599,
            "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 "
            "seconds (10 minutes)",
        ),
    ],
)
def test_what_a_request_must_say(path: str, value: Any, error: str) -> None:
    assert errors_with(CSR, path, value) == [error]


@pytest.mark.parametrize("name", ["example.com/A", "Example.com/a"])
def test_parts_of_a_signers_name_are_those_of_domains(name: str) -> None:
    (error,) = errors_with(CSR, "spec.signerName", name)

    assert ': validating label "' in error


@pytest.mark.parametrize(
    ("name", "limit"), [(f"{'a.' * 127}b/c", 253), (f"a.b/{'c.' * 159}d", 317)]
)
def test_signers_names_are_not_endless(name: str, limit: int) -> None:
    assert errors_with(CSR, "spec.signerName", name) == [
        f"spec.signerName: Too long: may not be more than {limit} bytes"
    ]


def test_usages_are_known_ones() -> None:
    (error,) = errors_with(CSR, "spec.usages", ["client auth", "flying"])

    assert error.startswith('spec.usages[1]: Unsupported value: "flying": supported values: "any",')


def test_the_request_itself_never_changes() -> None:
    old = example(CSR)
    new = altered(old, "spec.usages", ["server auth"])

    CSR.prepare(new, old)

    assert new["spec"] == old["spec"]


def test_nobody_is_approved_from_the_start() -> None:
    made = _decided(_condition("Approved"))

    CSR.prepare(made, None)

    assert made["status"] == {}


def test_a_decision_is_stamped_with_the_time_of_its_write() -> None:
    old = example(CSR)
    new = _decided(_condition("Approved"))
    new["metadata"]["managedFields"] = [{"time": "2026-01-30T00:00:00Z"}, {"time": WRITTEN}]

    CSR.prepare(new, old)

    (approved,) = new["status"]["conditions"]
    assert (approved["lastUpdateTime"], approved["lastTransitionTime"]) == (WRITTEN, WRITTEN)


def test_a_decision_keeps_its_time() -> None:
    before = _condition("Approved", lastTransitionTime="2026-01-01T00:00:00Z", lastUpdateTime="x")
    new = _decided(_condition("Approved"))
    new["metadata"]["managedFields"] = [{"time": WRITTEN}]

    CSR.prepare(new, _decided(before))

    assert new["status"]["conditions"] == [before]


@pytest.mark.parametrize(
    ("conditions", "error"),
    [
        ([_condition("")], "status.conditions[0].type: Required value"),
        ([_condition("Approved", "")], "status.conditions[0].status: Required value"),
        (
            [_condition("Denied", "False")],
            'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
        ),
        (
            [_condition("Approved"), _condition("Denied")],
            f'status.conditions: Invalid value: "Denied": {DETAIL}',
        ),
        (
            [_condition("Other", "Unknown"), _condition("Other")],
            'status.conditions[1].type: Duplicate value: "Other"',
        ),
    ],
)
def test_conditions_are_clear(conditions: list[Object], error: str) -> None:
    assert _approval_errors(_decided(*conditions), example(CSR)) == [error]


def test_a_decision_is_not_taken_back() -> None:
    assert _approval_errors(_decided(), _decided(_condition("Approved"))) == [
        'status.conditions: Forbidden: updates may not remove a condition of type "Approved"'
    ]


def test_the_signer_does_not_decide() -> None:
    approved = _condition("Approved")
    changed = {**approved, "reason": "Me"}

    assert _status_errors(_decided(approved), example(CSR)) == [
        'status.conditions: Forbidden: updates may not add a condition of type "Approved"'
    ]
    assert _status_errors(_decided(changed), _decided(approved)) == [
        'status.conditions: Forbidden: updates may not modify a condition of type "Approved"'
    ]
    assert _status_errors(_decided(approved, _condition("Failed")), _decided(approved)) == []


def test_a_certificate_is_given_once() -> None:
    given = _decided(certificate=issued())
    other = _decided(certificate=base64.b64encode(b"other").decode())

    assert _status_errors(given, _decided()) == []
    assert _status_errors(given, given) == []
    assert _status_errors(other, given)[0] == (
        "status.certificate: Forbidden: updates may not modify existing certificate content"
    )
    key = _decided(certificate=base64.b64encode(b"-----BEGIN PRIVATE KEY-----").decode())
    junk = _decided(certificate=base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode())
    assert _status_errors(key, _decided())[0].endswith("only CERTIFICATE PEM blocks are allowed")
    assert ": must be PEM certificates: " in _status_errors(junk, _decided())[0]
    assert _status_errors(other, _decided()) == [
        'status.certificate: Invalid value: "<certificate data>": must contain at least one '
        "CERTIFICATE PEM block"
    ]


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (example(CSR), "Pending"),
        (_decided(_condition("Approved")), "Approved"),
        (_decided(_condition("Denied")), "Denied"),
        (_decided(_condition("Approved"), _condition("Failed")), "Approved,Failed"),
        (_decided(_condition("Approved"), certificate="x"), "Approved,Issued"),
    ],
    ids=["pending", "approved", "denied", "failed", "issued"],
)
def test_the_table_shows_what_became_of_it(shown: Object, text: str) -> None:
    shown["spec"]["username"] = "jane"

    assert cells(CSR, shown) == {
        "NAME": "a",
        "AGE": "90s",
        "SIGNERNAME": "example.com/signer",
        "REQUESTOR": "jane",
        "REQUESTEDDURATION": "<none>",
        "CONDITION": text,
    }
    timed = altered(shown, "spec.expirationSeconds", 86400)
    assert cells(CSR, timed)["REQUESTEDDURATION"] == "24h"


def test_requests_are_found_by_their_signer() -> None:
    assert CSR.selectable_fields(example(CSR)) == {"spec.signerName": "example.com/signer"}
