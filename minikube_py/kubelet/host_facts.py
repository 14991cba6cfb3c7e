"""What the kubelet must know of the host itself, read once from /proc and /etc."""

import os
from pathlib import Path

from minikube_py.kubelet.pressure import DiskRoom, HostRoom

_CAP_SYS_RESOURCE = 24


def may_lower_oom_score() -> bool:
    """Whether a process below 0 on the OOM scale can be had: it takes CAP_SYS_RESOURCE."""
    for line in _read(Path("/proc/self/status")).splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1)
    return False


def has_apparmor() -> bool:
    return _read(Path("/sys/module/apparmor/parameters/enabled")) == "Y"


def machine_id() -> str:
    return _read(Path("/etc/machine-id"))


def boot_id() -> str:
    return _read(Path("/proc/sys/kernel/random/boot_id"))


def disk_bytes(path: Path) -> int:
    """Size of the file system that `path`, or its nearest parent, is on."""
    while not path.exists():
        path = path.parent
    found = os.statvfs(path)
    return found.f_blocks * found.f_frsize


def room(path: Path, images: Path | None = None, *, proc: Path = Path("/proc")) -> HostRoom:
    """What is free now. `path` is on the disk of pods' files, `images` on that of the engine's;
    one that isn't there (the engine runs elsewhere) does not count.
    """
    while not path.exists():
        path = path.parent
    apart = images is not None and images.exists() and images.stat().st_dev != path.stat().st_dev
    available = next(
        (line for line in _read(proc / "meminfo").splitlines() if line.startswith("MemAvailable:")),
        "",
    )
    threads = int(_read(proc / "loadavg").split()[3].partition("/")[2])
    most = min(int(_read(proc / "sys/kernel" / name)) for name in ("pid_max", "threads-max"))
    return HostRoom(
        memory=int(available.split()[1]) * 1024,
        disk=_disk_room(path),
        pids=most - threads,
        pids_total=most,
        images=_disk_room(images) if images is not None and apart else None,
    )


def _disk_room(path: Path) -> DiskRoom:
    disk = os.statvfs(path)
    return DiskRoom(
        free=disk.f_bavail * disk.f_frsize,
        total=disk.f_blocks * disk.f_frsize,
        inodes=disk.f_favail,
        inodes_total=disk.f_files,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
