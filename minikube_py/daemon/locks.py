"""Who else is here: one daemon a data directory, and one start at a time on a host.

Both are kernel locks on open files, gone when their process ends, however it ends.
"""

import asyncio
import fcntl
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from minikube_py.daemon.choices import StartFailure

_POLL_SECONDS = 0.01
_PATIENCE_SECONDS = 90.0


@contextmanager
def only_daemon(data_dir: Path) -> Iterator[None]:
    """Raises StartFailure when another daemon uses the directory."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    data_dir.chmod(0o700)
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _take(descriptor):
            raise StartFailure(
                f"another daemon already uses {data_dir}: see 'mk status', or stop it with "
                "'mk down'"
            )
        yield
    finally:
        os.close(descriptor)


@asynccontextmanager
async def one_start_at_a_time() -> AsyncIterator[None]:
    """Two clusters that start together must not choose the same free ranges and ports: what one
    chose is seen by the other only once it is in use. Raises StartFailure after a long wait.
    """
    path = Path(tempfile.gettempdir()) / f"minikube-py-{os.geteuid()}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        await _wait_for(descriptor)
        yield
    finally:
        os.close(descriptor)


async def _wait_for(descriptor: int) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            # A file lock tells nobody when it is free.
            while not _take(descriptor):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise StartFailure(
            "another cluster has been starting on this host for too long: see its log, and 'ps' "
            "for 'minikube_py.daemon'"
        ) from error


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
