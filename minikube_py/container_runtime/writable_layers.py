"""Where on the host a container writes what it writes over its image.

The engine's overlay drivers say so; where an engine keeps its layers in containerd it doesn't, but
then the kernel does, for a process of the container. Of drivers without such a folder (btrfs, zfs,
devicemapper, vfs) nothing is known.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_OVERLAYS = ("overlay", "fuse.fuse-overlayfs")


def of_inspected(inspected: Mapping[str, Any]) -> str:
    """From GET /containers/{id}/json; "" where it does not say."""
    data = (inspected.get("GraphDriver") or {}).get("Data") or {}
    return str(data.get("UpperDir") or "")


def of_process(pid: int, proc: Path = Path("/proc")) -> str:
    """What the root of the process' files is laid over; "" when it is gone or on no overlay."""
    try:
        return upper_dir((proc / str(pid) / "mountinfo").read_text())
    except OSError:
        return ""


def upper_dir(mountinfo: str) -> str:
    """Of the mount at `/`. Drivers may mount with relative paths: those say nothing."""
    for line in mountinfo.splitlines():
        mounted, _, filesystem = line.partition(" - ")
        if mounted.split()[4] != "/":
            continue
        type_, _, options = filesystem.split(" ", 2)
        named = dict(option.partition("=")[::2] for option in options.split(","))
        found = named.get("upperdir", "") if type_ in _OVERLAYS else ""
        return found if found.startswith("/") else ""
    return ""
