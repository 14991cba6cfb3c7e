"""`mk describe pod` shows where the time of the start went."""

from datetime import UTC, datetime
from typing import Any

import pytest

from minikube_py.cli.describe_page import Page
from minikube_py.cli.describe_pod import describe_pod


def described(trace: str | None) -> str:
    page = Page(datetime(2026, 1, 1, tzinfo=UTC))
    metadata: dict[str, Any] = {"name": "web", "namespace": "default"}
    if trace is not None:
        metadata["annotations"] = {"mk.dev/start-trace": trace}
    describe_pod(page, {"metadata": metadata, "spec": {"containers": []}, "status": {}})
    return str(page)


def test_the_steps_of_the_start_are_a_table_in_their_order() -> None:
    text = described('{"total": 190, "start": 120, "schedule": 12}')

    assert [line.split() for line in text.splitlines() if line.endswith("ms")] == [
        ["schedule", "12", "ms"],
        ["start", "120", "ms"],
        ["total", "190", "ms"],
    ]
    assert "mk.dev/start-trace" not in text


@pytest.mark.parametrize("trace", [None, "soon", "[1]", '{"start": "long"}', '{"start": null}'])
def test_a_pod_without_a_readable_trace_has_no_such_table(trace: str | None) -> None:
    assert "Start:" not in described(trace)
