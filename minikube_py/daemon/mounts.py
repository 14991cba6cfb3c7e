"""What Pods left mounted below their directory: memory volumes are tmpfs mounts of the host, and
when the Pods stop with the daemon nobody else takes them away.

The directories stay, so that the kubelet of the next start mounts them afresh.
"""

import asyncio
import logging
from pathlib import Path

from minikube_py.meta.mounts import mounts_below

_log = logging.getLogger(__name__)
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
