"""What clients send is written as Kubernetes writes it."""

from typing import Any

import pytest

from minikube_py.kinds.catalog import LEASE, POD
from minikube_py.resources.decode import decode_object


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z", id="as-it-is"),
        pytest.param("2026-01-31T12:00:00+00:00", "2026-01-31T12:00:00Z", id="as-python-says-it"),
        pytest.param("2026-01-31T13:00:00.9+01:00", "2026-01-31T12:00:00Z", id="other-zone"),
    ],
)
def test_times_are_in_utc_and_whole_seconds(sent: str, kept: str) -> None:
    pod: dict[str, Any] = {"metadata": {"name": "one", "creationTimestamp": sent}}

    obj, _ = decode_object(POD, pod, "Strict")

    assert obj["metadata"]["creationTimestamp"] == kept


def test_a_leases_times_have_microseconds() -> None:
    spec = {"renewTime": "2026-01-31T12:00:00.5+00:00", "acquireTime": "2026-01-31T12:00:00Z"}

    obj, _ = decode_object(LEASE, {"metadata": {"name": "lock"}, "spec": spec}, "Strict")

    assert obj["spec"] == {
        "renewTime": "2026-01-31T12:00:00.500000Z",
        "acquireTime": "2026-01-31T12:00:00.000000Z",
    }
