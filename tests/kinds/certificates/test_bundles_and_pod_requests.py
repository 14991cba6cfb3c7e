from typing import Any

import pytest

from minikube_py.kinds.catalog import CLUSTER_TRUST_BUNDLE, POD_CERTIFICATE_REQUEST
from tests.kinds.builders import creation_errors
from tests.kinds.examples import GONE, altered, errors_of_change, errors_with, example
from tests.kinds.keys import certificate
from tests.kinds.test_columns import cells

OMITTED = 'spec.trustBundle: Invalid value: "<value omitted>": '
WITH_HEADER = certificate().replace("-----\n", "-----\nProc-Type: 4\n\n", 1)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "at least one trust anchor must be provided"),
        (
            certificate().replace(" CERTIFICATE", " PUBLIC KEY"),
            "entry 0 has bad block type: PUBLIC KEY",
        ),
        (WITH_HEADER, "entry 0 has PEM block headers"),
        (
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
            "entry 0 does not parse as X.509",
        ),
        (certificate("leaf", is_authority=False), "entry 0 does not have the CA bit set"),
        (certificate() * 2, "duplicate trust anchor (indices [0, 1])"),
    ],
    ids=["empty", "type", "header", "junk", "leaf", "twice"],
)
def test_a_bundle_is_of_authorities_each_once(text: str, error: str) -> None:
    assert errors_with(CLUSTER_TRUST_BUNDLE, "spec.trustBundle", text) == [f"{OMITTED}{error}"]


def test_a_bundle_is_no_larger_than_a_megabyte() -> None:
    assert errors_with(CLUSTER_TRUST_BUNDLE, "spec.trustBundle", "x" * (1 << 20) + "x") == [
        "spec.trustBundle: Too long: may not be more than 1048576 bytes"
    ]


def test_a_signers_bundle_bears_its_name() -> None:
    owned = altered(example(CLUSTER_TRUST_BUNDLE), "spec.signerName", "example.com/ca")

    assert creation_errors(CLUSTER_TRUST_BUNDLE, owned) == [
        'metadata.name: Invalid value: "a": ClusterTrustBundle for signerName example.com/ca must '
        "be named with prefix example.com:ca:"
    ]
    named = altered(owned, "metadata.name", "example.com:ca:main")
    assert creation_errors(CLUSTER_TRUST_BUNDLE, named) == []
    (error,) = creation_errors(
        CLUSTER_TRUST_BUNDLE, altered(owned, "metadata.name", "example.com:ca:A")
    )
    assert error.startswith('metadata.name: Invalid value: "example.com:ca:A"')
    assert cells(CLUSTER_TRUST_BUNDLE, named)["SIGNERNAME"] == "example.com/ca"


def test_nobodys_bundle_does_not_look_like_a_signers() -> None:
    assert errors_with(CLUSTER_TRUST_BUNDLE, "metadata.name", "a:b") == [
        'metadata.name: Invalid value: "a:b": ClusterTrustBundle without signer name must not have '
        '":" in its name'
    ]


def test_a_bundles_signer_stays() -> None:
    stored = example(CLUSTER_TRUST_BUNDLE)
    new = altered(stored, "spec.signerName", "example.com/ca")

    assert [str(error) for error in CLUSTER_TRUST_BUNDLE.validate_update(new, stored)] == [
        'spec.signerName: Invalid value: "example.com/ca": field is immutable'
    ]


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("spec.signerName", GONE, "spec.signerName: Required value"),
        ("spec.podUID", "", 'spec.podUID: Invalid value: "": must not be empty'),
        (
            "spec.nodeUID",
            "x" * 129,
            "spec.nodeUID: Too long: may not be more than 128 bytes",
        ),
        (
            "spec.maxExpirationSeconds",
            60,
            "spec.maxExpirationSeconds: Invalid value: 60: must be in the range [3600, 7862400]",
        ),
        ("spec.stubPKCS10Request", "", "spec.stubPKCS10Request: Required value"),
        (
            "spec.stubPKCS10Request",
            "x" * 20000,
            "spec.stubPKCS10Request: Too long: may not be more than 10240 bytes",
        ),
    ],
)
def test_what_a_pods_request_must_say(path: str, value: Any, error: str) -> None:
    assert errors_with(POD_CERTIFICATE_REQUEST, path, value) == [error]


def test_the_clusters_own_signers_give_a_day_at_most() -> None:
    own = altered(example(POD_CERTIFICATE_REQUEST), "spec.signerName", "kubernetes.io/x")
    own["spec"]["maxExpirationSeconds"] = 86401

    assert creation_errors(POD_CERTIFICATE_REQUEST, own) == [
        "spec.maxExpirationSeconds: Invalid value: 86401: must be in the range [3600, 86400]"
    ]


def test_a_pods_request_stays_as_it_is_and_lasts_a_day() -> None:
    made = example(POD_CERTIFICATE_REQUEST)
    POD_CERTIFICATE_REQUEST.default(made)

    assert made["spec"]["maxExpirationSeconds"] == 86400
    (error,) = errors_of_change(POD_CERTIFICATE_REQUEST, "spec.podUID", "9")
    assert error.startswith("spec: Invalid value")
    assert error.endswith("field is immutable")
    assert POD_CERTIFICATE_REQUEST.selectable_fields(made) == {
        "spec.signerName": "example.com/signer",
        "spec.podName": "web",
        "spec.nodeName": "mk",
    }


def test_the_table_of_pods_requests_shows_their_state() -> None:
    made = example(POD_CERTIFICATE_REQUEST)
    issued = altered(made, "status", {"conditions": [{"type": "Issued", "status": "True"}]})

    assert cells(POD_CERTIFICATE_REQUEST, made)["STATE"] == "Pending"
    assert cells(POD_CERTIFICATE_REQUEST, issued)["STATE"] == "Issued"
