"""Mounts of this host by system calls: no process is started for one, and a folder that a
container could exchange for a symlink meanwhile is named by its open file, not by its path.

Blocking, though none of these waits for a disk; run by `host_files`. Raises OSError.
"""

import ctypes
import errno
import os
import platform
from functools import cache
from pathlib import Path

_MS_NOSUID, _MS_NODEV, _MS_PRIVATE = 1 << 1, 1 << 2, 1 << 18
_MNT_DETACH = 2
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 0x4
_ATTR_RDONLY = 1
# The same on all architectures: they came after the tables were made one.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def mount_memory(target: Path, size_bytes: int) -> None:
    """A tmpfs; 0 = as much as the kernel gives one, half of the memory."""
    options = "mode=0777" + (f",size={size_bytes}" if size_bytes else "")
    flags = _MS_NOSUID | _MS_NODEV
    _checked(
        _libc().mount(b"mk-emptydir", os.fsencode(target), b"tmpfs", flags, options.encode()),
        str(target),
    )


def bind(source: int, target: Path) -> None:
    """The file or folder open as `source`, what is mounted below it left out. Later mounts on
    either side stay there.
    """
    tree = _clone(source, recursive=False)
    try:
        _attach(tree, target)
    finally:
        os.close(tree)
    _checked(_libc().mount(None, os.fsencode(target), None, _MS_PRIVATE, None), str(target))


def bind_read_only(source: Path, target: Path) -> None:
    """The whole tree, each mount below it read-only as well. Raises OSError with ENOSYS where the
    kernel (before 5.12) can't do that.
    """
    opened = os.open(source, os.O_PATH | os.O_CLOEXEC)
    try:
        tree = _clone(opened, recursive=True)
    finally:
        os.close(opened)
    try:
        wanted = _MountAttributes(attr_set=_ATTR_RDONLY, propagation=_MS_PRIVATE)
        flags, size = _AT_EMPTY_PATH | _AT_RECURSIVE, ctypes.sizeof(wanted)
        _call(_MOUNT_SETATTR, tree, b"", flags, ctypes.byref(wanted), ctypes.c_size_t(size))
        _attach(tree, target)
    finally:
        os.close(tree)


def unmount(target: str) -> None:
    """It leaves the tree at once, and goes when its last user does."""
    if _libc().umount2(os.fsencode(target), _MNT_DETACH) != 0:
        number = ctypes.get_errno()
        if number not in (errno.EINVAL, errno.ENOENT):  # somebody else has done it
            raise OSError(number, os.strerror(number), target)


def _clone(source: int, *, recursive: bool) -> int:
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_EMPTY_PATH
    return _call(_OPEN_TREE, source, b"", flags | (_AT_RECURSIVE if recursive else 0))


def _attach(tree: int, target: Path) -> None:
    to = os.fsencode(target)
    _call(_MOVE_MOUNT, tree, b"", _AT_FDCWD, to, _MOVE_MOUNT_F_EMPTY_PATH)


def _call(number: int, *arguments: object) -> int:
    return _checked(_libc().syscall(ctypes.c_long(number), *arguments), "")


def _checked(result: int, target: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)
    return result


@cache
def _libc() -> ctypes.CDLL:
    if platform.system() != "Linux":  # pragma: no cover
        raise OSError(errno.ENOSYS, "mounts need Linux")
    return ctypes.CDLL(None, use_errno=True)
