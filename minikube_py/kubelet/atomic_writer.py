"""Writes a payload so that readers see all of the old files or all of the new ones.

The layout is kubelet's: files in a directory with a time in its name, `..data` a symlink to it, and
one symlink per top-level name through `..data`. Changing `..data` is one rename. Blocking; run by
`host_files`.
"""

import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from minikube_py.kubelet.projections import File

_DATA = "..data"
_NEW_DATA = "..data_tmp"


def write_atomically(
    target: Path, payload: Mapping[str, File], now: datetime, *, group: int | None = None
) -> bool:
    """True when something was written; the same payload again writes nothing."""
    target.mkdir(parents=True, exist_ok=True)
    link = target / _DATA
    current = target / link.readlink() if link.is_symlink() else None
    if current is not None and _holds(current, payload):
        _link_names(target, payload)
        return False
    fresh = _fresh_directory(target, now)
    for path, file in payload.items():
        _write(fresh / path, file, group)
    if group is not None:
        os.chown(fresh, -1, group)
    _link_names(target, payload)
    new_link = target / _NEW_DATA
    new_link.unlink(missing_ok=True)
    new_link.symlink_to(fresh.name)
    new_link.rename(link)
    _drop_others(target, fresh.name, payload)
    return True


def _fresh_directory(target: Path, now: datetime) -> Path:
    stamp = now.strftime("..%Y_%m_%d_%H_%M_%S.%f")
    for number in range(1000):
        fresh = target / (f"{stamp}.{number}" if number else stamp)
        try:
            fresh.mkdir(mode=0o755)
        except FileExistsError:
            continue
        return fresh
    raise FileExistsError(f"{target}: no free name for a new version of its files")


def _write(path: Path, file: File, group: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)
    if group is not None or file.user is not None:
        # Readable by the pod's group, as kubelet's SetVolumeOwnership does for what it projects.
        os.chown(path, -1 if file.user is None else file.user, -1 if group is None else group)
    path.chmod(file.mode | 0o440 if group is not None else file.mode)


def _holds(directory: Path, payload: Mapping[str, File]) -> bool:
    if not directory.is_dir():
        return False
    present = {
        str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()
    }
    if present != set(payload):
        return False
    return all((directory / path).read_bytes() == file.content for path, file in payload.items())


def _link_names(target: Path, payload: Mapping[str, File]) -> None:
    for name in {path.split("/")[0] for path in payload}:
        link = target / name
        if not link.is_symlink():
            link.symlink_to(f"{_DATA}/{name}")


def _drop_others(target: Path, current: str, payload: Mapping[str, File]) -> None:
    names = {path.split("/")[0] for path in payload}
    for entry in target.iterdir():
        if entry.name in (_DATA, current) or entry.name in names:
            continue
        if entry.is_symlink() or entry.is_file():
            entry.unlink()
        elif entry.name.startswith(".."):
            shutil.rmtree(entry, ignore_errors=True)
