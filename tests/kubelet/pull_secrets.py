"""Secrets for registries, as kubectl makes them."""

import base64
from collections.abc import Mapping

from minikube_py.meta.encoding import encode
from minikube_py.meta.objects import Object


def secret(name: str, logins: Mapping[str, tuple[str, str]]) -> Object:
    """`logins`: user and password by registry."""
    auths = {
        host: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
        for host, (user, password) in logins.items()
    }
    return {
        "metadata": {"name": name, "namespace": "default", "uid": f"u-{name}"},
        "data": {".dockerconfigjson": base64.b64encode(encode({"auths": auths})).decode()},
    }
