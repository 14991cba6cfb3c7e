"""Files and mounts of pods on this host: the one adapter of the kubelet that blocks.

Small files are written in place; trees that may be large (removal, ownership) and mounts go to a
few threads of its own, so that the event loop never waits for a disk.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from minikube_py.kubelet.atomic_writer import write_atomically
from minikube_py.kubelet.projections import File
from minikube_py.meta.mounts import mounts_at

T = TypeVar("T")

_THREADS = 2
_MOUNT_SECONDS = 10


class FileProblem(Exception):
    """The host refused; the message is fit for an Event."""


class HostFiles:
    """`privileged`: root, so that ownership and mounts can be had; without it they are left out,
    which only a cluster on paper does.
    """

    def __init__(self, *, privileged: bool | None = None) -> None:
        self._privileged = os.geteuid() == 0 if privileged is None else privileged
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="kubelet-files")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    # -- at once -------------------------------------------------------------------------------

    def write(self, path: Path, content: str | bytes, mode: int = 0o644) -> None:
        """Written in place when it changed: a bind-mounted file must keep its inode."""
        data = content.encode() if isinstance(content, str) else content
        try:
            if path.exists() and path.read_bytes() == data:
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(mode)
        except OSError as error:
            raise FileProblem(f"{path}: {error.strerror}") from error

    def read(self, path: Path, limit_bytes: int) -> bytes:
        """The end of the file, b"" when there is none."""
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - limit_bytes))
                return file.read(limit_bytes)
        except OSError:
            return b""

    def project(
        self, target: Path, payload: Mapping[str, File], now: datetime, group: int | None
    ) -> bool:
        """True when something changed."""
        owner = group if self._privileged else None
        if not self._privileged:
            payload = {path: replace(file, user=None) for path, file in payload.items()}
        try:
            return write_atomically(target, payload, now, group=owner)
        except OSError as error:
            raise FileProblem(f"{target}: {error.strerror}") from error

    def make_directory(self, path: Path, *, mode: int, group: int | None = None) -> None:
        """With a group it belongs to that group and passes it on (setgid), as fsGroup asks."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(mode)
            if group is not None and self._privileged:
                os.chown(path, -1, group)
                path.chmod(mode | 0o2770)
        except OSError as error:
            raise FileProblem(f"{path}: {error.strerror}") from error

    # -- in threads ----------------------------------------------------------------------------

    async def mount_memory(self, path: Path, *, size_bytes: int, group: int | None) -> None:
        """A tmpfs; on one that is mounted already it does nothing."""
        await self._in_thread(lambda: self._mount_memory(path, size_bytes))
        self.make_directory(path, mode=0o777, group=group)

    async def own(self, path: Path, group: int) -> None:
        """The tree to `group`, group-writable, unless its root is already (OnRootMismatch)."""
        if self._privileged:
            await self._in_thread(lambda: _own(path, group))

    async def remove(self, path: Path) -> None:
        """The tree and whatever of ours is mounted in it."""
        await self._in_thread(lambda: self._remove(path))

    def _mount_memory(self, path: Path, size_bytes: int) -> None:
        path.mkdir(parents=True, exist_ok=True)
        if not self._privileged or os.path.ismount(path):
            return
        options = ["-o", f"size={size_bytes}"] if size_bytes else []
        _run(["mount", "-t", "tmpfs", *options, "mk-emptydir", str(path)])

    def _remove(self, path: Path) -> None:
        if not path.exists():
            return
        for mounted in mounts_at(path):
            _run(["umount", "-l", mounted])
        shutil.rmtree(path, ignore_errors=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except OSError as error:
            raise FileProblem(f"{error.filename or ''}: {error.strerror}") from error


def _own(path: Path, group: int) -> None:
    root = path.stat()
    if root.st_gid == group and root.st_mode & 0o2070 == 0o2070:
        return
    for directory, _, files in os.walk(path):
        for name in files:
            _give(Path(directory) / name, group, 0o060)
        if directory != str(path):
            _give(Path(directory), group, 0o2070)
    # The root goes last: a walk that was cut short is begun again.
    _give(path, group, 0o2070)


def _give(path: Path, group: int, bits: int) -> None:
    if path.is_symlink():
        os.lchown(path, -1, group)
        return
    os.chown(path, -1, group)
    path.chmod((path.stat().st_mode & 0o7777) | bits)


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_MOUNT_SECONDS, check=False
    )
    if done.returncode != 0:
        raise FileProblem(f"{' '.join(command)}: {done.stderr.strip()}")
