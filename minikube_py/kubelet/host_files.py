"""Files and mounts of pods on this host: the one adapter of the kubelet that blocks.

Small files are written in place; trees that may be large (removal, ownership) and mounts go to a
few threads of its own, so that the event loop never waits for a disk.
"""

import asyncio
import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from minikube_py.kubelet import mounting
from minikube_py.kubelet.atomic_writer import write_atomically
from minikube_py.kubelet.local_storage import Taken
from minikube_py.kubelet.projections import File
from minikube_py.kubelet.sub_paths import open_sub_path
from minikube_py.meta.mounts import mounts_at
from minikube_py.meta.private_files import write_private

T = TypeVar("T")

_THREADS = 2
_NFS_SECONDS = 60
_BLOCK = 512


class FileProblem(Exception):
    """The host refused; the message is fit for an Event."""


class HostLacks(FileProblem):
    """Something has to be installed or changed on the host first."""


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

    async def mount_nfs(self, path: Path, source: str, options: Sequence[str]) -> None:
        """`source` is `server:/path`. Raises HostLacks where the host has no client for it."""
        await self._in_thread(lambda: _mount_nfs(path, source, options))

    async def bind_sub_path(
        self, volume: Path, sub_path: str, target: Path, *, create: bool
    ) -> Path:
        """Where the part of the volume is shown; made as folders where it is missing and `create`.
        Raises OutsideVolume, MissingSubPath.
        """
        return await self._in_thread(
            lambda: self._bind_sub_path(volume, sub_path, target, create=create)
        )

    async def bind_read_only(self, source: Path, target: Path) -> Path:
        """The tree and all that is mounted in it, read-only. Raises HostLacks."""
        return await self._in_thread(lambda: self._bind_read_only(source, target))

    async def own(self, path: Path, group: int, *, always: bool = True) -> None:
        """The tree to `group`, group-writable; unless `always`, only when its root is not yet
        (OnRootMismatch).
        """
        if self._privileged:
            await self._in_thread(lambda: _own(path, group, always=always))

    async def taken(self, path: Path) -> Taken:
        """What the tree takes of its disk; what isn't there, or vanishes meanwhile, is nothing."""
        return await self._in_thread(lambda: _taken(path))

    async def taken_by_log(self, path: Path) -> Taken:
        """The file and what was rotated out of it: `<path>.1` and so on."""
        return await self._in_thread(lambda: _taken_by_log(path))

    async def write_durably(self, path: Path, content: str) -> None:
        """All of it or nothing, and on disk when this returns; for the owner alone."""
        await self._in_thread(lambda: _write_durably(path, content.encode()))

    async def remove(self, path: Path) -> None:
        """The tree and whatever of ours is mounted in it."""
        await self._in_thread(lambda: _remove(path))

    def _mount_memory(self, path: Path, size_bytes: int) -> None:
        path.mkdir(parents=True, exist_ok=True)
        if self._privileged and not os.path.ismount(path):
            mounting.mount_memory(path, size_bytes)

    def _bind_sub_path(self, volume: Path, sub_path: str, target: Path, *, create: bool) -> Path:
        source = open_sub_path(volume, sub_path, create=create)
        try:
            if not self._privileged:
                return Path(os.path.realpath(volume / sub_path))
            is_folder = stat.S_ISDIR(os.fstat(source).st_mode)
            if not _shows(target, source):
                _make_target(target, is_folder=is_folder)
                mounting.bind(source, target)
            return target
        finally:
            os.close(source)

    def _bind_read_only(self, source: Path, target: Path) -> Path:
        if not self._privileged:
            return source
        _make_target(target, is_folder=source.is_dir())
        try:
            mounting.bind_read_only(source, target)
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.EINVAL):
                raise
            raise HostLacks("recursiveReadOnly needs a kernel of version 5.12 or newer") from error
        return target

    async def run(self, work: Callable[[], T]) -> T:
        """Something else that blocks. Raises FileProblem."""
        return await self._in_thread(work)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except OSError as error:
            raise FileProblem(f"{error.filename or ''}: {error.strerror}") from error


def _write_durably(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, data)


def _own(path: Path, group: int, *, always: bool) -> None:
    root = path.stat()
    if not always and root.st_gid == group and root.st_mode & 0o2770 == 0o2770:
        return
    for directory, folders, files in os.walk(path):
        links = [name for name in folders if (Path(directory) / name).is_symlink()]
        for name in [*files, *links]:
            _give(Path(directory) / name, group, 0o660)
        if directory != str(path):
            _give(Path(directory), group, 0o2770)
    # The root goes last: a walk that was cut short is begun again.
    _give(path, group, 0o2770)


def _give(path: Path, group: int, bits: int) -> None:
    if path.is_symlink():
        os.lchown(path, -1, group)
        return
    os.chown(path, -1, group)
    path.chmod((path.stat().st_mode & 0o7777) | bits)


def _taken(path: Path) -> Taken:
    """Hard links count once, other file systems not at all: as `du -x`."""
    used, seen, folders = Taken(), set[tuple[int, int]](), [str(path)]
    device = path.stat().st_dev if path.is_dir() else None
    while folders:
        for entry in _entries(folders.pop()):
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if found.st_dev != device or (found.st_dev, found.st_ino) in seen:
                continue
            if found.st_nlink > 1:
                seen.add((found.st_dev, found.st_ino))
            used += Taken(found.st_blocks * _BLOCK, 1)
            if stat.S_ISDIR(found.st_mode):
                folders.append(entry.path)
    return used


def _taken_by_log(path: Path) -> Taken:
    used = Taken()
    for entry in _entries(str(path.parent)):
        if entry.name == path.name or entry.name.startswith(f"{path.name}."):
            with suppress(FileNotFoundError):
                used += Taken(entry.stat().st_blocks * _BLOCK, 1)
    return used


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _shows(target: Path, source: int) -> bool:
    """Whether the same file or folder is bound there already."""
    if not mounts_at(target):
        return False
    wanted, found = os.fstat(source), target.stat()
    return (wanted.st_dev, wanted.st_ino) == (found.st_dev, found.st_ino)


def _make_target(target: Path, *, is_folder: bool) -> None:
    """A fresh place to mount on; what is mounted there is of an earlier start of the container."""
    _remove(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    if is_folder:
        target.mkdir()
    else:
        target.touch()


def _remove(path: Path) -> None:
    """Never what is mounted in it: files of others would go."""
    for mounted in mounts_at(path):
        mounting.unmount(mounted)
    if left := mounts_at(path):
        raise FileProblem(f"{left[0]} is still mounted")
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _mount_nfs(path: Path, source: str, options: Sequence[str]) -> None:
    path.mkdir(parents=True, exist_ok=True)
    if os.path.ismount(path):
        return
    if shutil.which("mount.nfs", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin") is None:
        raise HostLacks(
            "nfs needs mount.nfs on this host: install the package nfs-common (Debian, Ubuntu) "
            "or nfs-utils (Fedora, SUSE)"
        )
    chosen = ["-o", ",".join(options)] if options else []
    run_program(["mount", "-t", "nfs", *chosen, source, str(path)], _NFS_SECONDS)


def run_program(command: Sequence[str], seconds: float) -> None:
    """Blocks. Raises FileProblem with what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise FileProblem(f"{' '.join(command)}: no answer in {seconds} s") from error
    if done.returncode != 0:
        raise FileProblem(f"{' '.join(command)}: {done.stderr.strip()}")
