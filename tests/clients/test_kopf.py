"""An operator made with kopf: its watches, status patches, finalizers, timers and events."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import USUAL, Kubectl
from tests.e2e.conftest import RunningCluster, eventually

PROGRAM = Path(__file__).with_name("operator_program.py")
DEFINITION = Path(__file__).with_name("operator.yaml")


@pytest.fixture
def kubectl(paper: RunningCluster, namespace: str) -> Kubectl:
    kubectl = Kubectl(USUAL, paper, namespace)
    kubectl("apply", "-f", str(DEFINITION))
    kubectl("wait", "--for=condition=Established", "crd/sites.web.example.com", "--timeout=20s")
    return kubectl


@contextmanager
def operator(kubectl: Kubectl, log: Path) -> Iterator[None]:
    """The operator as its users start it; on the way out it must end when told to."""
    words = ["-m", "kopf", "run", "--standalone", "-n", kubectl.namespace, str(PROGRAM)]
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *words], env={**os.environ, **kubectl.env}, stdout=out, stderr=out
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def site(message: str, replicas: int = 1) -> dict[str, Any]:
    return {
        "apiVersion": "web.example.com/v1",
        "kind": "Site",
        "metadata": {"name": "shop"},
        "spec": {"message": message, "replicas": replicas},
    }


def test_an_operator_makes_changes_and_cleans_up(kubectl: Kubectl, tmp_path: Path) -> None:
    log = tmp_path / "operator.log"

    def status(name: str) -> Any:
        return kubectl.get("site", "shop").get("status", {}).get(name)

    with ExitStack() as stack:
        stack.callback(lambda: print(log.read_text()[-4000:]))  # shown if the test fails
        with operator(kubectl, log):
            kubectl.apply(site("hello"))
            eventually("the children are there", lambda: status("phase") == "Made")
            kubectl("wait", "--for=condition=Available", "deployment/shop", "--timeout=20s")
            eventually("its readiness is noted", lambda: status("replicas") == 1)
            assert kubectl.get("configmap", "shop")["data"] == {"message": "hello"}
            assert status("create") == {"children": 2}

            kubectl.apply(site("goodbye"))
            eventually("the change was made", lambda: status("phase") == "Changed")
            assert kubectl.get("configmap", "shop")["data"] == {"message": "goodbye"}

            kubectl("scale", "site/shop", "--replicas=2")
            eventually("it is scaled", lambda: status("replicas") == 2)
            eventually("its timer runs", lambda: (status("ticks") or 0) >= 2)
            assert "Changed" in kubectl("get", "sites")
            events = kubectl("get", "events", "--field-selector=involvedObject.kind=Site")
            assert "All there is to a site" in events

        with operator(kubectl, log):
            eventually("it was taken up again", lambda: status("resumed"))
            kubectl("delete", "site/shop", "--timeout=20s")

    kubectl("get", "configmap/shop-was-here")
    eventually(
        "its children went with it",
        lambda: not kubectl.get("deployments,replicasets,pods")["items"],
    )
    kubectl("get", "configmap/shop", code=1)


def test_an_object_waits_for_its_operator(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl.apply(site("hello"))
    bad = {**site(""), "metadata": {"name": "bad"}}
    refused = kubectl("apply", "-f", "-", stdin=json.dumps(bad), code=1)
    kubectl(
        "patch",
        "site/shop",
        "--type=merge",
        "-p",
        '{"metadata":{"finalizers":["web.example.com/operator"]}}',
    )
    kubectl("delete", "site/shop", "--wait=false")

    assert kubectl.get("site", "shop")["metadata"]["deletionTimestamp"]
    with operator(kubectl, tmp_path / "operator.log"):
        kubectl("wait", "--for=delete", "site/shop", "--timeout=20s")

    assert "spec.message" in refused
