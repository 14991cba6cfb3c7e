"""The node's side as the API server sees it: the kubelet of this process, and pods whose addresses
lie on this host's own bridge, or on paper nowhere.
"""

import ssl
from collections.abc import Callable

from minikube_py.apiserver.node_side import NodeSide, direct
from minikube_py.kubelet.agent import Kubelet
from minikube_py.meta.errors import ServiceUnavailable


def node_side(
    kubelet: Kubelet, identify: Callable[[ssl.SSLContext], None], *, on_paper: bool
) -> NodeSide:
    reach = _nowhere if on_paper else direct
    return NodeSide(kubelet.usage, kubelet.endpoints, reach, identify)


def _nowhere(host: str, port: int) -> tuple[str, int]:
    """Addresses on paper may belong to someone else in the world: nothing is ever sent there."""
    raise ServiceUnavailable(
        f"error trying to reach service: {host}:{port} exists on paper only, as this cluster runs "
        "with --runtime simulated: use a cluster with --runtime docker"
    )
