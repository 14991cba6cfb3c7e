"""The admin's kubeconfig holds all that a client needs."""

import base64
from pathlib import Path

import yaml

from minikube_py.daemon.certificates import KeyPair
from minikube_py.daemon.kubeconfig import write_kubeconfig


def test_cluster_user_and_context_bear_the_clusters_name(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"

    write_kubeconfig(
        path,
        cluster="t-one",
        server="https://127.0.0.1:6443",
        ca=b"authority",
        client=KeyPair(b"certificate", b"key"),
    )

    config = yaml.safe_load(path.read_text())
    (cluster,), (user,), (context,) = config["clusters"], config["users"], config["contexts"]
    assert {cluster["name"], user["name"], context["name"], config["current-context"]} == {"t-one"}
    assert context["context"] == {"cluster": "t-one", "user": "t-one"}
    assert cluster["cluster"]["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == b"authority"
    assert base64.b64decode(user["user"]["client-certificate-data"]) == b"certificate"
    assert base64.b64decode(user["user"]["client-key-data"]) == b"key"
    assert path.stat().st_mode & 0o777 == 0o600
