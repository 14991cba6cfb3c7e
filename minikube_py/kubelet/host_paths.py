"""hostPath: what must be at the path, and what is made there (kubelet's host_path.go, whose
messages these are).
"""

import stat
from pathlib import Path

from minikube_py.kubelet.host_files import FileProblem, HostFiles

_CHECKS = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def prepare_host_path(files: HostFiles, path: Path, type_: str) -> None:
    """Raises FileProblem when the path is not what `type_` says."""
    if type_ == "FileOrCreate" and not path.exists():
        # As kubelet: only the file, not the folders above it.
        if not path.parent.is_dir():
            raise FileProblem(f"open {path}: no such file or directory")
        files.write(path, b"", 0o644)
    elif type_ in ("", "DirectoryOrCreate") and not path.exists():
        files.make_directory(path, mode=0o755)
    elif type_:
        _check(path, type_.removesuffix("OrCreate"))


def _check(path: Path, wanted: str) -> None:
    check, words = _CHECKS[wanted]
    if not path.exists() or not check(path.stat().st_mode):
        raise FileProblem(f"hostPath type check failed: {path} is not {words}")
