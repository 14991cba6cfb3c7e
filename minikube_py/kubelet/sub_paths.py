"""A part of a volume, opened so that nothing a container does meanwhile leads out of the volume.

Containers write into their volumes, symlinks too. Links are followed where they stay inside; then
the way found is walked again name by name, and none of the names may be a link any more (kubelet's
subpath_linux.go, after CVE-2017-1002101). Blocking; run by `host_files`.
"""

import os
import stat
from pathlib import Path


class OutsideVolume(Exception):
    """The sub path leads, or was made to lead, out of its volume."""


class MissingSubPath(Exception):
    """There is no such part of a volume that can't be written to."""


def open_sub_path(volume: Path, sub_path: str, *, create: bool) -> int:
    """A file descriptor (O_PATH) of the part, made as folders where it is missing and `create`.
    Raises OutsideVolume, MissingSubPath, OSError.
    """
    if sub_path.startswith("/") or ".." in sub_path.split("/"):
        raise OutsideVolume
    base = Path(os.path.realpath(volume))
    found = Path(os.path.realpath(base / sub_path))
    if found != base and base not in found.parents:
        raise OutsideVolume
    mode = stat.S_IMODE(base.stat().st_mode)
    current = os.open(base, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in found.relative_to(base).parts:
        try:
            below = _open_below(current, name, mode if create else None)
        finally:
            os.close(current)
        current = below
    return current


def _open_below(parent: int, name: str, create_mode: int | None) -> int:
    flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        opened = os.open(name, flags, dir_fd=parent)
    except FileNotFoundError:
        if create_mode is None:
            raise MissingSubPath from None
        _make_folder(parent, name, create_mode)
        opened = os.open(name, flags, dir_fd=parent)
    except NotADirectoryError as error:
        raise MissingSubPath from error
    if stat.S_ISLNK(os.fstat(opened).st_mode):
        os.close(opened)
        raise OutsideVolume
    return opened


def _make_folder(parent: int, name: str, mode: int) -> None:
    """With the volume's mode, whatever the daemon's umask is."""
    os.mkdir(name, 0o700, dir_fd=parent)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    made = os.open(name, flags, dir_fd=parent)
    try:
        os.fchmod(made, mode)
    finally:
        os.close(made)
