"""DisruptionController."""

import json
from typing import Any

import pytest

from tests.conformance.placing import Placing, eventually, paper, placing

__all__ = ["paper", "placing"]

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]


def _status(placing: Placing, name: str = "web") -> dict[str, Any]:
    return dict(json.loads(placing.kubectl("get", "pdb", name, "-o", "json"))["status"])


def _settled(placing: Placing, allowed: int) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        status = _status(placing)
        return status if status["disruptionsAllowed"] == allowed else None

    return eventually(f"{allowed} may go", found)


def _make(placing: Placing, bound: str, pods: int = 2) -> None:
    for number in range(pods):
        placing.make(f"web-{number}", labels={"app": "web"})
        placing.runs_on(f"web-{number}")
    placing.kubectl("create", "pdb", "web", "--selector=app=web", f"--min-available={bound}")


def test_should_create_a_pod_disruption_budget(placing: Placing) -> None:
    """[sig-apps] DisruptionController"""
    _make(placing, "1", pods=0)

    placing.kubectl("patch", "pdb", "web", "-p", '{"spec":{"minAvailable":2}}')

    eventually("seen", lambda: _status(placing).get("observedGeneration") == 2)
    placing.kubectl("delete", "pdb", "web")
    assert placing.kubectl("get", "pdb", "-o", "name") == ""


def test_should_observe_pod_disruption_budget_status_updated(placing: Placing) -> None:
    """[sig-apps] DisruptionController"""
    _make(placing, "1")

    status = _settled(placing, 1)

    assert (status["currentHealthy"], status["desiredHealthy"], status["expectedPods"]) == (2, 1, 2)
    [found] = status["conditions"]
    assert (found["status"], found["reason"]) == ("True", "SufficientPods")


def test_should_update_and_patch_pod_disruption_budget_status(placing: Placing) -> None:
    """[sig-apps] DisruptionController"""
    _make(placing, "1", pods=0)
    old = json.dumps({"status": {"disruptedPods": {"gone": "2020-01-01T00:00:00Z"}}})

    placing.kubectl("patch", "pdb", "web", "--subresource=status", "--type=merge", "-p", old)

    eventually("what is no pod is forgotten", lambda: "disruptedPods" not in _status(placing))


def test_should_block_an_eviction_until_the_pdb_is_updated_to_allow_it(placing: Placing) -> None:
    """[sig-apps] DisruptionController"""
    _make(placing, "2")
    _settled(placing, 0)
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "web-0", "namespace": placing.namespace},
    }
    path = f"/api/v1/namespaces/{placing.namespace}/pods/web-0/eviction"
    words = ("create", "--raw", path, "-f", "-")
    refused = placing.kubectl(*words, stdin=json.dumps(eviction), code=1)

    placing.kubectl("patch", "pdb", "web", "-p", '{"spec":{"minAvailable":1}}')
    _settled(placing, 1)
    placing.kubectl(*words, stdin=json.dumps(eviction))

    assert "disruption budget" in refused
    placing.gone("web-0")
    assert _settled(placing, 0)["currentHealthy"] == 1


def test_should_list_and_delete_a_collection_of_pod_disruption_budgets(placing: Placing) -> None:
    """[sig-apps] DisruptionController Listing PodDisruptionBudgets for all namespaces"""
    for name in ("one", "two", "other"):
        placing.kubectl("create", "pdb", name, "--selector=app=x", "--min-available=1")
        chosen = "no" if name == "other" else "yes"
        placing.kubectl("label", "pdb", name, f"all={chosen}")

    everywhere = placing.kubectl("get", "pdb", "-A", "-l", "all=yes", "-o", "name").split()
    placing.kubectl("delete", "pdb", "-l", "all=yes")

    assert len(everywhere) == 2
    left = placing.kubectl("get", "pdb", "-o", "name").split()
    assert left == ["poddisruptionbudget.policy/other"]
