"""A wrong manifest: what is wrong, where, what is allowed, and which documents were applied."""

from pathlib import Path

import pytest

from tests.e2e.conftest import RunningCluster

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

GOOD = """apiVersion: v1
kind: ConfigMap
metadata: {name: good, namespace: default}
data: {a: b}
"""


@pytest.mark.parametrize(
    ("manifest", "named"),
    [
        pytest.param(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec:\n  replcas: 2\n"
            "  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n"
            "    spec: {containers: [{name: c, image: i}]}\n",
            ["spec.replcas", "replicas"],
            id="misspelt-field",
        ),
        pytest.param(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec:\n  replicas: two\n"
            "  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n"
            "    spec: {containers: [{name: c, image: i}]}\n",
            ["spec.replicas", "integer"],
            id="wrong-type",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Podd\nmetadata: {name: x}\n", ["Podd"], id="unknown-kind"
        ),
        pytest.param(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: nowhere}\n",
            ["nowhere"],
            id="missing-namespace",
        ),
        pytest.param("apiVersion: v1\nkind: [oops\n", ["line"], id="bad-yaml"),
        pytest.param("just a text\n", ["document 1"], id="no-object"),
    ],
)
def test_a_bad_manifest_is_named(
    cluster: RunningCluster, tmp_path: Path, manifest: str, named: list[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(manifest)

    error = cluster.mk("--context", cluster.name, "apply", "-f", str(path), code=1)

    for word in ["bad.yaml", *named]:
        assert word in error


def test_of_two_documents_one_bad_nothing_is_applied_and_it_says_so(
    cluster: RunningCluster, tmp_path: Path
) -> None:
    path = tmp_path / "two.yaml"
    bad = GOOD.replace("good", "Bad_Name")
    path.write_text(f"{GOOD}---\n{bad}")

    error = cluster.mk("--context", cluster.name, "apply", "-f", str(path), code=1)

    assert "document 2" in error
    assert "metadata.name" in error
    assert "applied" in error
    cluster.kubectl("get", "configmap", "good", "-n", "default", code=1)
