"""What one daemon was told: its flags, checked, as one frozen value. `mk up` passes the same flags
on.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from minikube_py.meta.cluster import DEFAULT_CLUSTER, BadClusterName, Cluster
from minikube_py.meta.sysctls import parse_sysctl_patterns

Runtime = Literal["docker", "simulated"]
ProxyMode = Literal["auto", "kernel", "http", "userspace"]
MOST_NODES = 32
CHOICES_FILE = "cluster.json"
"""In the data dir: what the cluster's last run was told or chose (see choices)."""


@dataclass(frozen=True)
class Settings:
    """Ports are None where the daemon may choose: then the ones of its last run, or free ones.
    `zones` 0: nodes say nothing of zones.
    """

    cluster: Cluster
    data_dir: Path
    runtime: Runtime = "docker"
    service_proxy: ProxyMode = "auto"
    pod_cidr: str | None = None
    service_cidr: str | None = None
    api_port: int | None = None
    ingress_http_port: int | None = None
    ingress_https_port: int | None = None
    nodes: int = 1
    zones: int = 0
    allowed_unsafe_sysctls: tuple[str, ...] = ()
    """Names, or beginnings with a `*`, that Pods may set beside the safe ones."""
    verbose: bool = False
    purge: bool = False

    @property
    def pods_dir(self) -> Path:
        """Where the kubelet keeps Pods' files (its KubeletSettings say the same)."""
        return self.data_dir / "pods"

    @property
    def simulated(self) -> bool:
        return self.runtime == "simulated"


def parse_settings(argv: Sequence[str]) -> Settings:
    """Raises SystemExit(2) with argparse's usage on flags that make no sense."""
    parser = _parser()
    flags = parser.parse_args(argv)
    try:
        cluster = Cluster(flags.cluster)
    except BadClusterName as error:
        parser.error(str(error))
    data_dir = (flags.data_dir or cluster.default_data_dir).absolute()
    last = _last_run(data_dir)
    return Settings(
        cluster=cluster,
        data_dir=data_dir,
        runtime=cast(Runtime, flags.runtime or last.get("runtime") or "docker"),
        service_proxy=cast(ProxyMode, flags.service_proxy or last.get("service_proxy") or "auto"),
        pod_cidr=flags.pod_cidr,
        service_cidr=flags.service_cidr,
        api_port=flags.api_port,
        ingress_http_port=flags.ingress_http_port,
        ingress_https_port=flags.ingress_https_port,
        nodes=flags.nodes or int(last.get("nodes") or 1),
        zones=int(last.get("zones") or 0) if flags.zones is None else flags.zones,
        allowed_unsafe_sysctls=_allowed(flags.allowed_unsafe_sysctls, last),
        verbose=flags.verbose or bool(os.environ.get("MK_VERBOSE")),
        purge=flags.purge,
    )


def _allowed(asked: tuple[str, ...] | None, last: dict[str, Any]) -> tuple[str, ...]:
    return _sysctls(str(last.get("allowed_unsafe_sysctls") or "")) if asked is None else asked


def _last_run(data_dir: Path) -> dict[str, Any]:
    """`mk down` and `mk up` must not turn a cluster on paper into one on Docker. A damaged file is
    reported by who needs the rest of it.
    """
    try:
        kept = json.loads((data_dir / CHOICES_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m minikube_py.daemon",
        description="The cluster's daemon in the foreground; `mk up` starts it for you.",
    )
    parser.add_argument("--cluster", default=DEFAULT_CLUSTER)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--kubeconfig", type=Path, help="merged by `mk up`; not read here")
    parser.add_argument("--runtime", choices=get_args(Runtime))
    parser.add_argument("--service-proxy", choices=get_args(ProxyMode))
    parser.add_argument("--pod-cidr", help="the Pods' addresses, e.g. 10.244.0.0/16")
    parser.add_argument("--service-cidr", help="the Services' addresses, e.g. 10.96.0.0/16")
    for flag in ("--api-port", "--ingress-http-port", "--ingress-https-port"):
        parser.add_argument(flag, type=_port)
    parser.add_argument("--nodes", type=_nodes, help="how many nodes this host plays")
    parser.add_argument("--zones", type=_zones, help="how many zones they are in, 0 = none")
    parser.add_argument("--allowed-unsafe-sysctls", type=_sysctls, help="by comma")
    parser.add_argument("--foreground", action="store_true", help="for `mk up`; always true here")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument(
        "--purge", action="store_true", help="remove all the cluster left on the host"
    )
    return parser


def _nodes(text: str) -> int:
    nodes = int(text)
    if not 1 <= nodes <= MOST_NODES:
        raise argparse.ArgumentTypeError(f"{nodes} nodes: give 1 to {MOST_NODES}")
    return nodes


def _zones(text: str) -> int:
    zones = int(text)
    if not 0 <= zones <= MOST_NODES:
        raise argparse.ArgumentTypeError(f"{zones} zones: give 0 to {MOST_NODES}")
    return zones


def _sysctls(text: str) -> tuple[str, ...]:
    try:
        return parse_sysctl_patterns(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is no port: give 1 to 65535")
    return port
