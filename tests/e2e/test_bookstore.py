"""The shipped demo's manifests, applied with kubectl and looked at as people do."""

import pytest

from tests.e2e.conftest import MANIFESTS, RunningCluster, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]


def test_kubectl_applies_the_bookstore_and_shows_it(cluster: RunningCluster) -> None:
    cluster.kubectl("apply", "-f", str(MANIFESTS / "bookstore"))
    cluster.kubectl(
        "rollout", "status", "-n", "bookstore", "statefulset/postgres", "--timeout=120s"
    )
    cluster.kubectl("rollout", "status", "-n", "bookstore", "deployment/web", "--timeout=120s")

    shown = cluster.kubectl("get", "all,ingress,pvc", "-A")
    for word in ("pod/postgres-0", "deployment.apps/web", "service/web", "ingress.", "Bound"):
        assert word in shown
    described = cluster.kubectl("describe", "pod", "-n", "bookstore", "-l", "app=web")
    assert "Scheduled" in described
    assert "Started" in described

    again = cluster.kubectl("apply", "-f", str(MANIFESTS / "bookstore"))
    assert "deployment.apps/web unchanged" in again

    cluster.kubectl("set", "env", "-n", "bookstore", "deployment/web", "APP_TITLE=Other")
    cluster.kubectl("rollout", "status", "-n", "bookstore", "deployment/web", "--timeout=120s")
    cluster.kubectl("rollout", "undo", "-n", "bookstore", "deployment/web")
    cluster.kubectl("rollout", "status", "-n", "bookstore", "deployment/web", "--timeout=120s")
    cluster.kubectl("delete", "namespace", "bookstore", "--timeout=90s")
    eventually(
        "volumes to be gone with their claims",
        lambda: "bookstore" not in cluster.kubectl("get", "pv", "-o", "wide"),
    )
