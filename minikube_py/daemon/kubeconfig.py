"""The admin's kubeconfig, with everything inline, in the data directory; `mk up` merges it into
the user's own.
"""

import base64
from pathlib import Path

import yaml

from minikube_py.daemon.certificates import KeyPair
from minikube_py.meta.private_files import write_private


def write_kubeconfig(path: Path, *, cluster: str, server: str, ca: bytes, client: KeyPair) -> None:
    """One cluster, user and context, all named `cluster`; mode 0600."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster,
                "cluster": {"server": server, "certificate-authority-data": _inline(ca)},
            }
        ],
        "users": [
            {
                "name": cluster,
                "user": {
                    "client-certificate-data": _inline(client.certificate),
                    "client-key-data": _inline(client.key),
                },
            }
        ],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
        "current-context": cluster,
    }
    write_private(path, yaml.safe_dump(config, sort_keys=False).encode())


def _inline(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
