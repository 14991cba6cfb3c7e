"""CPU time, memory and processes of a container, read from its control group: a scrape of a
hundred containers is a few hundred small files, not a hundred calls that each keep the engine busy.

Knows version 1 (cpuacct, memory, pids) and version 2, and the hybrid layout, where both exist and
the controllers are version 1's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

CGROUP_ROOT = Path("/sys/fs/cgroup")


class GroupUsage(NamedTuple):
    """CPU time so far, the working set, and processes with their threads (0: not counted)."""

    cpu_nanoseconds: int
    memory_bytes: int
    processes: int


def usage_of(
    pid: int, *, proc: Path = Path("/proc"), root: Path = CGROUP_ROOT
) -> GroupUsage | None:
    """Of the group `pid` is in; None when the process is gone."""
    try:
        groups = groups_of(pid, proc=proc)
        if "cpuacct" in groups and "memory" in groups:
            return _usage_v1(groups, root)
        return _usage_v2(root / groups[""].lstrip("/"))
    except (OSError, KeyError, ValueError):
        return None


def groups_of(pid: int, *, proc: Path = Path("/proc")) -> dict[str, str]:
    """Controller → path of the group `pid` is in, from lines like `5:cpu,cpuacct:/docker/…`;
    version 2's is "". Raises OSError.
    """
    groups: dict[str, str] = {}
    for line in (proc / str(pid) / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        groups |= dict.fromkeys(controllers.split(","), path)
    return groups


def _usage_v1(groups: Mapping[str, str], root: Path) -> GroupUsage:
    cpu = root / "cpuacct" / groups["cpuacct"].lstrip("/")
    memory = root / "memory" / groups["memory"].lstrip("/")
    inactive = _field(memory / "memory.stat", "total_inactive_file")
    used = int((memory / "memory.usage_in_bytes").read_text())
    processes = _processes(root / "pids" / groups["pids"].lstrip("/")) if "pids" in groups else 0
    spent = int((cpu / "cpuacct.usage").read_text())
    return GroupUsage(spent, max(0, used - inactive), processes)


def _usage_v2(group: Path) -> GroupUsage:
    inactive = _field(group / "memory.stat", "inactive_file")
    used = int((group / "memory.current").read_text())
    spent = _field(group / "cpu.stat", "usage_usec") * 1000
    return GroupUsage(spent, max(0, used - inactive), _processes(group))


def _processes(group: Path) -> int:
    try:
        return int((group / "pids.current").read_text())
    except FileNotFoundError:
        return 0


def _field(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    raise KeyError(name)
