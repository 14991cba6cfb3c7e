"""One cluster's names and places on the host, the same for the command, the daemon and the tests.

Several clusters live side by side; everything one makes on the host carries its name, so `mk
purge` finds all of it.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT_CLUSTER = "mk"
CLUSTER_LABEL = "io.minikube-py.cluster"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
_INTERFACE_LIMIT = 15  # IFNAMSIZ less the closing NUL


class BadClusterName(ValueError):
    """Says what a cluster name may be."""


@dataclass(frozen=True)
class Cluster:
    """Names derived from the cluster's own; `name` is a DNS label of at most 40 characters."""

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadClusterName(
                f"cluster name {self.name!r} must be at most 40 lower case letters, digits or '-', "
                "and start and end with a letter or digit"
            )

    @property
    def bridge(self) -> str:
        """The pods' bridge, an interface name."""
        return _interface_name("mk-", self.name)

    @property
    def service_device(self) -> str:
        """The device the service range is routed to, an interface name."""
        return _interface_name("mks-", self.name)

    @property
    def network(self) -> str:
        """The Docker network around the bridge."""
        return f"mk-{self.name}"

    @property
    def nft_table(self) -> str:
        return f"mk-{self.name}"

    def volume(self, volume_name: str) -> str:
        """The Docker volume behind a PersistentVolume."""
        return f"mk-{self.name}-{volume_name}"

    @property
    def default_data_dir(self) -> Path:
        return state_root() / self.name

    @property
    def record_path(self) -> Path:
        """Where a running daemon says what it is: readable by all, so `mk status` needs no root."""
        return run_root() / f"{self.name}.json"


def state_root() -> Path:
    """Root's state is the host's; anyone else's (simulated clusters) is under their home."""
    if override := os.environ.get("MK_STATE_ROOT"):
        return Path(override)
    if os.geteuid() == 0:
        return Path("/var/lib/minikube-py")
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "minikube-py"


def run_root() -> Path:
    if override := os.environ.get("MK_RUN_ROOT"):
        return Path(override)
    if os.geteuid() == 0:
        return Path("/run/minikube-py")
    return state_root() / "run"


def record_paths(cluster: Cluster) -> list[Path]:
    """Records to read, root's first: a cluster that root started is everyone's to look at."""
    shared = Path("/run/minikube-py") / f"{cluster.name}.json"
    own = cluster.record_path
    return [own] if own == shared else [own, shared]


def _interface_name(prefix: str, name: str) -> str:
    if len(prefix + name) <= _INTERFACE_LIMIT:
        return prefix + name
    digest = hashlib.sha256(name.encode()).hexdigest()[:4]
    return f"{prefix}{name[: _INTERFACE_LIMIT - len(prefix) - 5]}-{digest}"
