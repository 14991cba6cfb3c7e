"""The running daemon's record, as `up`, `down`, `purge` and `status` read it.

A record outlives a killed daemon: it counts only while its process lives and is the same one.
"""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from minikube_py.cli.errors import CliError
from minikube_py.meta.cluster import Cluster, record_paths

Record = dict[str, Any]
_POLL_SECONDS = 0.02


def read_record(cluster: Cluster) -> Record | None:
    """The newest record of the cluster, be it stale or not."""
    for path in record_paths(cluster):
        record = _read(path)
        if record is not None:
            return record
    return None


def live_record(cluster: Cluster) -> Record | None:
    """The record of a daemon that runs now."""
    for path in record_paths(cluster):
        record = _read(path)
        if record is not None and is_alive(record):
            return record
    return None


def is_alive(record: Record) -> bool:
    return _start_time(int(record.get("pid") or 0)) == record.get("startTime") is not None


def stop(record: Record, number: signal.Signals, seconds: float) -> None:
    """Signals the daemon and waits until it is gone; raises CliError when it stays."""
    pid, cluster = int(record["pid"]), record["cluster"]
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise CliError(f'the cluster "{cluster}" runs as another user: use sudo') from None
    deadline = time.monotonic() + seconds
    while is_alive(record):
        if time.monotonic() > deadline:
            raise CliError(
                f"the daemon (pid {pid}) still stops its pods after {seconds:.0f} s: wait with "
                f"`mk down --timeout …`, or end it with `kill -9 {pid}`"
            )
        time.sleep(_POLL_SECONDS)


def _read(path: Path) -> Record | None:
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _start_time(pid: int) -> int | None:
    """None for a process that is gone, or dead and not yet reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    words = stat.rpartition(")")[2].split()
    return None if words[0] in "ZX" else int(words[19])
