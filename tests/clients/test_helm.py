"""Helm 3 and 4 with a chart that has hooks, a test, a schema and a CustomResourceDefinition.

A client-side lookup of the served versions, three-way merges (Helm 3), server-side apply and
kstatus watches (Helm 4), release Secrets: what Helm asks of a cluster beside plain objects.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clients.conftest import HELMS, USUAL, Kubectl, program
from tests.e2e.conftest import run_command

CHART = str(Path(__file__).parent / "chart")


@dataclass(frozen=True)
class Helm:
    """One release of Helm, bound to a namespace; `kubectl` looks at what it did."""

    name: str
    kubectl: Kubectl

    @property
    def is_old(self) -> bool:
        return self.name.startswith("helm-3")

    def __call__(self, *words: str, code: int = 0) -> str:
        place = ("--namespace", self.kubectl.namespace)
        folder = self.kubectl.cluster.folder / self.name
        env = {**self.kubectl.env, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        done = run_command(program(self.name), *place, *words, env=env, seconds=60)
        assert done.code == code, f"{self.name} {' '.join(words)}:\n{done.out}\n{done.err}"
        return done.out if code == 0 else done.out + done.err

    def ask(self, *words: str) -> Any:
        return json.loads(self(*words, "-o", "json"))


@pytest.fixture(params=HELMS)
def helm(request: pytest.FixtureRequest, paper: Any, namespace: str) -> Iterator[Helm]:
    helm = Helm(request.param, Kubectl(USUAL, paper, namespace))
    yield helm
    for release in helm.ask("list", "--all" if helm.is_old else "--deployed"):
        helm("uninstall", release["name"], "--no-hooks")


def test_a_chart_is_installed_upgraded_rolled_back_tested_and_uninstalled(helm: Helm) -> None:
    kubectl = helm.kubectl

    installed = helm("install", "shop", CHART, "--wait", "--timeout=30s")
    assert "STATUS: deployed" in installed
    assert "shop has 1 replicas and is blue." in installed
    assert kubectl.get("deployment", "shop")["status"]["readyReplicas"] == 1
    assert kubectl.get("basket", "shop")["spec"] == {"fruit": "apple", "count": 1}
    config = kubectl.get("configmap", "shop-config")["data"]
    assert config == {
        "colour": "blue",
        "revision": "1",
        "seen": kubectl.namespace,
        "policy": "true",
    }
    assert kubectl("logs", "shop-before") == "before\n"
    assert kubectl("logs", "shop-after") == "after\n"

    helm("upgrade", "shop", CHART, "--wait", "--timeout=30s", "--set=colour=red,replicas=2")
    assert kubectl.get("configmap", "shop-config")["data"]["colour"] == "red"
    assert kubectl.get("deployment", "shop")["status"]["updatedReplicas"] == 2
    assert kubectl("logs", "shop-upgrading") == "upgrading\n"
    assert helm.ask("get", "values", "shop") == {"colour": "red", "replicas": 2}

    helm("rollback", "shop", "1", "--wait", "--timeout=30s")
    assert kubectl.get("configmap", "shop-config")["data"]["colour"] == "blue"
    assert kubectl.get("deployment", "shop")["spec"]["replicas"] == 1
    history = helm.ask("history", "shop")
    assert [entry["status"] for entry in history] == ["superseded", "superseded", "deployed"]

    tested = helm("test", "shop", "--logs", "--timeout=30s")
    assert "Succeeded" in tested
    assert "hello" in tested
    assert "kind: Basket" in helm("get", "manifest", "shop")
    assert "shop-upgrading" in helm("get", "hooks", "shop")
    status = helm.ask("status", "shop")
    assert status["info"]["status"] == "deployed"
    assert [release["name"] for release in helm.ask("list")] == ["shop"]

    helm("uninstall", "shop", "--wait", "--timeout=30s")
    assert kubectl("logs", "shop-leaving") == "leaving\n"
    left = kubectl.get("deployments,services,baskets,secrets", "-l", "app.kubernetes.io/name=shop")
    assert left["items"] == []
    assert helm.ask("list") == []


def test_an_upgrade_that_fails_is_rolled_back(helm: Helm) -> None:
    helm("install", "shop", CHART, "--no-hooks")
    flag = "--atomic" if helm.is_old else "--rollback-on-failure"

    failed = helm(
        "upgrade", "--install", "shop", CHART, flag, "--no-hooks", "--timeout=3s",
        "--set=broken=true,colour=red", code=1,
    )  # fmt: skip

    assert "rolled back" in failed
    statuses = [entry["status"] for entry in helm.ask("history", "shop")]
    assert statuses == ["superseded", "failed", "deployed"]
    assert helm.kubectl.get("configmap", "shop-config")["data"]["colour"] == "blue"


def test_what_would_happen_is_shown_and_does_not_happen(helm: Helm) -> None:
    helm.kubectl("apply", "-f", f"{CHART}/crds")  # a dry run makes none, and needs them
    shown = helm("install", "shop", CHART, "--dry-run=server")
    rendered = helm("template", "shop", CHART, "--include-crds")
    linted = helm("lint", CHART)

    assert f"seen: {helm.kubectl.namespace}" in shown  # lookup asks the cluster
    kinds = {document["kind"] for document in yaml.safe_load_all(rendered) if document}
    assert {"Deployment", "Basket", "CustomResourceDefinition", "Pod"} <= kinds
    assert "1 chart(s) linted, 0 chart(s) failed" in linted
    helm.kubectl("get", "deployment/shop", code=1)


def test_what_the_cluster_refuses_is_told(helm: Helm) -> None:
    schema = helm("install", "shop", CHART, "--set=replicas=many", code=1)
    taken = helm.kubectl("create", "serviceaccount", "shop")
    owned = helm("install", "shop", CHART, "--no-hooks", code=1)

    assert "replicas" in schema
    assert taken
    assert "exists and cannot be imported into the current release" in owned


def test_a_package_is_installed_twice_side_by_side(helm: Helm, tmp_path: Path) -> None:
    helm("package", CHART, "-d", str(tmp_path))
    package = str(next(tmp_path.glob("shop-*.tgz")))
    helm.kubectl("apply", "-f", f"{CHART}/crds")

    for name in ("one", "two"):
        helm("install", name, package, "--no-hooks", "--skip-crds")

    assert [release["name"] for release in helm.ask("list")] == ["one", "two"]
    helm("uninstall", "one", "--keep-history", "--no-hooks")
    uninstalled = helm.ask("history", "one")
    assert uninstalled[0]["status"] == "uninstalled"
    helm.kubectl("get", "deployment/two")
    helm("uninstall", "one", "--no-hooks")
