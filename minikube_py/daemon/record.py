"""The file that tells the host a daemon runs: `mk status` and `mk up` read it, no root needed.

A record outlives a killed daemon; its process id and start time tell whether it is still true.
"""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Record:
    """Field names are the JSON's, as `mk status -o json` shows them."""

    cluster: str
    pid: int
    startTime: int  # noqa: N815 - the JSON's own spelling; clock ticks since boot
    ready: bool
    api: str
    dataDir: str  # noqa: N815
    kubeconfig: str
    runtime: str
    serviceProxy: str  # noqa: N815
    podCIDR: str = ""  # noqa: N815
    serviceCIDR: str = ""  # noqa: N815
    dns: str = ""
    ingressHttpPort: int = 0  # noqa: N815
    ingressHttpsPort: int = 0  # noqa: N815
    nodes: int = 1
    allowedUnsafeSysctls: str = ""  # noqa: N815
    zones: int = 0
    version: str = ""
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class RecordFile:
    """Writes the record atomically, readable by everyone; removes only what it wrote."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: Record | None = None

    def write(self, record: Record) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        temporary.write_text(json.dumps(record.as_json(), indent=2) + "\n")
        temporary.chmod(0o644)
        temporary.replace(self._path)
        self._last = record

    def fail(self, message: str) -> None:
        if self._last is not None:
            self.write(replace(self._last, ready=False, error=message))

    def remove(self) -> None:
        if self._last is not None:
            self._path.unlink(missing_ok=True)
            self._last = None


def process_start_time(pid: int) -> int:
    """Clock ticks since boot when `pid` started: tells it from a later one with its number."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[19])
