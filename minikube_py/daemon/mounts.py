"""What Pods left mounted below their directory: memory volumes are tmpfs mounts of the host, and
when the Pods stop with the daemon nobody else takes them away.

The directories stay, so that the kubelet of the next start mounts them afresh.
"""

import asyncio
import logging
import os
import re
from pathlib import Path

_log = logging.getLogger(__name__)
_MOUNTS = Path("/proc/self/mountinfo")
_TARGET = 4  # proc(5): the field of a line that says where it is mounted
_UNMOUNT_SECONDS = 10


async def unmount_below(directory: Path) -> list[str]:
    """Unmounts all below `directory`, but not what it may be on; gives what stayed mounted."""
    for target in mounts_below(directory):
        # In use, it leaves the tree at once, and goes when its last user does.
        if await _umount(target) or await _umount("--lazy", target):
            _log.info("unmounted target=%s", target)
    left = mounts_below(directory)
    if left:
        _log.warning("still mounted targets=%s", left)
    return left


def mounts_below(directory: Path) -> list[str]:
    """The last mounted first, which is also the deepest; nothing where there is no such list."""
    if not _MOUNTS.exists():
        return []
    root = os.path.realpath(directory)
    lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    targets = [_unescaped(line.split(" ")[_TARGET]) for line in lines]
    return [target for target in reversed(targets) if target.startswith(f"{root}/")]


async def _umount(*words: str) -> bool:
    process = await asyncio.create_subprocess_exec(
        "umount", *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_UNMOUNT_SECONDS):
            _, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
    if process.returncode != 0:
        _log.debug("umount %s: %s", " ".join(words), errors.decode(errors="replace").strip())
    return process.returncode == 0


def _unescaped(text: str) -> str:
    r"""Blanks and backslashes are written as octal: `\040`."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
