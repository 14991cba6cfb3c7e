"""What is mounted where, as the kernel says (proc(5)): memory volumes are mounts of the host.

Only reads; taking them away is for who put them there.
"""

import os
import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_TARGET = 4  # the field of a line that says where it is mounted


def mounts_below(directory: Path) -> list[str]:
    """The last mounted first, which is also the deepest; nothing where there is no such list."""
    root = os.path.realpath(directory)
    return [target for target in _mounts() if target.startswith(f"{root}/")]


def mounts_at(directory: Path) -> list[str]:
    """Those below it, then what is mounted on the directory itself."""
    root = os.path.realpath(directory)
    return [*mounts_below(directory), *(target for target in _mounts() if target == root)]


def _mounts() -> list[str]:
    if not _MOUNTS.exists():
        return []
    lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    return [_unescaped(line.split(" ")[_TARGET]) for line in reversed(lines)]


def _unescaped(text: str) -> str:
    r"""Blanks and backslashes are written as octal: `\040`."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
