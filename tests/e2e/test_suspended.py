"""A daemon that is stopped and goes on later: clients time out, try again and lose nothing."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.conftest import RunningCluster, eventually

pytestmark = [pytest.mark.e2e]

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


@pytest.fixture(scope="module")
def on_paper(new_cluster: Callable[[], RunningCluster]) -> RunningCluster:
    cluster = new_cluster()
    cluster.up("--runtime", "simulated")
    return cluster


@contextmanager
def suspended(cluster: RunningCluster) -> Iterator[None]:
    pid = cluster.status()["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_client_that_times_out_and_tries_again_gets_its_answer(on_paper: RunningCluster) -> None:
    with suspended(on_paper):
        failed = on_paper.kubectl("get", "namespaces", "--request-timeout=1s", code=1)
        assert "Client.Timeout" in failed or "deadline" in failed or "timeout" in failed

    assert "default" in on_paper.kubectl("get", "namespaces", "--request-timeout=20s")


def test_a_write_nobody_waited_for_is_made_once_or_not_at_all(on_paper: RunningCluster) -> None:
    manifest = MAP.format(name="impatient")
    with suspended(on_paper):
        for _ in range(2):
            on_paper.kubectl(
                "create", "-f", "-", "--request-timeout=1s", "--validate=false", stdin=manifest,
                code=1,
            )  # fmt: skip

    on_paper.apply(manifest)
    assert on_paper.get("configmap", "impatient")["metadata"]["name"] == "impatient"


def test_a_watch_that_was_open_goes_on_without_a_gap(on_paper: RunningCluster) -> None:
    kubectl = subprocess.Popen(
        ("kubectl", "--context", on_paper.name, "get", "configmaps", "--watch", "-o", "name"),
        env={**os.environ, **on_paper.env},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        on_paper.apply(MAP.format(name="before"))
        assert kubectl.stdout is not None
        seen: list[str] = []
        with suspended(on_paper):
            pass
        on_paper.apply(MAP.format(name="after"))
        while "configmap/after" not in seen:
            seen.append(kubectl.stdout.readline().strip())
        assert "configmap/before" in seen
    finally:
        kubectl.kill()
        kubectl.wait()
        assert kubectl.stdout is not None
        kubectl.stdout.close()


def test_the_cluster_is_as_well_as_before(on_paper: RunningCluster) -> None:
    with suspended(on_paper):
        on_paper.kubectl("get", "--raw", "/readyz", "--request-timeout=2s", code=1)

    eventually("ready again", lambda: on_paper.kubectl("get", "--raw", "/readyz") == "ok", 30)
    node = on_paper.get("nodes")["items"][0]
    conditions = {one["type"]: one["status"] for one in node["status"]["conditions"]}
    assert conditions["Ready"] == "True", json.dumps(node["status"])
    assert on_paper.status()["ready"]
