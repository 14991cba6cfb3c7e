"""The shared cluster of the end-to-end tests, and one namespace a group of tests.

A group makes all its pods at once, in a fixture of its module; each test then waits for its own.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.conftest import (
    BUSYBOX,
    RunningCluster,
    cluster,
    eventually,
    namespace,
    new_cluster,
)

__all__ = ["BUSYBOX", "Group", "cluster", "eventually", "group", "namespace", "new_cluster"]


@dataclass(frozen=True)
class Group:
    """A namespace, spoken to as users do."""

    cluster: RunningCluster
    namespace: str

    def kubectl(self, *words: str, stdin: str | None = None, code: int = 0) -> str:
        return self.cluster.kubectl("-n", self.namespace, *words, stdin=stdin, code=code)

    def apply(self, *manifests: str) -> None:
        self.kubectl("apply", "-f", "-", stdin="\n---\n".join(manifests))

    def pod(self, name: str) -> dict[str, Any]:
        return dict(self.cluster.get("pod", name, "-n", self.namespace))

    def until(
        self, name: str, check: Callable[[dict[str, Any]], Any], what: str, seconds: float = 30
    ) -> dict[str, Any]:
        """The pod, once `check` holds."""

        def found() -> dict[str, Any] | None:
            pod = self.pod(name)
            return pod if check(pod) else None

        return eventually(f"{name}: {what}", found, seconds)

    def ready(self, name: str) -> dict[str, Any]:
        return self.until(name, is_ready, "ready")

    def phase(self, name: str, phase: str) -> dict[str, Any]:
        return self.until(name, lambda pod: pod["status"].get("phase") == phase, phase)

    def logs(self, name: str, *words: str) -> str:
        return self.kubectl("logs", name, *words)

    def events(self, name: str) -> list[dict[str, Any]]:
        chosen = f"involvedObject.name={name}"
        words = ("events", "-n", self.namespace, "--field-selector", chosen)
        return list(self.cluster.get(*words)["items"])


def is_ready(pod: dict[str, Any]) -> bool:
    return condition(pod, "Ready").get("status") == "True"


def condition(pod: dict[str, Any], type_: str) -> dict[str, Any]:
    found = [c for c in pod["status"].get("conditions") or [] if c["type"] == type_]
    return dict(found[0]) if found else {}


def restarts(pod: dict[str, Any], index: int = 0) -> int:
    entries = pod["status"].get("containerStatuses") or []
    return int(entries[index]["restartCount"]) if len(entries) > index else 0


def ended(pod: dict[str, Any], index: int = 0) -> dict[str, Any]:
    """state.terminated of a container, {} while it has none."""
    entries = pod["status"].get("containerStatuses") or []
    return dict(entries[index]["state"].get("terminated") or {}) if len(entries) > index else {}


@pytest.fixture(scope="module")
def group(cluster: RunningCluster) -> Iterator[Group]:
    """A namespace for all tests of a module, deleted with all in it."""
    name = f"conformance-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    yield Group(cluster, name)
    cluster.kubectl("delete", "namespace", name, "--wait=false")
