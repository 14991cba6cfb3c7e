"""A cluster of two nodes whose pods exist on paper: what is tested here is decided, not run."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.conftest import Group, condition
from tests.e2e.conftest import RunningCluster, eventually

__all__ = ["condition", "eventually"]

FOO = "scheduling.k8s.io/foo"


@dataclass(frozen=True)
class Placing(Group):
    """`nodes` are the names of the two."""

    nodes: tuple[str, str]

    def make(self, name: str, **spec: Any) -> None:
        labels = spec.pop("labels", {})
        container = {"name": "main", "image": "main:1", **spec.pop("container", {})}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": labels},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **spec},
        }
        self.apply(json.dumps(body))

    def runs_on(self, name: str) -> str:
        found = self.until(name, lambda pod: pod["status"].get("phase") == "Running", "runs")
        return str(found["spec"]["nodeName"])

    def refused(self, name: str) -> str:
        """Why it found no node."""
        pod = self.until(name, lambda pod: condition(pod, "PodScheduled"), "is judged")
        found = condition(pod, "PodScheduled")
        assert (found["status"], found["reason"]) == ("False", "Unschedulable")
        return str(found["message"])

    def gone(self, name: str) -> None:
        words = ("get", "pod", name, "--ignore-not-found", "-o", "name")
        eventually(f"{name} is gone", lambda: not self.kubectl(*words))

    def exists(self, name: str) -> bool:
        pod = json.loads(self.kubectl("get", "pod", name, "-o", "json"))
        return "deletionTimestamp" not in pod["metadata"]


def asks(amount: int) -> dict[str, Any]:
    return {"resources": {"requests": {FOO: amount}, "limits": {FOO: amount}}}


@pytest.fixture(scope="module")
def paper(new_cluster: Callable[[], RunningCluster]) -> RunningCluster:
    made = new_cluster()
    made.up("--runtime", "simulated", "--nodes", "2")
    return made


@pytest.fixture
def placing(paper: RunningCluster) -> Iterator[Placing]:
    """A namespace of the test's own, and nodes that are as they were afterwards."""
    name = f"placing-{secrets.token_hex(3)}"
    paper.kubectl("create", "namespace", name)
    nodes = [node["metadata"]["name"] for node in paper.get("nodes")["items"]]
    room = json.dumps({"status": {"capacity": {FOO: "5"}, "allocatable": {FOO: "5"}}})
    for node in nodes:
        paper.kubectl("patch", "node", node, "--subresource=status", "--type=merge", "-p", room)
    yield Placing(paper, name, (nodes[0], nodes[1]))
    paper.kubectl("delete", "namespace", name, "--wait=true")
